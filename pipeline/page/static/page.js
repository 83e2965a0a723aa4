// The page: which view is shown, and what the server says has changed.

import { connectActions, showActions } from "./actions.js";
import { get } from "./api.js";
import { Drawer, table } from "./drawer.js";
import { el, icon, replace } from "./dom.js";
import { ago, duration, instant, kind, number, switchZone, zone } from "./format.js";
import { balanceOf, GraphView, stateBadge } from "./graph.js";
import { alertsView, EventsView, historyView, updateBadge } from "./lists.js";

const main = document.getElementById("main");
const notices = document.getElementById("notices");
const connection = document.getElementById("connection");
const drawer = new Drawer(document.getElementById("drawer"), () => go({ table: null }), (id) => go({ view: "graph", update: id }));
const graphView = new GraphView((name) => go({ table: name }), (name) => unfold([...unfoldedNow(), name]));
const events = new EventsView();

const page = {
  runner: { state: "idle" },
  notice, clearNotices,
  follow(updateId) { go({ view: "graph", update: null }); page.awaited = updateId; refresh(); },
};
let lastFocus = null;
// The groups that are shown table by table; null lets the server decide.
let unfolded = null;
let groups = [];
let found = null;

/** The view's state is in the address, so that the browser's back button works. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const asked = new URLSearchParams(query ?? "");
  return { view: path || "graph", update: asked.get("update"), table: asked.get("table"), list: asked.get("list") === "1" };
}

function go(change) {
  const next = { ...route(), ...change };
  const query = new URLSearchParams();
  if (next.view === "graph") {
    for (const name of ["update", "table"]) if (next[name]) query.set(name, next[name]);
    if (next.list) query.set("list", "1");
  }
  if (change.table) lastFocus = document.activeElement;
  const text = query.toString();
  location.hash = `#/${next.view}${text ? `?${text}` : ""}`;
}

let ticking = 0;
let asking = false;
let again = false;

/** Redraw the view; calls during a redraw cause one more redraw. */
async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    await draw();
    clearNotices("load");
  } catch (error) {
    notice("load", "fail", error.message, error.remedy ?? "");
  }
  asking = false;
  if (again) { again = false; refresh(); }
}

async function draw() {
  const { view, update, table: chosen, list } = route();
  clearTimeout(ticking);
  for (const link of document.querySelectorAll(".tabs a")) link.toggleAttribute("aria-current", link.dataset.view === view);
  document.body.dataset.view = view;
  if (view !== "graph") drawer.close();
  if (view === "history") await historyView(main, { choose: (id) => go({ view: "graph", update: id, table: null }) });
  else if (view === "events") await events.show(main);
  else if (view === "alerts") await alertsView(main);
  else await drawGraph(update, chosen, list);
}

function unfoldedNow() {
  return groups.filter((group) => !group.is_folded).map((group) => group.name);
}

function unfold(names) {
  unfolded = names;
  refresh();
}

function graphAddress(update, list) {
  const query = new URLSearchParams();
  if (update) query.set("update", update);
  const shown = list ? groups.map((group) => group.name) : unfolded;
  for (const name of shown?.length === 0 ? [""] : shown ?? []) query.append("unfolded", name);
  const text = query.toString();
  return `/api/graph${text ? `?${text}` : ""}`;
}

/** Find a table by a part of its name; one in a folded group is unfolded first. */
function findTable(text) {
  page.wanted = text;
  const wanted = text.trim().toLowerCase();
  const names = (node) => (wanted ? node.members.filter((name) => name.toLowerCase().includes(wanted)) : []);
  const visible = graphView.graph.nodes.some((node) => node.type !== "group" && node.name.toLowerCase().includes(wanted));
  const group = visible ? null : graphView.graph.nodes.find((node) => node.type === "group" && names(node).length);
  if (group && wanted.length > 2) {
    found = text;
    unfold([...unfoldedNow(), group.name]);
  } else graphView.find(text);
}

async function drawGraph(update, chosen, list) {
  const sought = found;
  const graph = await get(graphAddress(update, list));
  groups = graph.groups;
  clearTimeout(ticking);
  // The durations of a running update change even without an event.
  if (graph.update?.is_live) ticking = setTimeout(refresh, 1000);
  if (!graph.nodes.length) {
    drawer.close();
    replace(main, emptyView(graph));
    return;
  }
  if (list) replace(main, headline(graph, list), listView(graph));
  else {
    if (graphView.element.parentElement !== main) replace(main, el("div", { id: "headline" }), graphView.element);
    replace(main.firstChild, headline(graph, list));
    if (main.firstChild.id !== "headline") main.prepend(el("div", { id: "headline" }, headline(graph, list)));
    graphView.show(graph);
    // A text that was typed during the request waits for the graph in which its group is unfolded.
    if (sought) graphView.find(page.wanted);
    if (found === sought) found = null;
    graphView.choose(chosen);
  }
  if (chosen) {
    await drawer.show(chosen, update);
    graphView.reveal(chosen);
  }
  else if (!drawer.element.hidden) {
    graphView.reveal(null);
    drawer.close();
    lastFocus?.isConnected && lastFocus.focus({ preventScroll: true });
  }
}

function headline(graph, list) {
  const { update } = graph;
  const find = el("input", { type: "search", class: "find", placeholder: "Find a table", "aria-label": "Find a table", value: page.wanted ?? "",
    oninput: (event) => findTable(event.target.value) });
  if (document.activeElement?.classList.contains("find")) queueMicrotask(() => { find.focus(); find.setSelectionRange(999, 999); });
  return [
    el("div", { class: "headline" },
      update ? [updateBadge(update), el("span", { class: "mono" }, update.update_id.slice(0, 8)),
        el("span", { class: "faint", title: `${instant(update.created_at)}` }, `${instant(update.created_at)}`, update.is_live ? "" : ` · ${ago(update.created_at)}`),
        el("span", { class: "faint cause" }, `${duration(update.duration_seconds)}${update.cause ? ` · ${update.cause}` : ""}${update.run_as ? ` by ${update.run_as}` : ""}`)] : null,
      el("span", { class: "spacer" }),
      list ? null : find,
      el("div", { class: "segmented", role: "group", "aria-label": "View" },
        el("button", { type: "button", "aria-pressed": String(!list), onclick: () => go({ list: false }) }, "Graph"),
        el("button", { type: "button", "aria-pressed": String(list), onclick: () => go({ list: true }) }, "List")),
      list ? null : el("div", { class: "segmented zoom", role: "group", "aria-label": "Zoom" },
        el("button", { type: "button", "aria-label": "Zoom out", onclick: () => graphView.zoom(1 / 1.2) }, "−"),
        el("button", { type: "button", "aria-label": "Fit to window", onclick: () => graphView.fit() }, "Fit"),
        el("button", { type: "button", "aria-label": "Zoom in", onclick: () => graphView.zoom(1.2) }, "+"))),
    list || !groups.length || groups.length === 1 && !groups[0].is_folded ? null : el("div", { class: "groups", role: "group", "aria-label": "Groups" },
      el("span", { class: "faint" }, "Groups"),
      groups.map((group) => el("button", { type: "button", class: "chip group-chip", "aria-pressed": String(!group.is_folded),
        title: group.is_folded ? `Show the tables of ${group.name}` : `Fold ${group.name} into one card`,
        onclick: () => unfold(group.is_folded ? [...unfoldedNow(), group.name] : unfoldedNow().filter((name) => name !== group.name)) },
      el("span", { "aria-hidden": "true" }, group.is_folded ? "▸ " : "▾ "), group.name, el("span", { class: "faint" }, ` ${group.tables}`)))),
    update && !update.is_newest ? el("div", { class: "notice past" }, icon("wait"), el("span", {}, `This is the graph as update ${update.update_id.slice(0, 8)} left it.`),
      el("button", { type: "button", class: "button small", onclick: () => go({ update: null }) }, "Show the newest update")) : null,
    troubles(graph).length ? el("div", { class: "notice fail", role: "alert" }, icon("cross"), el("div", {}, troubles(graph))) : null,
  ];
}

/** The errors, each once, with the tables it happened to. */
function troubles({ update, nodes }) {
  const tables = new Map((update?.errors ?? []).map((error) => [error, []]));
  for (const node of nodes) if (node.error && node.status === "FAILED") tables.set(node.error, [...(tables.get(node.error) ?? []), node.name]);
  const link = (name) => el("button", { type: "button", class: "link mono", onclick: () => go({ table: name }) }, name);
  return [...tables].map(([error, names]) => el("p", { class: "wrap" },
    names.map((name, at) => [at ? ", " : "", link(name)]), names.length ? " failed: " : "", error));
}

function listView(graph) {
  const rows = graph.nodes.filter((node) => node.type !== "files").map((node) => [
    el("button", { type: "button", class: "link mono", onclick: () => go({ table: node.name }) }, node.name), kind(node), stateBadge(node.status),
    ...["rows_in", "rows_written", "rows_dropped", "rows_warned", "rows_total"].map((key) => el("span", { class: "num" }, number(node[key]))),
    el("span", { class: "num" }, duration(node.seconds)), balanceOf(node.conservation) ?? ""]);
  return el("section", { class: "page" }, table(["table", "kind", "state", "rows in", "written", "dropped", "warned", "total", "took", "conservation"], rows));
}

function emptyView(graph) {
  const step = (command, words) => el("li", {}, el("code", {}, command), el("span", { class: "faint" }, ` ${words}`));
  const waiting = graph.waiting_files ?? 0;
  return el("section", { class: "page empty" },
    icon("flow", "big"),
    el("h2", {}, graph.runner.state === "running" ? "The first update is starting" : "No update has run yet"),
    graph.runner.state === "running" ? el("p", {}, "Starting Spark. The graph appears as soon as the tables are known.")
      : waiting ? [el("p", {}, `${number(waiting)} file${waiting === 1 ? " is" : "s are"} waiting in the landing zone. Press Start to ingest ${waiting === 1 ? "it" : "them"}.`)]
        : [el("p", {}, "No files have landed yet either. In a terminal, run:"),
          el("ol", {}, step("python -m generators batch", "lands files"), step("python -m pipeline run", "ingests them, as Start does"))],
    graph.declared?.length ? [el("p", { class: "faint" }, "Declared tables"), el("ul", { class: "chips" }, graph.declared.map((one) => el("li", { class: "chip mono" }, one)))] : null,
    el("p", { class: "faint wrap" }, "Home: ", el("code", {}, graph.home)));
}

function showRunner(runner) {
  page.runner = runner;
  showActions(runner);
  clearNotices("runner");
  if (runner.held_by) notice("runner", "info", "Another process is using the lakehouse; this page follows its progress.", `Locked by ${runner.held_by}.`);
  else if (runner.state === "running" && !runner.warm) notice("runner", "info", "Starting Spark. Later updates will not have to wait for it.");
  else if (runner.state === "stopping") notice("runner", "info", "Stopping after the current batch. Finished work is kept.");
  if (runner.problem) notice("runner", "fail", runner.problem, runner.remedy);
}

function notice(source, tone, text, more = "") {
  clearNotices(source);
  const picture = { fail: "cross", ok: "check", info: "wait" }[tone];
  notices.append(el("div", { class: `notice ${tone}`, "data-source": source, role: tone === "fail" ? "alert" : null }, icon(picture),
    el("span", { class: "wrap" }, text, more ? el("span", { class: "more" }, " ", more) : null),
    source === "action" ? el("button", { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: () => clearNotices(source) }, icon("close")) : null));
}

function clearNotices(source) {
  for (const old of notices.querySelectorAll(`[data-source="${source}"]`)) old.remove();
}

async function showAlertBadge() {
  const alerts = await get("/api/alerts").catch(() => []);
  const bad = alerts.filter((alert) => ["TRIGGERED", "ERROR"].includes(alert.state)).length;
  const badge = document.getElementById("alert-badge");
  badge.hidden = !bad;
  badge.textContent = String(bad);
  badge.setAttribute("aria-label", `${bad} not OK`);
}

function listen() {
  const source = new EventSource("/api/stream");
  source.addEventListener("change", (message) => {
    const { changed, runner } = JSON.parse(message.data);
    say("live", "Live");
    // The stream alone says what the runner does: an answer to a request may arrive after a newer event.
    showRunner(runner);
    if (changed.includes("alert_evaluations")) showAlertBadge();
    refresh();
  });
  source.onerror = () => say("lost", "Connection lost; reconnecting");
  source.onopen = () => say("live", "Live");
}

function say(state, words) {
  connection.dataset.state = state;
  if (connection.textContent !== words) connection.textContent = words;
}

const zoneButton = document.getElementById("zone");
function showZone() {
  zoneButton.textContent = zone();
  zoneButton.title = `Times are in ${zone()}. Click to show them in ${zone() === "UTC" ? "your own zone" : "UTC"}.`;
}
zoneButton.addEventListener("click", () => { switchZone(); showZone(); refresh(); });
showZone();
document.querySelector(".skip-link").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
connectActions(page);
window.addEventListener("hashchange", refresh);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement?.tagName ?? "")) {
    const find = document.querySelector(".find");
    if (find) { event.preventDefault(); find.focus(); }
  }
});
refresh();
listen();
