"use strict";
// The plots. Every text that goes into one goes through plain().

const kDashes = ["solid", "dash", "dot", "dashdot", "longdash"];
const kSymbols = ["circle", "square", "diamond", "triangle-up", "x", "star", "cross"];
const kColours = 7;

const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// The i-th of things to be told apart: by colour, and where these are used up by dashes, too.
const seriesStyle = (i) => ({
  colour: colour(`c${(i % kColours) + 1}`),
  dash: kDashes[Math.floor(i / kColours) % kDashes.length],
  symbol: kSymbols[i % kSymbols.length],
});

function transparent(hex, opacity) {
  const part = (at) => parseInt(hex.slice(at, at + 2), 16);
  return `rgba(${part(1)}, ${part(3)}, ${part(5)}, ${opacity})`;
}

const isNarrow = () => window.innerWidth < 640;

function axis(title, more = {}) {
  return {
    title: {text: plain(title), font: {size: 13}},
    gridcolor: colour("rule"),
    linecolor: colour("rule"),
    zerolinecolor: colour("rule"),
    automargin: true,
    ...more
  };
}

function draw(element, traces, layout) {
  const font = {family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("ink")};
  const hover = {
    bgcolor: colour("raised"),
    bordercolor: colour("rule"),
    font: {color: colour("ink")},
    align: "left"
  };
  return Plotly.react(
      element, traces, {
        font,
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        hoverlabel: hover,
        dragmode: isNarrow() ? false : "zoom",
        margin: {l: 60, r: 15, t: 15, b: 50},
        showlegend: false,
        // What was zoomed into stays so when new results come.
        uirevision: "kept",
        ...layout,
        modebar: {bgcolor: "rgba(0,0,0,0)", color: colour("faint"), activecolor: colour("ink")},
      },
      {
        displaylogo: false,
        responsive: true,
        displayModeBar: isNarrow() ? false : "hover",
        modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "resetScale2d"]]
      });
}

const legendBelow = () => ({
  orientation: "h",
  x: 0,
  y: isNarrow() ? -0.3 : -0.2,
  yanchor: "top",
  font: {size: 12},
  bgcolor: "rgba(0,0,0,0)"
});

// Curves ------------------------------------------------------------------------------------------

function bandTraces(curve, style, band, name) {
  if (band === "none" || !curve.sd) return [];
  const between = (i) =>
      (band === "range"         ? [curve.low[i], curve.high[i]] :
           curve.sd[i] === null ? [curve.mean[i], curve.mean[i]] :
                                  [curve.mean[i] - curve.sd[i], curve.mean[i] + curve.sd[i]]);
  const ends =
      curve.step.map((_, i) => between(i)).map((end) => (end[0] === null ? [null, null] : end));
  const common = {
    x: curve.step,
    mode: "lines",
    line: {width: 0},
    hoverinfo: "skip",
    showlegend: false,
    legendgroup: name
  };
  return [
    {...common, y: ends.map((end) => end[0])}, {
      ...common,
      y: ends.map((end) => end[1]),
      fill: "tonexty",
      fillcolor: transparent(style.colour, 0.18)
    }
  ];
}

// curves: of the server; chosen: group keys in the order of their colours; nameOf(curve).
function drawCurves(element, curves, chosen, {metric, band, log, nameOf, keyOf}) {
  const traces = [];
  const others = {x: [], y: []};
  for (const curve of curves) {
    if (chosen.includes(keyOf(curve))) continue;
    others.x.push(...curve.step, null);
    others.y.push(...curve.mean, null);
  }
  if (others.x.length > 0) {
    traces.push({
      ...others,
      mode: "lines",
      line: {color: transparent(colour("c7"), curves.length > 30 ? 0.12 : 0.3), width: 1},
      hoverinfo: "skip",
      name: "others",
      showlegend: true
    });
  }
  const lines = [];
  chosen.forEach((key, i) => {
    const curve = curves.find((each) => keyOf(each) === key);
    if (!curve) return;
    const style = seriesStyle(i);
    const name = nameOf(curve);
    const count = (at) => (Array.isArray(curve.n) ? curve.n[at] : curve.n);
    const few = curve.step.length <= 30;
    traces.push(...bandTraces(curve, style, band, key));
    lines.push({
      x: curve.step,
      y: curve.mean,
      mode: few ? "lines+markers" : "lines",
      line: {color: style.colour, width: 2, dash: style.dash},
      marker: {color: style.colour, size: 5, symbol: style.symbol},
      name: plain(shortened(name, isNarrow() ? 38 : 70)),
      legendgroup: key,
      showlegend: true,
      connectgaps: false,
      hovertext: curve.step.map(
          (step, at) => plain(
                            `${shortened(name, 60)}\nstep ${step}: ${words(curve.mean[at])}` +
                            (count(at) > 1 ? `\n${words(curve.low[at])} .. ${
                                                 words(curve.high[at])} over ${count(at)} seeds` :
                                             ""))
                            .replaceAll("\n", "<br>")),
      hoverinfo: "text"
    });
  });
  // On a phone the legend has a line for each: the plot keeps its height.
  if (isNarrow()) element.style.height = `${18 + 1.7 * (lines.length + 1)}rem`;
  return draw(element, [...traces, ...lines], {
    xaxis: axis("step"),
    yaxis: axis(metric, log ? {type: "log"} : {}),
    uirevision: `${metric} ${log}`,
    showlegend: true,
    legend: legendBelow(),
    hovermode: "closest"
  });
}

// Cost --------------------------------------------------------------------------------------------

// Those that none is both cheaper and better than.
function front(points, maximize) {
  const kept = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || (maximize ? b.y - a.y : a.y - b.y))) {
    const best = kept[kept.length - 1];
    if (!best || (maximize ? point.y > best.y : point.y < best.y)) kept.push(point);
  }
  return kept;
}

// groups: of one stage.
function drawCosts(element, groups, stage, cost, log) {
  const points =
      groups.map((group) => ({group, x: finite(group.costs?.[cost]), y: finite(group.mean)}))
          .filter((point) => point.x !== null && point.y !== null && (!log || point.x > 0));
  const style = seriesStyle(0);
  const best = front(points, stage.goal === "maximize");
  const half = (point) =>
      (finite(point.group.high) === null ? 0 : point.group.high - point.group.mean);
  const traces = [
    {
      x: best.map((p) => p.x),
      y: best.map((p) => p.y),
      mode: "lines",
      hoverinfo: "skip",
      line: {color: style.colour, width: 1.5, shape: "hv", dash: "dot"}
    },
    {
      x: points.map((p) => p.x),
      y: points.map((p) => p.y),
      mode: "markers",
      error_y: {
        type: "data",
        array: points.map(half),
        color: transparent(style.colour, 0.45),
        thickness: 1.2,
        width: 0,
        visible: points.length <= 200
      },
      marker: {color: transparent(style.colour, 0.85), size: 8},
      hovertext: points.map(
          (p) => `${plain(shortened(p.group.params, 60))}<br>${plain(stage.metric)} ${
                     plain(words(p.y))}, ` +
              `${plain(cost)} ${plain(costWords(cost, p.x))}`),
      hoverinfo: "text"
    }
  ];
  return draw(element, traces, {
    xaxis: axis(cost, log ? {type: "log"} : {}),
    yaxis: axis(stage.metric),
    uirevision: `${stage.name} ${cost} ${log}`,
    hovermode: "closest"
  });
}

// Differences -------------------------------------------------------------------------------------

const kVerdicts = {
  "better": {name: "c1", symbol: "circle"},
  "worse": {name: "c2", symbol: "square"},
  "equivalent": {name: "c3", symbol: "diamond"},
  "cannot tell": {name: "c7", symbol: "circle-open"},
};

function forestRows(comparisons) {
  const rows = [];
  for (const part of comparisons) {
    for (const pair of part.pairs) {
      for (const set of pair.sets) {
        const difference = finite(set.difference?.estimate);
        if (difference === null) continue;
        const where =
            [set.set, comparisons.length > 1 ? part.metric : ""].filter(Boolean).join(", ");
        rows.push({
          name: `${pair.a} − ${pair.b}${where ? ` on ${where}` : ""}`,
          difference,
          low: finite(set.difference.low),
          high: finite(set.difference.high),
          p: finite(set.holm_p),
          verdict: set.verdict,
          a: pair.a
        });
      }
    }
  }
  return rows;
}

function drawForest(element, comparisons) {
  const rows = forestRows(comparisons);
  element.style.height = `${Math.max(11, 6 + rows.length * (isNarrow() ? 3.5 : 2))}rem`;
  const place = rows.map((_, i) => rows.length - 1 - i);
  const traces =
      Object.entries(kVerdicts)
          .map(([verdict, style]) => {
            const its = rows.map((row, i) => ({...row, y: place[i]}))
                            .filter((row) => row.verdict === verdict);
            const size = (row, end) =>
                (row[end] === null ? 0 : Math.abs(row[end] - row.difference));
            return {
              x: its.map((row) => row.difference),
              y: its.map((row) => row.y),
              mode: "markers",
              name: verdict,
              showlegend: its.length > 0,
              marker: {
                color: colour(style.name),
                size: 10,
                symbol: style.symbol,
                line: {width: 2, color: colour(style.name)}
              },
              error_x: {
                type: "data",
                symmetric: false,
                array: its.map((row) => size(row, "high")),
                arrayminus: its.map((row) => size(row, "low")),
                color: colour(style.name),
                thickness: 2,
                width: 5
              },
              hovertext: its.map(
                  (row) => `${plain(row.name)}<br>${plain(words(row.difference))}` +
                      (row.low === null ? "" :
                                          ` (95 % interval ${plain(words(row.low))} .. ${
                                              plain(words(row.high))})`) +
                      (row.p === null ?
                           "" :
                           `<br>p ${plain(row.p < 0.001 ? "< 0.001" : `= ${words(row.p, 2)}`)}`)),
              hoverinfo: "text"
            };
          })
          .filter((trace) => trace.x.length > 0);
  const regions =
      [...new Set(comparisons.map((part) => part.region))].filter((region) => region > 0);
  const shapes = regions.length === 1 ? [{
    type: "rect",
    xref: "x",
    yref: "paper",
    x0: -regions[0],
    x1: regions[0],
    y0: 0,
    y1: 1,
    fillcolor: transparent(colour("c3"), 0.12),
    line: {width: 0},
    layer: "below"
  }] :
                                        [];
  // On a phone a name stands above its mark.
  const narrow = isNarrow();
  const annotations = narrow ? rows.map((row, i) => ({
                                          x: 0,
                                          xref: "paper",
                                          xanchor: "left",
                                          y: place[i] + 0.36,
                                          text: plain(shortened(row.name, 45)),
                                          showarrow: false,
                                          font: {size: 12}
                                        })) :
                               [];
  return draw(element, traces, {
    shapes,
    annotations,
    showlegend: true,
    legend: {orientation: "h", x: 0, y: 1.02, yanchor: "bottom"},
    hovermode: "closest",
    margin: {l: 20, r: 15, t: 35, b: 50},
    xaxis: axis(
        `difference of ${comparisons[0]?.metric ?? ""}`,
        {zeroline: true, zerolinecolor: colour("ink"), zerolinewidth: 1.5}),
    yaxis: {
      tickvals: place,
      ticktext: rows.map((row) => plain(shortened(row.name, 60))),
      showticklabels: !narrow,
      range: [-0.6, rows.length - 0.4],
      automargin: true,
      gridcolor: colour("rule"),
      zeroline: false,
      fixedrange: true
    }
  });
}

// Parallel coordinates ----------------------------------------------------------------------------

// How the values of a parameter lie on an axis from 0 to 1, and what is written at it.
function scale(values) {
  const present = values.filter((value) => value !== null && value !== undefined);
  const numbers = present.map(finite);
  if (present.length > 0 && numbers.every((number) => number !== null)) {
    const low = Math.min(...numbers);
    const high = Math.max(...numbers);
    const log = low > 0 && high / low >= 20;
    const of = (number) => (log ? Math.log(number) : number);
    const place = (value) =>
        (finite(value) === null ? null :
             high > low         ? (of(value) - of(low)) / (of(high) - of(low)) :
                                  0.5);
    const distinct = [...new Set(numbers)].sort((a, b) => a - b);
    const ticks = distinct.length <= 5 ? distinct : [low, high];
    return {place, ticks: ticks.map((tick) => [place(tick), words(tick, 3)])};
  }
  const distinct = [...new Set(values.map((value) => words(value)))].sort(
      (a, b) => a.localeCompare(b, "en", {numeric: true}));
  const place = (value) =>
      (distinct.length > 1 ? distinct.indexOf(words(value)) / (distinct.length - 1) : 0.5);
  const shown = distinct.length <= 12 ? distinct : [distinct[0], distinct[distinct.length - 1]];
  return {
    place,
    ticks: shown.map(
        (text) =>
            [distinct.length > 1 ? distinct.indexOf(text) / (distinct.length - 1) : 0.5, text])
  };
}

const kRanks = [
  {name: "best tenth", share: 0.1, colour: "c2", width: 2.4, opacity: 0.95},
  {name: "upper half", share: 0.5, colour: "c1", width: 1.4, opacity: 0.5},
  {name: "lower half", share: 1, colour: "c7", width: 1, opacity: 0.3},
];

// groups: of one stage, best first, with results.
function drawParallel(element, groups, names, stage) {
  const values = (name) => groups.map((group) => group.parameters?.[name]);
  const axes = [
    ...names.map((name) => ({name, ...scale(values(name))})),
    {name: stage.metric, result: true, ...scale(groups.map((group) => finite(group.mean)))}
  ];
  const classOf = (i) =>
      kRanks.findIndex((rank) => i < Math.max(1, Math.ceil(rank.share * groups.length)));
  const traces =
      kRanks
          .map((rank, kind) => {
            const trace = {
              x: [],
              y: [],
              hovertext: [],
              mode: "lines+markers",
              hoverinfo: "text",
              name: rank.name,
              showlegend: false,
              line: {color: transparent(colour(rank.colour), rank.opacity), width: rank.width},
              marker: {color: transparent(colour(rank.colour), rank.opacity), size: 4}
            };
            groups.forEach((group, i) => {
              if (classOf(i) !== kind) return;
              axes.forEach((each, at) => {
                trace.x.push(at);
                trace.y.push(each.place(each.result ? group.mean : group.parameters?.[each.name]));
                trace.hovertext.push(`${plain(shortened(group.params, 70))}<br>${
                    plain(stage.metric)} ${plain(words(group.mean))}`);
              });
              trace.x.push(null);
              trace.y.push(null);
              trace.hovertext.push("");
            });
            trace.showlegend = trace.x.length > 0;
            return trace;
          })
          .reverse();
  const last = axes.length - 1;
  const side = (at) => (at === last ? "right" : at === 0 ? "left" : "center");
  const valueTexts =
      axes.flatMap((each, at) => each.ticks.map(([y, text]) => ({
                                                  x: at,
                                                  y,
                                                  text: plain(shortened(text, 18)),
                                                  showarrow: false,
                                                  xanchor: at === last ? "right" : "left",
                                                  xshift: at === last ? -5 : 5,
                                                  font: {size: 11, color: colour("ink")},
                                                  bgcolor: transparent(colour("paper"), 0.75),
                                                  borderpad: 1
                                                })));
  // Names stand below their axes, where they would meet on two lines.
  const crowded = axes.length > (isNarrow() ? 3 : 6);
  const nameTexts =
      axes.map((each, at) => ({
                 x: at,
                 y: crowded && at % 2 ? -0.16 : -0.06,
                 yanchor: "top",
                 xanchor: side(at),
                 showarrow: false,
                 text: plain(shortened(
                     isNarrow() && !each.result ? each.name.split(".").pop() : each.name, 28)),
                 font: {size: 12, color: colour("faint")}
               }));
  const shapes = axes.map((_, at) => ({
                            type: "line",
                            x0: at,
                            x1: at,
                            y0: 0,
                            y1: 1,
                            line: {color: colour("faint"), width: 1},
                            layer: "below"
                          }));
  return draw(element, traces, {
    annotations: [...valueTexts, ...nameTexts],
    shapes,
    showlegend: true,
    legend: {...legendBelow(), y: -0.02, traceorder: "reversed"},
    hovermode: "closest",
    margin: {l: 15, r: 15, t: 15, b: 50},
    xaxis: {visible: false, range: [-0.04, axes.length - 0.96], fixedrange: true},
    yaxis: {visible: false, range: [crowded ? -0.28 : -0.18, 1.06], fixedrange: true}
  });
}

// rows: of one stage, the most important first.
function drawImportance(element, rows) {
  const shown = rows.slice(0, 20).reverse();
  element.style.height = `${7 + shown.length * 1.6}rem`;
  return draw(
      element, [{
        type: "bar",
        orientation: "h",
        marker: {color: colour("c1")},
        x: shown.map((row) => finite(row.importance)),
        y: shown.map((_, i) => i),
        hovertext: shown.map((row) => `${plain(row.name)}: ${plain(words(row.importance, 3))}`),
        hoverinfo: "text"
      }],
      {
        xaxis: axis("importance", {rangemode: "tozero"}),
        hovermode: "closest",
        yaxis: {
          tickvals: shown.map((_, i) => i),
          ticktext: shown.map((row) => plain(shortened(row.name, 40))),
          automargin: true,
          fixedrange: true
        }
      });
}

// Confusion ---------------------------------------------------------------------------------------

function drawConfusion(element, matrix, share) {
  const size = matrix.counts.length;
  const names = (matrix.classes ?? matrix.counts.map((_, i) => `class ${i}`))
                    .map((name) => plain(shortened(String(name), 20)));
  const total = matrix.counts.map((row) => row.reduce((a, b) => a + b, 0));
  const shown = matrix.counts.map(
      (row, i) => row.map((count) => (share ? (total[i] ? count / total[i] : 0) : count)));
  const places = matrix.counts.map((_, i) => i);
  const largest = Math.max(...shown.flat(), share ? 1 : 0);
  const annotations = size > 12 ?
      [] :
      shown.flatMap(
          (row, i) =>
              row.map((value, j) => ({
                        x: j,
                        y: i,
                        showarrow: false,
                        text: share ? value.toFixed(2) : plain(words(value)),
                        font: {color: value > largest / 2 ? "#ffffff" : colour("ink"), size: 12}
                      })));
  element.style.height = `${Math.min(36, 10 + 2.6 * size)}rem`;
  return draw(
      element, [{
        type: "heatmap",
        z: shown,
        x: places,
        y: places,
        zmin: 0,
        zmax: largest,
        showscale: false,
        colorscale: [[0, colour("paper")], [1, "#00588a"]],
        xgap: 1,
        ygap: 1,
        hovertext: matrix.counts.map(
            (row, i) => row.map(
                (count, j) => `label ${names[i]}<br>predicted ${names[j]}<br>${
                    plain(words(count))} of ${plain(words(total[i]))}`)),
        hoverinfo: "text"
      }],
      {
        annotations,
        hovermode: "closest",
        xaxis: axis("predicted", {
          tickvals: places,
          ticktext: names,
          fixedrange: true,
          showgrid: false,
          constrain: "domain"
        }),
        yaxis: axis("label", {
          tickvals: places,
          ticktext: names,
          autorange: "reversed",
          fixedrange: true,
          showgrid: false
        })
      });
}
