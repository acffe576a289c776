"use strict";
// The page: which section shows what, and when it is drawn anew.

class Page {
  constructor() {
    this.results = new Results();
    this.dialog = new TrialDialog(this.results);
    this.ticked = null;  // groups whose curves are drawn; null: the best ones
    this.groupsTable = new SortedTable("groups", {
      onrow: (group) => {
        location.hash = `group=${encodeURIComponent(group.id)}`;
      }
    });
    this.trialsTable = new SortedTable("trials", {
      onrow: (trial) => {
        location.hash = `trial=${encodeURIComponent(trial.id)}`;
      }
    });
    this.listen();
  }

  listen() {
    const on = (id, action) => byId(id).addEventListener("change", action);
    on("stage", () => this.changeStage());
    for (const id of ["curves-metric", "curves-band", "curves-log"])
      on(id, () => this.showCurves());
    for (const id of ["costs-name", "costs-log"]) on(id, () => this.showCosts());
    for (const id of ["confusion-which", "confusion-share"]) on(id, () => this.showConfusion());
    byId("theme").addEventListener("click", () => nextTheme(() => this.drawPlots()));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawPlots());
  }

  // Sections -------------------------------------------------------------------------------------

  async show() {
    document.title = `${this.results.section("sweep").name} – mvn-runner`;
    byId("name").textContent = this.results.section("sweep").name;
    this.showProgress();
    this.showAnswer();
    this.chooseOptions();
    this.showGroups();
    this.showFailures();
    this.showTrials();
    this.showFile();
    this.showContents();
    await this.drawPlots();
  }

  showProgress() {
    const counts = this.results.section("counts");
    const names =
        ["done", "running", "planned", "interrupted", "failed", "diverged", "stopped", "blocked"];
    const parts = names.filter((name) => counts[name])
                      .map((name) => `${counts[name].toLocaleString("en")} ${name}`);
    byId("progress").textContent = `${plural(counts.trials ?? 0, "trial")}: ${parts.join(", ")}`;
    byId("made").textContent =
        `mvn-runner ${this.results.section("sweep").version}. Results of ${time(counts.updated)}.`;
  }

  showAnswer() {
    const verdict = this.results.section("verdict");
    byId("description").textContent = this.results.section("sweep").description;
    byId("question").textContent = verdict.question;
    byId("notes").textContent = this.results.section("notes").join(" ");
    byId("verdict").replaceChildren(...verdict.parts.flatMap(
        (part) =>
            [make("p", {class: "heading"}, part.heading),
             ...part.sentences.map((sentence) => make("p", {class: "verdict"}, sentence)),
             ...(part.diagram.length ? [make("pre", {}, part.diagram.join("\n"))] : []),
             ...(part.tables.length ?
                     [make(
                         "details", {}, make("summary", {}, "The numbers"),
                         ...part.tables.map((table) => plainTable(table.columns, table.rows)))] :
                     []),
             ...(part.notes.length ?
                     [make(
                         "details", {}, make("summary", {}, "What this rests on"),
                         make("ul", {}, ...part.notes.map((note) => make("li", {}, note))))] :
                     []),
    ]));
    byId("answer").hidden = false;
  }

  chooseOptions() {
    const stages = this.results.section("stages").filter(
        (stage) => this.results.groups().some((group) => group.stage === stage.name));
    const first = byId("stage").options.length === 0;
    fillSelect(byId("stage"), stages.map((stage) => [stage.name, stage.name]));
    // The last stage that has results is what the others are for.
    const done = stages.filter(
        (stage) =>
            this.results.groups().some((group) => group.stage === stage.name && group.n > 0));
    if (first && done.length > 0) byId("stage").value = done[done.length - 1].name;
    byId("stage-label").hidden = stages.length < 2;
    const judged = [this.stage()?.metric, ...stages.map((stage) => stage.metric)].filter(Boolean);
    const metrics = this.results.metrics().map((metric) => metric.name);
    fillSelect(byId("curves-metric"), [
      ...new Set([...judged.filter((name) => metrics.includes(name)), ...metrics])
    ].map((name) => [name, name]));
    fillSelect(byId("costs-name"), this.costNames().map((name) => [name, name]));
    fillSelect(
        byId("confusion-which"),
        this.shownMatrices().map((matrix) => [matrix.group, shortened(matrix.params, 70)]));
  }

  // What is shown of a sweep with several stages: they are judged by metrics of their own.
  stage() { return this.results.stage(byId("stage").value); }

  async changeStage() {
    this.chooseOptions();
    byId("curves-metric").value = this.stage().metric;
    this.showGroups();
    await this.drawPlots();
  }

  shownMatrices() {
    return this.results.section("confusion")
        .filter((matrix) => matrix.stage === byId("stage").value);
  }

  costNames() {
    const all = [...new Set(this.shownGroups().flatMap((group) => Object.keys(group.costs ?? {})))];
    const first = ["seconds", "tokens", "trained_parameters"];
    return [
      ...first.filter((name) => all.includes(name)),
      ...all.filter((name) => !first.includes(name)).sort()
    ];
  }

  shownGroups() {
    return this.results.groups().filter((group) => group.stage === byId("stage").value);
  }

  tickedGroups() {
    if (this.ticked) return this.ticked;
    const best = {};
    return new Set(this.results.groups()
                       .filter((group) => {
                         best[group.stage] = (best[group.stage] ?? 0) + 1;
                         return best[group.stage] <= 6;
                       })
                       .map(keyOfGroup));
  }

  showGroups() {
    const groups = this.shownGroups();
    const decimals = decimalsFor(
        groups.map((group) => finite(group.mean)), groups.map((group) => finite(group.sd)));
    const names = varyingNames(groups);
    const ticked = this.tickedGroups();
    const columns = [
      {
        name: "tick",
        title: "",
        fixed: true,
        of: () => null,
        show: (group) => make("input", {
          type: "checkbox",
          checked: ticked.has(keyOfGroup(group)),
          "aria-label": `curve of ${group.params}`,
          onchange: (event) => this.tick(group, event.target.checked)
        })
      },
      {name: "rank", title: "#", number: true, of: (group) => group.rank},
      {
        name: "configuration",
        of: (group) => group.params,
        show: (group) => make(
            "a", {class: "open", href: `#group=${encodeURIComponent(group.id)}`},
            shortened(group.params, 60))
      },
      {
        name: "mean",
        number: true,
        of: (group) => finite(group.mean),
        show: (group) => fixed(group.mean, decimals)
      },
      {
        name: "low",
        title: "95 % interval",
        of: (group) => finite(group.low),
        show: (group) =>
            (group.low === null ? "–" :
                                  `${fixed(group.low, decimals)} .. ${fixed(group.high, decimals)}`)
      },
      {
        name: "sd",
        number: true,
        of: (group) => finite(group.sd),
        show: (group) => fixed(group.sd, decimals)
      },
      {
        name: "n",
        number: true,
        of: (group) => group.n,
        show: (group) => `${group.n} of ${group.n + group.missing}`
      },
      ...(names.length > 1 && names.length <= 12 ?
              names.map(
                  (name) => ({
                    name,
                    number: groups.every((group) => typeof group.parameters?.[name] === "number"),
                    of: (group) => group.parameters?.[name] ?? null
                  })) :
              []),
      ...this.costNames().slice(0, 3).map((name) => ({
                                            name,
                                            number: true,
                                            of: (group) => finite(group.costs?.[name]),
                                            show: (group) => costWords(name, group.costs?.[name])
                                          })),
    ];
    this.groupsTable.show(columns, groups, "configuration");
    byId("leaderboard").hidden = groups.length === 0;
  }

  tick(group, on) {
    this.ticked = new Set(this.tickedGroups());
    if (on)
      this.ticked.add(keyOfGroup(group));
    else
      this.ticked.delete(keyOfGroup(group));
    this.showCurves();
  }

  showFailures() {
    const causes = this.results.section("failures");
    byId("failures").hidden = causes.length === 0;
    byId("failures-list")
        .replaceChildren(...causes.map(
            (cause) => make(
                "div", {class: "cause"},
                make(
                    "p", {},
                    `${plural(cause.count, "attempt")} of ${plural(cause.trial_count, "trial")} ${
                        cause.state}: `,
                    make("strong", {}, cause.message || "no message")),
                make(
                    "details", {},
                    make(
                        "summary", {},
                        cause.trials.length < cause.trial_count ?
                            `The first ${cause.trials.length} trials` :
                            "Which"),
                    make(
                        "ul", {},
                        ...cause.trials.map(
                            (trial) => make(
                                "li", {}, this.dialog.link(trial),
                                ` ${trial.params}, seed ${trial.seed}`)))),
                ...(cause.log ?
                        [make(
                            "details", {}, make("summary", {}, "End of the newest one's log"),
                            make("pre", {class: "wrap"}, cause.log))] :
                        []))));
  }

  showTrials() {
    const trials = this.results.trials();
    const columns = [
      {name: "trial", of: (trial) => trial.id, show: (trial) => this.dialog.link(trial)},
      ...(new Set(trials.map((trial) => trial.stage)).size > 1 ?
              [{name: "stage", of: (trial) => trial.stage}] :
              []),
      {
        name: "configuration",
        of: (trial) => trial.params,
        show: (trial) => shortened(trial.params, 60)
      },
      {name: "seed", number: true, of: (trial) => trial.seed},
      {name: "state", of: (trial) => trial.state, show: (trial) => stateNode(trial.state)},
      {
        name: "result",
        number: true,
        of: (trial) => finite(trial.objective),
        show: (trial) => words(trial.objective)
      },
      {
        name: "step",
        number: true,
        of: (trial) => trial.step,
        show: (trial) =>
            (trial.steps ? `${words(trial.step)} / ${words(trial.steps)}` : words(trial.step))
      },
      {
        name: "time",
        number: true,
        of: (trial) => trial.seconds,
        show: (trial) => duration(trial.seconds)
      },
      {
        name: "message",
        of: (trial) => trial.message,
        show: (trial) => shortened(trial.message ?? "", 80)
      },
    ];
    this.trialsTable.show(columns, trials, "trial");
    byId("trials").hidden = trials.length === 0;
  }

  showFile() {
    const sweep = this.results.section("sweep");
    byId("file-name").textContent = sweep.file;
    byId("file-text").textContent = sweep.text;
    byId("file").hidden = !sweep.text;
  }

  showContents() {
    const sections = [...document.querySelectorAll("main > section[data-title]")].filter(
        (section) => !section.hidden);
    byId("contents")
        .replaceChildren(...sections.map(
            (section) => make("a", {href: `#${section.id}`}, section.dataset.title)));
  }

  // Plots ----------------------------------------------------------------------------------------

  // One after the other, so that what is above can be read meanwhile.
  async drawPlots() {
    if (!this.results.section("verdict").parts) return;
    await plotly;
    for (const one
             of [() => this.showCurves(), () => this.showCosts(), () => this.showDifference(),
                () => this.showParameters(), () => this.showConfusion()]) {
      await one();
      await new Promise((resolve) => {
        setTimeout(resolve);
      });
    }
    this.showContents();
  }

  async showCurves() {
    await plotly;
    const metric = byId("curves-metric").value;
    byId("curves").hidden = !metric;
    if (!metric) return;
    const {curves: all, left_out: leftOut} = await this.results.curves(metric);
    if (metric !== byId("curves-metric").value) return;
    const stage = byId("stage").value;
    const curves = all.filter((curve) => curve.stage === stage);
    const groups = new Map(this.results.groups().map((group) => [keyOfGroup(group), group]));
    const keyOf = (curve) => `${curve.stage}/${curve.group}`;
    const ticked = this.tickedGroups();
    const chosen =
        curves.map(keyOf)
            .filter((key) => ticked.has(key))
            .sort((a, b) => [...groups.keys()].indexOf(a) - [...groups.keys()].indexOf(b));
    await drawCurves(byId("curves-plot"), curves, chosen, {
      metric,
      band: byId("curves-band").value,
      log: byId("curves-log").checked,
      keyOf,
      nameOf: (curve) => groups.get(keyOf(curve))?.params ?? curve.group
    });
    const from = Math.max(0, ...curves.map((curve) => curve.from ?? 0));
    const to =
        Math.max(0, ...curves.filter((curve) => curve.from).map((curve) => curve.step.length));
    const seeds = Math.max(
        0, ...curves.map((curve) => (Array.isArray(curve.n) ? Math.max(...curve.n) : curve.n)));
    const notes = [
      seeds > 1 ? "The line is the mean over the seeds." : "",
      from ? `Curves are thinned: of up to ${plural(from, "step")} at most ${
                 to.toLocaleString("en")} are here, peaks kept.` :
             "",
      leftOut[stage] ?
          `The curves of ${plural(leftOut[stage], "configuration")} of lower rank are left out.` :
          ""
    ];
    if (!this.results.live &&
        this.results.section("metrics").length > this.results.metrics().length) {
      notes.push(`${this.results.metrics().length} of ${
          plural(
              this.results.section("metrics").length,
              "metric")} are in this file; mvn-runner ui shows all.`);
    }
    byId("curves-note").textContent = notes.filter(Boolean).join(" ");
  }

  async showCosts() {
    await plotly;
    const cost = byId("costs-name").value;
    const groups = this.shownGroups().filter(
        (group) => finite(group.mean) !== null && finite(group.costs?.[cost]) !== null);
    byId("costs").hidden = groups.length === 0;
    if (groups.length === 0) return;
    await drawCosts(byId("costs-plot"), groups, this.stage(), cost, byId("costs-log").checked);
  }

  async showDifference() {
    const comparisons = this.results.section("comparisons");
    const rows = forestRows(comparisons);
    byId("difference").hidden = rows.length === 0;
    if (rows.length === 0) return;
    const regions =
        [...new Set(comparisons.map((part) => part.region))].filter((region) => region > 0);
    byId("difference-note").textContent =
        "Each line is a 95 % interval; colours and marks say the verdict on the first one, which asks for more than an interval beside 0." +
        (regions.length === 1 ?
             ` Within ±${words(regions[0])}, the shaded region, a difference is none in practice.` :
             "");
    await drawForest(byId("difference-plot"), comparisons);
  }

  async showParameters() {
    const stage = this.stage();
    const groups = this.shownGroups().filter((group) => finite(group.mean) !== null);
    const names = varyingNames(groups);
    const importance =
        this.results.section("importance")
            .filter((row) => row.stage === stage?.name && finite(row.importance) !== null);
    const drawn = groups.length > 1 && names.length > 0;
    byId("parameters").hidden = !drawn && importance.length === 0;
    byId("parallel-note").textContent = !drawn ?
        "" :
        "Each line is a configuration; its result is on the last axis." +
            (names.length > 12 ? ` The first 12 of ${names.length} parameters are drawn.` : "");
    byId("parallel-plot").hidden = !drawn;
    if (drawn) await drawParallel(byId("parallel-plot"), groups, names.slice(0, 12), stage);
    byId("importance").hidden = importance.length === 0;
    if (importance.length > 0) await drawImportance(byId("importance-plot"), importance);
  }

  async showConfusion() {
    await plotly;
    const matrices = this.shownMatrices();
    byId("confusion").hidden = matrices.length === 0;
    if (matrices.length === 0) return;
    const matrix =
        matrices.find((each) => each.group === byId("confusion-which").value) ?? matrices[0];
    byId("confusion-note").textContent =
        `Predictions on the ${matrix.split === "test" ? "test split" : "validation set"}, ` +
        `${plural(matrix.seeds.length, "seed")} added up.`;
    await drawConfusion(byId("confusion-plot"), matrix, byId("confusion-share").checked);
  }

  // Following a sweep that runs ------------------------------------------------------------------

  async follow() {
    const kPause = 500;
    let first = true;
    for (;;) {
      try {
        const changed = await this.results.follow();
        trouble("");
        if (first) {
          await this.show();
          this.dialog.follow();
        } else if (changed.length > 0) {
          await this.showChanged(changed);
          await this.dialog.refresh(changed);
        } else if (this.results.moved) {
          await this.showCurves();
        }
        if (first) ready();
        first = false;
      } catch (error) {
        trouble(
            error instanceof TypeError ?
                "The server of this page does not answer. It is asked again." :
                error.message);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, document.hidden ? 4 * kPause : kPause);
      });
    }
  }

  async showChanged(changed) {
    const onlyTrials = changed.every((name) => name.startsWith("trial:") || name === "metrics");
    if (!onlyTrials) {
      await this.show();
      return;
    }
    this.chooseOptions();
    this.showTrials();
    await this.showCurves();
  }

  async showSweeps(sweeps) {
    const columns = ["sweep", "trials", "done", "running", "planned", "failed", "created"];
    byId("sweeps-table")
        .replaceChildren(
            ...plainTable(
                columns,
                sweeps.map(
                    (row) => columns.map(
                        (name) =>
                            (name === "sweep" ?
                                 make(
                                     "a", {href: `/?${new URLSearchParams({sweep: row.sweep})}`},
                                     row.sweep) :
                                 row[name]))))
                .firstChild.children);
    byId("sweeps").hidden = false;
  }

  async start() {
    if (!this.results.live) {
      await this.show();
      this.dialog.follow();
      ready();
      return;
    }
    const {sweeps, chosen} = await this.results.ask("/api/sweeps", {});
    const wanted = new URLSearchParams(location.search).get("sweep") ?? chosen;
    this.results.sweep = wanted || (sweeps.length === 1 ? sweeps[0].sweep : "");
    if (this.results.sweep) {
      await this.follow();
    } else {
      await this.showSweeps(sweeps);
      ready();
    }
  }
}

// plotly.js comes last and takes longest: what is to be read stands there before.
const plotly = new Promise((resolve) => {
  addEventListener("load", resolve, {once: true});
});

const keyOfGroup = (group) => `${group.stage}/${group.id}`;

// All plots are drawn; tests wait for it.
function ready() { document.documentElement.dataset.ready = "yes"; }

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

// Keeps what is chosen.
function fillSelect(select, options) {
  const before = select.value;
  if (select.options.length === options.length &&
      options.every(
          ([value, name], i) =>
              select.options[i].value === value && select.options[i].textContent === name))
    return;
  select.replaceChildren(...options.map(([value, name]) => make("option", {value}, name)));
  if (options.some(([value]) => value === before)) select.value = before;
}

// Light, dark, or as the system has it. A file may not remember.
function nextTheme(redraw) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  setTheme(now === "dark" ? "light" : "dark");
  redraw();
}

function setTheme(theme) {
  if (theme !== "light" && theme !== "dark") return;
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  try {
    localStorage.setItem("mvn-theme", theme);
  } catch {
    // Forgotten then.
  }
}

function rememberedTheme() {
  try {
    return localStorage.getItem("mvn-theme");
  } catch {
    return null;
  }
}

const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
byId("theme").textContent = isDark ? "Light" : "Dark";
setTheme(rememberedTheme());
new Page().start().catch((error) => trouble(error.message));
