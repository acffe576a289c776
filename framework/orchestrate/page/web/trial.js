"use strict";
// All that is known of a trial, in a dialog; of a configuration, its trials.

class TrialDialog {
  constructor(results) {
    this.results = results;
    this.dialog = byId("trial");
    this.body = byId("trial-body");
    this.dialog.addEventListener("close", () => {
      this.shown = null;
      if (location.hash.startsWith("#trial=") || location.hash.startsWith("#group=")) {
        history.replaceState(null, "", location.pathname + location.search);
      }
    });
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    window.addEventListener("hashchange", () => this.follow());
  }

  // "#trial=3f2a..." and "#group=...": a link to it.
  follow() {
    const [kind, id] = location.hash.slice(1).split("=");
    if (kind === "trial" && id) this.show(decodeURIComponent(id));
    if (kind === "group" && id) this.showGroup(decodeURIComponent(id));
  }

  open(title, ...children) {
    // Shown anew because something is new, it stays where it was and as far open.
    const again = this.dialog.open && byId("trial-name").textContent === title;
    const scrolled = this.dialog.scrollTop;
    const summaries = [...this.body.querySelectorAll("details[open] > summary")];
    const unfolded = again ? summaries.map((summary) => summary.textContent) : [];
    byId("trial-name").textContent = title;
    this.body.replaceChildren(...children);
    for (const summary of this.body.querySelectorAll("details > summary")) {
      summary.parentNode.open = unfolded.includes(summary.textContent);
    }
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = again ? scrolled : 0;
    if (!again) byId("trial-name").focus();
  }

  // What the server has that is new.
  async refresh(changed) {
    if (this.dialog.open && this.shown && changed.includes(`trial:${this.shown}`)) {
      await this.show(this.shown);
    }
  }

  link(trial, text) {
    return make(
        "a", {href: `#trial=${encodeURIComponent(trial.id)}`, class: "open"}, text ?? trial.id);
  }

  showGroup(id) {
    const trials = this.results.trials().filter((trial) => trial.group === id);
    const group = this.results.groups().find((each) => each.id === id);
    if (trials.length === 0) return;
    this.shown = null;
    const rows = trials.map(
        (trial) =>
            [this.link(trial), words(trial.seed), stateNode(trial.state), words(trial.objective),
             words(trial.step), duration(trial.seconds), trial.message ?? ""]);
    this.open(
        trials[0].params,
        make(
            "p", {class: "note"},
            group && group.mean !== null ? `mean ${words(group.mean)}${
                                               group.low === null ?
                                                   "" :
                                                   `, 95 % interval ${words(group.low)} .. ${
                                                       words(group.high)}`}, n = ${group.n}` :
                                           "no result yet"),
        plainTable(["trial", "seed", "state", "result", "step", "time", "message"], rows),
        make("h3", {}, "Parameters"), pairsTable(Object.entries(group?.parameters ?? {})));
  }

  async show(id) {
    const trial = this.results.trial(id);
    if (!trial) return;
    const name = `Trial ${trial.id}`;
    this.shown = id;
    let details = null;
    try {
      details = await this.results.details(id);
    } catch (error) {
      this.open(name, make("p", {}, `Its details cannot be had: ${error.message}`));
      return;
    }
    if (this.shown !== id) return;
    this.open(
        name, ...this.summary(trial), ...this.trouble(trial, details), ...this.siblings(trial),
        ...(await this.curve(trial, details)), ...this.details(trial, details ?? {}));
    const plot = this.body.querySelector(".plot");
    if (plot?.drawLater) plot.drawLater();
  }

  summary(trial) {
    const stage = this.results.stage(trial.stage);
    const group = this.results.groups().find((each) => each.id === trial.group);
    return [pairsTable([
      [
        "configuration",
        group ? make("a", {href: `#group=${encodeURIComponent(trial.group)}`}, trial.params) :
                trial.params
      ],
      ...(trial.stage ? [["stage", trial.stage]] : []),
      ["seed", trial.seed],
      ["state", stateNode(trial.state)],
      [stage?.metric ?? "result", trial.objective],
      ["step", trial.steps ? `${words(trial.step)} of ${words(trial.steps)}` : trial.step],
      ["time", duration(trial.seconds)],
      ["started", trial.started],
      ...Object.entries(trial.costs)
          .filter(([cost]) => cost !== "seconds")
          .map(([cost, value]) => [cost, costWords(cost, value)]),
    ])];
  }

  trouble(trial, details) {
    if (["done", "running", "planned"].includes(trial.state) && !details?.events?.length) return [];
    const events =
        (details?.events ?? []).map((event) => make("li", {}, `${event.level}: ${event.message}`));
    const message = trial.message ? [make("p", {}, `${trial.state}: ${trial.message}`)] : [];
    return [
      make("h3", {}, "What went wrong"),
      make("div", {class: "cause"}, ...message, make("ul", {}, ...events))
    ];
  }

  // What is otherwise in the other trials of its stage, and its configuration with other seeds.
  siblings(trial) {
    const groups = this.results.groups().filter((group) => group.stage === trial.stage);
    const own = groups.find((group) => group.id === trial.group);
    const names = varyingNames(groups);
    const result = [];
    if (own && names.length > 0) {
      result.push(
          make("h3", {}, "What sets it apart"),
          plainTable(["parameter", "here", "elsewhere"], names.map((name) => {
            const here = words(own.parameters?.[name]);
            const others =
                [...new Set(groups.map((group) => words(group.parameters?.[name])))].filter(
                    (value) => value !== here);
            return [
              name, here,
              others.length > 8 ? `${others.slice(0, 8).join(", ")} and ${others.length - 8} more` :
                                  others.join(", ")
            ];
          })));
    }
    const seeds =
        this.results.trials().filter((each) => each.group === trial.group && each.id !== trial.id);
    if (seeds.length > 0) {
      result.push(
          make("h3", {}, "Other seeds"),
          plainTable(
              ["trial", "seed", "state", "result"],
              seeds.map(
                  (each) => [this.link(each), each.seed, stateNode(each.state), each.objective])));
    }
    return result;
  }

  async curve(trial, details) {
    const stage = this.results.stage(trial.stage);
    if (!stage) return [];
    let curve = details?.curve;
    let whose = "";
    if (!curve) {
      curve = (await this.results.curves(stage.metric))
                  .curves.find((each) => each.group === trial.group && each.stage === trial.stage);
      whose = ", mean over the seeds of its configuration";
    }
    if (!curve || curve.step.length === 0) return [];
    const plot =
        make("div", {class: "plot", role: "img", "aria-label": `Curve of ${stage.metric}`});
    plot.drawLater = () => drawCurves(plot, [{...curve, key: trial.id}], [trial.id], {
      metric: stage.metric,
      band: "range",
      log: false,
      nameOf: () => trial.params,
      keyOf: (each) => each.key
    });
    return [make("h3", {}, `${stage.metric}${whose}`), plot];
  }

  details(trial, details) {
    const parts = [];
    const add = (title, ...nodes) =>
        parts.push(make("details", {}, make("summary", {}, title), ...nodes));
    if (details.command) {
      parts.push(
          make("h3", {}, "Command"), make("pre", {class: "wrap"}, details.command),
          make(
              "p", {class: "note"},
              "Train it again, in its place: ", make("code", {}, `mvn-runner rerun ${trial.id}`)));
    }
    if (details.log)
      parts.push(make("h3", {}, "End of its log"), make("pre", {class: "wrap"}, details.log));
    if (details.starts_from?.length) {
      parts.push(
          make("h3", {}, "Starts from"),
          make("p", {}, ...details.starts_from.flatMap((id) => [this.link({id}), " "])));
    }
    const config = Object.entries(details.config ?? {});
    if (config.length) add(`Configuration (${config.length})`, pairsTable(config));
    const environment = Object.entries(details.environment ?? {});
    if (environment.length) add(`Environment (${environment.length})`, pairsTable(environment));
    if (details.artifacts?.length) {
      add(`Artifacts (${details.artifacts.length})`,
          plainTable(
              ["kind", "step", "size", "path"],
              details.artifacts.map(
                  (each) =>
                      [each.kind, each.step, each.bytes === null ? "–" : bytes(each.bytes),
                       each.path])));
    }
    if (details.attempts?.length) {
      add(`Attempts (${details.attempts.length})`,
          plainTable(
              ["attempt", "state", "device", "host", "started", "ended", "step", "exit", "message"],
              details.attempts.map(
                  (each) =>
                      [each.attempt, stateNode(each.state), each.device, each.host,
                       time(each.started), time(each.ended), each.step,
                       each.signal === null ? each.exit_code : `signal ${each.signal}`,
                       each.message])));
    }
    if (details.folder) parts.push(make("p", {class: "note"}, `Folder: ${details.folder}`));
    return parts;
  }
}

const stateNode = (state) =>
    make("span", {class: `state-${/ ^[a - z] + $ /.test(state) ? state : "other"}`}, state);

// The parameters that differ among configurations.
function varyingNames(groups) {
  const names = [...new Set(groups.flatMap((group) => Object.keys(group.parameters ?? {})))];
  return names.filter(
      (name) => name !== "seed" &&
          new Set(groups.map((group) => words(group.parameters?.[name]))).size > 1);
}
