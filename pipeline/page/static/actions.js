// The actions: start, stop, full refresh, dry run.

import { get, post } from "./api.js";
import { el, replace } from "./dom.js";
import { counted } from "./format.js";

const byId = (id) => document.getElementById(id);

/** Connect the buttons. `page` has `runner`, `notice`, `clearNotices` and `follow(updateId)`. */
export function connectActions(page) {
  byId("start").addEventListener("click", () => start(page, {}));
  byId("stop").addEventListener("click", () => attempt(page, () => post(`/api/updates/${encodeURIComponent(page.runner.update_id)}/stop`)));
  byId("full-refresh").addEventListener("click", () => askFullRefresh(page));
  byId("dry-run").addEventListener("click", () => dryRun(page));
}

/** Enable the actions that are possible now. */
export function showActions(runner) {
  const busy = runner.state !== "idle" || Boolean(runner.held_by);
  for (const id of ["start", "full-refresh", "dry-run"]) byId(id).disabled = busy;
  byId("stop").hidden = !["running", "stopping"].includes(runner.state);
  byId("stop").disabled = runner.state === "stopping";
  byId("start").title = runner.held_by ? `Locked by ${runner.held_by}` : "Run one update of all tables";
}

async function attempt(page, work) {
  page.clearNotices("action");
  try {
    return await work();
  } catch (error) {
    page.notice("action", "fail", error.message, error.remedy);
    return null;
  }
}

async function start(page, selection) {
  for (const id of ["start", "full-refresh", "dry-run"]) byId(id).disabled = true;
  const started = await attempt(page, () => post("/api/updates", selection));
  if (started) page.follow(started.update_id);
  else showActions(page.runner);
}

async function dryRun(page) {
  page.notice("action", "info", "Dry run: checking settings, declarations, inputs, columns and suites …");
  const found = await attempt(page, () => post("/api/dry-run"));
  if (!found) return;
  if (found.ready) page.notice("action", "ok", `Ready to run: ${counted(found.tables.length, "dataset")} checked. Nothing was written.`, keptWords(found.tables));
  else page.notice("action", "fail", found.problem, found.remedy);
}

/** Return how each table is kept, and why. */
function keptWords(tables) {
  return el("ul", { class: "plain" }, tables.map((one) => el("li", {}, el("code", {}, one.name), `: ${one.kept}. ${one.kept_because}`)));
}

async function askFullRefresh(page) {
  const graph = await attempt(page, () => get("/api/graph"));
  if (!graph) return;
  const tables = graph.nodes.filter((node) => ["streaming_table", "materialized_view"].includes(node.type) && !node.quarantine_of);
  const dialog = byId("dialog");
  const chosen = new Set();
  const effect = el("p", { class: "effect" });
  const go = el("button", { type: "submit", class: "button danger", disabled: true }, "Empty and refresh");
  const update = () => {
    const emptied = downstream(graph, chosen);
    go.disabled = !chosen.size;
    replace(effect, chosen.size ? ["Will be emptied and refilled: ", [...emptied].map((name, at) => [at ? ", " : "", el("code", {}, name)]), "."] : "Choose at least one table.");
  };
  const choice = (node) => el("label", { class: "choice" },
    el("input", { type: "checkbox", name: node.name, onchange: (event) => { event.target.checked ? chosen.add(node.name) : chosen.delete(node.name); update(); } }),
    el("code", {}, node.name));
  update();
  replace(dialog, el("form", { method: "dialog", onsubmit: (event) => {
    event.preventDefault();
    dialog.close();
    start(page, { full_refresh: [...chosen] });
  } },
  el("h2", {}, "Full refresh"),
  el("p", {}, "This empties the chosen tables and everything downstream, then reads their sources again from the beginning."),
  tables.length ? el("fieldset", {}, el("legend", {}, "Tables"), tables.map(choice)) : el("p", { class: "faint" }, "There are no tables yet. Start an update first."),
  effect,
  el("div", { class: "dialog-actions" }, el("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel"), go)));
  dialog.showModal();
}

/** Return the names and everything downstream of them, quarantines included. */
function downstream(graph, names) {
  const reached = new Set(names);
  let before = -1;
  while (before !== reached.size) {
    before = reached.size;
    for (const edge of graph.edges) if (reached.has(edge.source)) reached.add(edge.target);
    for (const node of graph.nodes) if (node.quarantine_of && reached.has(node.quarantine_of)) reached.add(node.name);
  }
  return reached;
}
