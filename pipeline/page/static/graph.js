// The graph: cards for datasets, left to right, and lines along which rows flow.

import { el, icon, replace, svg } from "./dom.js";
import { counted, duration, kind, number } from "./format.js";

const STATES = {
  QUEUED: ["wait", "Queued"], STARTING: ["run", "Starting"], RUNNING: ["run", "Running"],
  COMPLETED: ["check", "Completed"], FAILED: ["cross", "FAILED"], SKIPPED: ["skip", "SKIPPED"],
  EXCLUDED: ["dash", "Not selected"], STOPPED: ["stop", "Stopped"], IDLE: ["wait", "Idle"],
};
// Cards of this height or less say only what one looks for first.
const COMPACT_HEIGHT = 100;
const LARGEST_START = 1.3;
const MARGIN = 24;

/** Return a state's icon and words. */
export function stateBadge(status) {
  const [picture, words] = STATES[status] ?? ["dash", status || "Not run"];
  return el("span", { class: "state", "data-status": status || "NONE" }, icon(picture), words);
}

/** Return medallion's name where a dataset's name begins with one. */
export function tierOf(node) {
  if (node.type === "files") return "files";
  if (node.quarantine_of) return "quarantine";
  return ["bronze", "silver", "gold"].find((tier) => node.name.startsWith(`${tier}_`)) ?? "none";
}

export class GraphView {
  /** @param onOpen called with a dataset's name when its card is chosen. */
  constructor(onOpen) {
    this.onOpen = onOpen;
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

  /** Show a graph; cards that are there already change in place. */
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

  /** Mark one card as chosen. */
  choose(name) {
    for (const [key, card] of this.cards) {
      card.element.classList.toggle("chosen", key === name);
      card.element.setAttribute("aria-pressed", String(key === name));
    }
  }

  /** Bring a card into view, once for each choice. */
  reveal(name) {
    if (name !== this.revealed) this.cards.get(name)?.element.scrollIntoView({ block: "nearest", inline: "center" });
    this.revealed = name;
  }

  /** Bring the first card whose name holds a text into view, and dim the others. */
  find(text) {
    const wanted = text.trim().toLowerCase();
    let first = null;
    for (const [name, card] of this.cards) {
      const fits = !wanted || name.toLowerCase().includes(wanted);
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
      balance: el("div", { class: "card-balance" }), reads: el("div", { class: "card-reads" }),
    };
    const picture = node.quarantine_of ? "quarantine" : node.type;
    const element = el("button", {
      type: "button", class: "card", "data-name": node.name, "data-tier": tierOf(node), "aria-pressed": "false",
      onclick: () => this.onOpen(node.name),
    },
    el("div", { class: "card-head" }, el("span", { class: "card-kind", title: kind(node) }, icon(picture), el("span", {}, kind(node))), parts.state),
    el("div", { class: "card-name", title: node.name }, broken(node.name)),
    el("div", { class: "card-figures" }, parts.rows, parts.total),
    parts.marks, parts.balance, parts.reads);
    return { element, ...parts, rowsShown: null };
  }

  #refreshCard(node) {
    const card = this.cards.get(node.name);
    card.element.dataset.status = node.status || "NONE";
    replace(card.state, node.type === "files" ? null : stateBadge(node.status));
    const rows = node.type === "files" ? node.files.ingested_now : node.rows_written;
    if (card.rowsShown !== null && card.rowsShown !== rows) {
      card.rows.classList.remove("bumped");
      void card.rows.offsetWidth;
      card.rows.classList.add("bumped");
    }
    card.rowsShown = rows;
    replace(card.rows, el("b", {}, number(rows)), node.type === "files" ? ` file${rows === 1 ? "" : "s"} taken` : ` row${rows === 1 ? "" : "s"} written`);
    const took = node.seconds === null || node.seconds === undefined ? "" : ` · ${duration(node.seconds)}`;
    replace(card.total, node.type === "files" ? `${number(node.files.listed)} listed` : [`${number(node.rows_total)} in all`, el("span", { class: "took" }, took)]);
    replace(card.marks, marksOf(node));
    replace(card.balance, balanceOf(node.conservation));
    replace(card.reads, readsOf(node, this.graph.edges));
    card.element.title = node.error ?? node.comment ?? "";
    card.element.setAttribute("aria-label", spoken(node));
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
    // A projector shows few tables large; many tables keep a size that can be read, and scroll.
    this.scale ??= Math.max(1, Math.min(LARGEST_START, this.viewport.clientWidth / this.width, this.viewport.clientHeight / this.height));
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

/** The line that says whether rows in are rows out. */
export function balanceOf(conservation) {
  if (!conservation) return null;
  const picture = { holds: "check", broken: "cross", open: "wait" }[conservation.state];
  return el("span", { class: `balance ${conservation.state}` }, icon(picture), conservation.text);
}

function readsOf(node, edges) {
  const reads = edges.filter((edge) => edge.target === node.name);
  if (!reads.length) return null;
  return ["reads ", reads.map((edge) => (edge.rows ? `${edge.source} (${number(edge.rows)})` : edge.source)).join(", ")];
}

function spoken(node) {
  const words = [kind(node), node.name];
  if (node.type === "files") words.push(counted(node.files.listed, "file"));
  else words.push((STATES[node.status] ?? ["", "not run"])[1], counted(node.rows_written, "row") + " written", `${number(node.rows_total)} in all`);
  if (node.rows_dropped) words.push(`${number(node.rows_dropped)} dropped`);
  if (node.rows_warned) words.push(`${number(node.rows_warned)} warned`);
  if (node.error) words.push(node.error);
  if (node.conservation) words.push(node.conservation.text);
  return words.join(", ");
}
