"use strict";
// The results: within the page (a report), or asked of the server that it comes from (mvn-runner
// ui).

class Results {
  constructor() {
    const element = byId("results");
    const all = element ? JSON.parse(element.textContent) : null;
    this.live = !all;
    this.sections = all ? all.sections : {};
    this.embedded = all;
    this.sweep = "";
    this.epoch = 0;
    this.since = 0;
    this.known = new Map();  // metric -> {since, curves: Map, left_out}
  }

  section(name) { return this.sections[name] ?? []; }

  groups() { return this.section("groups"); }

  // In the order of the sweep.
  trials() {
    return Object.entries(this.sections)
        .filter(([name, trial]) => name.startsWith("trial:") && trial)
        .map(([, trial]) => trial)
        .sort((a, b) => a.order - b.order);
  }

  trial(id) { return this.sections[`trial:${id}`]; }

  stage(name) { return this.section("stages").find((stage) => stage.name === name); }

  async ask(path, query) {
    const answer = await fetch(`${path}?${new URLSearchParams(query)}`);
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer.json();
  }

  // What the server has that this page does not have yet: the names of the sections that changed.
  async follow() {
    const answer =
        await this.ask("/api/changes", {sweep: this.sweep, epoch: this.epoch, since: this.since});
    if (answer.epoch !== this.epoch) this.known.clear();
    this.epoch = answer.epoch;
    this.moved = answer.now !== this.since;
    this.since = answer.now;
    Object.assign(this.sections, answer.sections);
    return Object.keys(answer.sections);
  }

  // {curves: [...], left_out} of a metric.
  async curves(metric) {
    if (!this.live) return this.embedded.curves[metric] ?? {curves: [], left_out: {}};
    const known = this.known.get(metric) ?? {since: 0, curves: new Map(), left_out: {}};
    const answer = await this.ask(
        "/api/curves", {sweep: this.sweep, metric, epoch: this.epoch, since: known.since});
    for (const curve of answer.curves) known.curves.set(`${curve.stage}/${curve.group}`, curve);
    known.since = answer.now;
    known.left_out = answer.left_out;
    this.known.set(metric, known);
    return {curves: [...known.curves.values()], left_out: known.left_out};
  }

  metrics() {
    const all = this.section("metrics");
    return this.live ? all : all.filter((metric) => this.embedded.curves[metric.name]);
  }

  async details(id) {
    if (this.live) return this.ask("/api/trial", {sweep: this.sweep, id});
    const {trials, common} = this.embedded.details;
    const own = trials[id];
    if (!own) return null;
    const ran = own.attempts.length > 0;
    return {
      ...own,
      config: {...common.config, ...own.config},
      environment: ran ? {...common.environment, ...own.environment} : {}
    };
  }
}
