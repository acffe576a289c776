"use strict";
// Tables that sort and filter.

const kFirstRows = 25;

class SortedTable {
  // columns: [{name, title?, of(row): what it sorts by, show?(row): text or node, number?: true}]
  constructor(id, {onrow}) {
    this.table = byId(`${id}-table`);
    this.filter = byId(`${id}-filter`);
    this.count = byId(`${id}-count`);
    this.more = byId(`${id}-more`);
    this.onrow = onrow;
    this.columns = [];
    this.rows = [];
    this.sorted = null;  // {name, down}
    this.all = false;
    this.filter.addEventListener("input", () => this.draw());
    this.more.addEventListener("click", () => {
      this.all = true;
      this.draw();
    });
  }

  show(columns, rows, noun) {
    // While a sweep runs much stays as it is: what has the focus or is marked is not taken away.
    const content = JSON.stringify([columns.map((column) => column.name), rows]);
    if (content === this.content) return;
    this.content = content;
    this.columns = columns;
    this.rows = rows;
    this.noun = noun;
    this.draw();
  }

  // All words of the filter are somewhere in the row.
  matching() {
    const wanted = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (wanted.length === 0) return this.rows;
    return this.rows.filter((row) => {
      const text = `${row.params ?? ""} ${"seed" in row ? `seed=${row.seed}` : ""} ${
                       this.columns.map((column) => column.of(row)).join(" ")}`
                       .toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
  }

  inOrder(rows) {
    const column = this.columns.find((each) => each.name === this.sorted?.name);
    if (!column) return rows;
    const sign = this.sorted.down ? -1 : 1;
    const missing = (value) => value === null || value === undefined || value === "";
    return [...rows].sort((a, b) => {
      const one = column.of(a);
      const other = column.of(b);
      if (missing(one) || missing(other)) return missing(one) - missing(other);
      if (typeof one === "number" && typeof other === "number") return sign * (one - other);
      return sign * String(one).localeCompare(String(other), "en", {numeric: true});
    });
  }

  sort(name) {
    this.sorted = {name, down: this.sorted?.name === name && !this.sorted.down};
    this.draw();
  }

  draw() {
    const active = this.table.contains(document.activeElement) ? document.activeElement : null;
    const focused = active?.dataset.column ?
        `[data-column="${CSS.escape(active.dataset.column)}"]` :
        active?.getAttribute("href") ? `a[href="${CSS.escape(active.getAttribute("href"))}"]` :
                                       null;
    const matching = this.matching();
    const rows = this.inOrder(matching);
    const shown = this.all ? rows : rows.slice(0, kFirstRows);
    this.count.textContent = matching.length === this.rows.length ?
        plural(this.rows.length, this.noun) :
        `${matching.length.toLocaleString("en")} of ${plural(this.rows.length, this.noun)}`;
    this.more.hidden = shown.length === rows.length;
    this.more.textContent = `Show all ${rows.length.toLocaleString("en")}`;
    this.table.replaceChildren(
        this.head(), make("tbody", {}, ...shown.map((row) => this.line(row))));
    if (focused) this.table.querySelector(focused)?.focus();
  }

  head() {
    const cells = this.columns.map((column) => {
      const sorted = this.sorted?.name === column.name;
      const order = sorted ? (this.sorted.down ? "descending" : "ascending") : undefined;
      const attributes = {
        scope: "col",
        "aria-sort": order,
        class: column.number ? "number" : undefined
      };
      if (column.fixed) return make("th", attributes, column.title ?? column.name);
      return make(
          "th", attributes,
          make(
              "button",
              {type: "button", "data-column": column.name, onclick: () => this.sort(column.name)},
              column.title ?? column.name,
              make(
                  "span", {"aria-hidden": "true"},
                  sorted ? (this.sorted.down ? " ▾" : " ▴") : "")));
    });
    return make("thead", {}, make("tr", {}, ...cells));
  }

  line(row) {
    const cells = this.columns.map((column) => {
      const shown = column.show ? column.show(row) : words(column.of(row));
      const kind = column.number ? "number" : column.name === "configuration" ? "name" : undefined;
      return make("td", {class: kind}, shown);
    });
    const line = make("tr", {"data-id": row.id}, ...cells);
    line.addEventListener("click", (event) => {
      if (!event.target.closest("a, button, input, label") && !getSelection().toString())
        this.onrow(row);
    });
    return line;
  }
}

// Two columns: names and values.
function pairsTable(pairs) {
  return make(
      "table", {class: "pairs"},
      make(
          "tbody", {},
          ...pairs.map(
              ([name, value]) => make(
                  "tr", {}, make("th", {scope: "row"}, name),
                  make("td", {}, value instanceof Node ? value : words(value))))));
}

function plainTable(columns, rows) {
  return make(
      "div", {class: "scroll"},
      make(
          "table", {},
          make(
              "thead", {},
              make("tr", {}, ...columns.map((name) => make("th", {scope: "col"}, name)))),
          make(
              "tbody", {},
              ...rows.map(
                  (row) => make(
                      "tr", {},
                      ...row.map(
                          (cell) => make("td", {}, cell instanceof Node ? cell : words(cell))))))));
}
