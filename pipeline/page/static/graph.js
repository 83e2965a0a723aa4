// The graph: cards for datasets, from left to right, and lines for the rows that flow between them.

import { el, icon, replace, svg } from "./dom.js";
import { sparkline } from "./charts.js";
import { counted, duration, kind, number, short } from "./format.js";

const STATES = {
  QUEUED: ["wait", "Queued"], STARTING: ["run", "Starting"], RUNNING: ["run", "Running"],
  COMPLETED: ["check", "Completed"], FAILED: ["cross", "FAILED"], SKIPPED: ["skip", "SKIPPED"],
  EXCLUDED: ["dash", "Not selected"], STOPPED: ["stop", "Stopped"], IDLE: ["wait", "Idle"],
};
// Cards of this height or less show only the most important figures.
const COMPACT_HEIGHT = 100;
const LARGEST_START = 1.3;
const SMALLEST_START = 0.7;
const MARGIN = 24;

/** Return a state's icon and text. */
export function stateBadge(status) {
  const [picture, words] = STATES[status] ?? ["dash", status || "Not run"];
  return el("span", { class: "state", "data-status": status || "NONE" }, icon(picture), words);
}

/** Return the medallion tier that a dataset's name begins with. */
export function tierOf(node) {
  if (node.type === "files") return "files";
  if (node.quarantine_of) return "quarantine";
  if (node.type === "group" && ["files", "bronze", "silver", "gold"].includes(node.name)) return node.name;
  return ["bronze", "silver", "gold"].find((tier) => node.name.startsWith(`${tier}_`)) ?? "none";
}

/** Return a dataset's name with those of everything up- and downstream of it. */
export function lineage(edges, name) {
  const found = new Set([name]);
  for (const [from, to] of [["source", "target"], ["target", "source"]]) {
    const waiting = [name];
    while (waiting.length) {
      const here = waiting.pop();
      for (const edge of edges) {
        if (edge[from] !== here || (found.has(edge[to]) && edge[to] !== name)) continue;
        if (edge[to] !== name) waiting.push(edge[to]);
        found.add(edge[to]);
      }
    }
  }
  return found;
}

export class GraphView {
  /**
   * @param onOpen is called with a dataset's name when its card is clicked.
   * @param onUnfold is called with a group's name when its card is clicked.
   */
  constructor(onOpen, onUnfold) {
    this.onOpen = onOpen;
    this.onUnfold = onUnfold;
    this.cards = new Map();
    this.lines = new Map();
    this.scale = 1;
    this.edges = svg("svg", { class: "edges", "aria-hidden": "true" });
    this.board = el("div", { class: "board" }, this.edges);
    this.viewport = el("div", { class: "viewport", tabindex: "0", role: "group", "aria-label": "Pipeline graph" },
      el("div", { class: "sizer" }, this.board));
    this.element = el("div", { class: "graph" }, this.viewport);
    this.viewport.addEventListener("keydown", (event) => this.#moveFocus(event));
    new ResizeObserver(() => this.graph && this.#place()).observe(this.viewport);
  }

  /** Show a graph; existing cards change in place. */
  show(graph) {
    const shape = JSON.stringify([graph.nodes.map((node) => [node.name, node.x, node.y, node.type]),
      graph.edges.map((edge) => [edge.source, edge.target])]);
    this.graph = graph;
    if (shape !== this.shape) this.#build();
    this.shape = shape;
    for (const node of graph.nodes) this.#refreshCard(node);
    for (const edge of graph.edges) this.#refreshLine(edge);
    this.#place();
  }

  /** Mark one card as selected, and the path of its rows. */
  choose(name) {
    this.chosen = this.cards.has(name) ? name : null;
    this.#followRows(this.chosen);
    for (const [key, card] of this.cards) {
      card.element.classList.toggle("chosen", key === name);
      card.element.setAttribute("aria-pressed", String(key === name));
    }
  }

  /** Scroll to a card, once for each selection. */
  reveal(name) {
    if (name !== this.revealed) this.cards.get(name)?.element.scrollIntoView({ block: "nearest", inline: "center" });
    this.revealed = name;
  }

  /** Scroll to the first card whose name contains a text, and dim those whose name does not. */
  find(text) {
    const wanted = text.trim().toLowerCase();
    let first = null;
    for (const [name, card] of this.cards) {
      const inside = this.graph.nodes.find((node) => node.name === name)?.members ?? [];
      const fits = !wanted || [name, ...inside].some((one) => one.toLowerCase().includes(wanted));
      card.element.classList.toggle("dimmed", !fits);
      if (fits && wanted && !first) first = card.element;
    }
    first?.scrollIntoView({ block: "center", inline: "center", behavior: "smooth" });
  }

  zoom(factor) {
    this.scale = Math.min(1.6, Math.max(0.3, this.scale * factor));
    this.#applyScale();
  }

  fit() {
    const { clientWidth, clientHeight } = this.viewport;
    this.scale = Math.min(1, Math.max(0.3, Math.min(clientWidth / this.width, clientHeight / this.height)));
    this.#applyScale();
  }

  #build() {
    this.cards.clear();
    this.lines.clear();
    this.board.classList.toggle("compact", this.graph.board.card_height <= COMPACT_HEIGHT);
    for (const node of this.graph.nodes) this.cards.set(node.name, this.#newCard(node));
    for (const edge of this.graph.edges) this.lines.set(`${edge.source}\n${edge.target}`, newLine());
    replace(this.edges, svg("defs", {}, arrow("arrow")), [...this.lines.values()].map((line) => line.element));
    replace(this.board, this.edges, [...this.lines.values()].map((line) => line.label),
      [...this.cards.values()].map((card) => card.element));
    this.scale = null;
  }

  #newCard(node) {
    const parts = {
      state: el("span", { class: "card-state" }), rows: el("span", { class: "card-rows" }),
      total: el("span", { class: "card-total" }), marks: el("div", { class: "card-marks" }),
      balance: el("div", { class: "card-balance" }), spark: el("div", { class: "card-spark" }), reads: el("div", { class: "card-reads" }),
    };
    const picture = node.quarantine_of ? "quarantine" : node.type;
    const element = el("button", {
      type: "button", class: "card", "data-name": node.name, "data-tier": tierOf(node), "data-type": node.type, "aria-pressed": "false",
      onclick: () => (node.type === "group" ? this.onUnfold(node.name) : this.onOpen(node.name)),
      onmouseenter: () => this.#followRows(node.name), onmouseleave: () => this.#followRows(this.chosen),
      onfocus: () => this.#followRows(node.name), onblur: () => this.#followRows(this.chosen),
    },
    el("div", { class: "card-head" }, el("span", { class: "card-kind", title: kind(node) }, icon(picture), el("span", {}, kind(node))), parts.state),
    el("div", { class: "card-name", title: node.name }, broken(node.name)),
    el("div", { class: "card-figures" }, parts.rows, parts.total),
    parts.marks, parts.spark, parts.balance, parts.reads);
    return { element, ...parts, rowsShown: null };
  }

  #refreshCard(node) {
    const card = this.cards.get(node.name);
    card.element.dataset.status = node.status || "NONE";
    replace(card.state, node.files ? null : stateBadge(node.status));
    const rows = node.files ? node.files.ingested_now : node.rows_written;
    if (card.rowsShown !== null && card.rowsShown !== rows) {
      card.rows.classList.remove("bumped");
      void card.rows.offsetWidth;
      card.rows.classList.add("bumped");
    }
    card.rowsShown = rows;
    card.rows.title = number(rows);
    replace(card.rows, el("b", {}, short(rows)), node.files ? ` file${rows === 1 ? "" : "s"}` : ` row${rows === 1 ? "" : "s"}`,
      el("span", { class: "verb" }, node.files ? " ingested" : " written"));
    const took = node.seconds === null || node.seconds === undefined ? "" : ` · ${duration(node.seconds)}`;
    replace(card.total, node.type === "group" ? counted(node.members.length, node.name === "files" ? "folder" : "table") : node.files ? `${number(node.files.listed)} listed` : [el("span", { title: number(node.rows_total) }, `${short(node.rows_total)} total`), el("span", { class: "took" }, took)]);
    replace(card.marks, marksOf(node));
    replace(card.spark, sparkline(node.recent ?? []));
    replace(card.balance, balanceOf(node.conservation));
    replace(card.reads, readsOf(node, this.graph.edges));
    card.element.title = node.error ?? node.comment ?? "";
    card.element.setAttribute("aria-label", spoken(node));
  }

  /** Emphasize the cards and lines that rows pass on their way to a dataset and from it. */
  #followRows(name) {
    const path = name && this.cards.has(name) ? lineage(this.graph.edges, name) : null;
    this.board.classList.toggle("following", Boolean(path));
    for (const [key, card] of this.cards) card.element.classList.toggle("on-path", Boolean(path?.has(key)));
    for (const [key, line] of this.lines) {
      const [source, target] = key.split("\n");
      line.element.classList.toggle("on-path", Boolean(path?.has(source) && path.has(target)));
    }
  }

  #refreshLine(edge) {
    const line = this.lines.get(`${edge.source}\n${edge.target}`);
    const target = this.graph.nodes.find((node) => node.name === edge.target);
    const flows = ["RUNNING", "STARTING"].includes(target.status);
    line.element.dataset.status = flows ? "RUNNING" : target.status || "NONE";
    line.label.hidden = !edge.rows;
    replace(line.label, number(edge.rows));
  }

  #place() {
    const narrow = this.viewport.clientWidth < 640;
    this.element.classList.toggle("narrow", narrow);
    if (narrow) {
      for (const node of [...this.graph.nodes].sort((a, b) => a.x - b.x || a.y - b.y)) {
        const card = this.cards.get(node.name).element;
        card.removeAttribute("style");
        this.board.append(card);
      }
      this.board.removeAttribute("style");
      this.viewport.firstChild.removeAttribute("style");
      return;
    }
    const { board } = this.graph;
    this.width = board.width + 2 * MARGIN;
    this.height = board.height + 2 * MARGIN;
    for (const node of this.graph.nodes) {
      const { style } = this.cards.get(node.name).element;
      style.left = `${node.x + MARGIN}px`;
      style.top = `${node.y + MARGIN}px`;
      style.width = `${board.card_width}px`;
      style.height = `${board.card_height}px`;
    }
    for (const edge of this.graph.edges) this.#drawLine(edge);
    this.edges.setAttribute("width", this.width);
    this.edges.setAttribute("height", this.height);
    // A few tables are enlarged to fit a projector; many tables keep a readable size, and the reader scrolls.
    this.scale ??= Math.max(SMALLEST_START, Math.min(LARGEST_START, this.viewport.clientWidth / this.width, this.viewport.clientHeight / this.height));
    this.#applyScale();
  }

  #drawLine(edge) {
    const line = this.lines.get(`${edge.source}\n${edge.target}`);
    const points = edge.points.map(([x, y]) => ({ x: x + MARGIN, y: y + MARGIN }));
    points.at(-1).x -= 5;
    let path = `M${points[0].x},${points[0].y}`;
    for (let at = 1; at < points.length; at += 1) {
      const [a, b] = [points[at - 1], points[at]];
      const half = (b.x - a.x) / 2;
      path += Math.abs(a.y - b.y) < 0.5 ? ` L${b.x},${b.y}` : ` C${a.x + half},${a.y} ${b.x - half},${b.y} ${b.x},${b.y}`;
    }
    line.element.setAttribute("d", path);
    const [last, end] = points.slice(-2);
    line.label.style.left = `${(last.x + end.x) / 2}px`;
    line.label.style.top = `${(last.y + end.y) / 2}px`;
  }

  #applyScale() {
    if (this.element.classList.contains("narrow")) return;
    const spare = Math.max(0, (this.viewport.clientWidth - this.width * this.scale) / 2);
    const above = Math.max(0, (this.viewport.clientHeight - this.height * this.scale) / 3);
    this.board.style.cssText = `width:${this.width}px;height:${this.height}px;transform:translate(${spare}px,${above}px) scale(${this.scale})`;
    this.viewport.firstChild.style.cssText = `width:${this.width * this.scale}px;height:${this.height * this.scale}px`;
  }

  #moveFocus(event) {
    const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    const name = document.activeElement?.dataset?.name;
    if (!steps[event.key] || !name || !this.cards.has(name)) return;
    event.preventDefault();
    const [across, down] = steps[event.key];
    const here = this.graph.nodes.find((node) => node.name === name);
    const nearest = this.graph.nodes
      .filter((node) => (across ? Math.sign(node.x - here.x) === across : node.x === here.x && Math.sign(node.y - here.y) === down))
      .sort((a, b) => distance(a, here) - distance(b, here))[0];
    if (nearest) this.cards.get(nearest.name).element.focus();
  }
}

function distance(a, b) {
  return Math.abs(a.x - b.x) * 10 + Math.abs(a.y - b.y);
}

function newLine() {
  return {
    element: svg("path", { class: "edge", "marker-end": "url(#arrow)" }),
    label: el("span", { class: "edge-rows", "aria-hidden": "true" }),
  };
}

function arrow(id) {
  return svg("marker", { id, viewBox: "0 0 8 8", refX: "5", refY: "4", markerWidth: "14", markerHeight: "14", markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" },
    svg("path", { d: "M0,0.5 L7,4 L0,7.5 z", class: "arrow" }));
}

/** Let a long name break after its underscores. */
function broken(name) {
  return name.split(/(?<=_)/).flatMap((part, index) => (index ? [el("wbr"), part] : [part]));
}

function marksOf(node) {
  const marks = [];
  if (node.rows_dropped) marks.push(el("span", { class: "mark drop" }, icon("drop"), `${number(node.rows_dropped)} dropped`));
  if (node.rows_warned) marks.push(el("span", { class: "mark warn" }, icon("warn"), `${number(node.rows_warned)} warned`));
  if (node.rows_deleted && node.type !== "materialized_view") marks.push(el("span", { class: "mark" }, `${number(node.rows_deleted)} deleted`));
  if (node.files?.waiting) marks.push(el("span", { class: "mark" }, icon("wait"), `${number(node.files.waiting)} waiting`));
  if (node.files?.set_aside) marks.push(el("span", { class: "mark warn" }, icon("warn"), `${number(node.files.set_aside)} set aside`));
  if (node.error) marks.unshift(el("span", { class: "mark fail" }, icon("cross"), node.error));
  else if (node.skipped_because) marks.unshift(el("span", { class: "mark skip" }, icon("skip"), node.skipped_because));
  return marks;
}

/** The line that says whether rows in equal rows out. */
export function balanceOf(conservation) {
  if (!conservation) return null;
  const picture = { holds: "check", broken: "cross", open: "wait" }[conservation.state];
  return el("span", { class: `balance ${conservation.state}` }, icon(picture), el("span", {}, conservation.text));
}

function readsOf(node, edges) {
  const reads = edges.filter((edge) => edge.target === node.name);
  if (!reads.length) return null;
  return ["reads ", reads.map((edge) => (edge.rows ? `${edge.source} (${number(edge.rows)})` : edge.source)).join(", ")];
}

function spoken(node) {
  const words = [kind(node), node.name];
  if (node.type === "group") words.push(counted(node.members.length, "member"), "folded: press Enter to unfold");
  if (node.files) words.push(counted(node.files.listed, "file"));
  else words.push((STATES[node.status] ?? ["", "not run"])[1], counted(node.rows_written, "row") + " written", `${number(node.rows_total)} total`);
  if (node.rows_dropped) words.push(`${number(node.rows_dropped)} dropped`);
  if (node.rows_warned) words.push(`${number(node.rows_warned)} warned`);
  if (node.error) words.push(node.error);
  if (node.conservation) words.push(node.conservation.text);
  return words.join(", ");
}
