// History, events and alerts.

import { get } from "./api.js";
import { updateBars } from "./charts.js";
import { el, icon, replace } from "./dom.js";
import { table } from "./drawer.js";
import { ago, counted, duration, instant, moment, number, zone } from "./format.js";

const LEVELS = ["INFO", "WARN", "ERROR", "METRICS"];
const PAGE = 200;

const UPDATE_ICONS = { COMPLETED: "check", FAILED: "cross", CANCELED: "stop", KILLED: "cross" };

/** An update's state with its icon. */
export function updateBadge(update) {
  return el("span", { class: "state", "data-status": update.state }, icon(UPDATE_ICONS[update.state] ?? "run"), update.state.replaceAll("_", " "));
}

/** Every update, newest first; clicking one shows its graph. */
export async function historyView(main, { choose }) {
  const updates = await get("/api/updates");
  if (!updates.length) {
    replace(main, el("section", { class: "page" }, el("h2", {}, "History"), el("p", { class: "faint" }, "No update has run yet.")));
    return;
  }
  const row = (update) => [
    updateBadge(update),
    el("button", { type: "button", class: "link mono", "aria-label": `Show update ${update.update_id.slice(0, 8)} in the graph`, onclick: () => choose(update.update_id) }, update.update_id.slice(0, 8)),
    el("span", { title: `${instant(update.created_at)}` }, `${moment(update.created_at)}`),
    el("span", { class: "num" }, duration(update.duration_seconds)), update.cause ?? "", update.run_as ?? "",
    el("span", { class: "num" }, number(update.rows_written)), el("span", { class: "num" }, number(update.rows_dropped)),
    update.failures?.length ? el("span", { class: "failed wrap" }, icon("cross"), update.failures.join("; ")) : el("span", { class: "faint" }, "none")];
  replace(main, el("section", { class: "page" },
    el("h2", {}, "History"), el("p", { class: "faint" }, `${counted(updates.length, "update")}, newest first. Click one to see its graph.`),
    updateBars(updates, choose),
    table(["state", "update", `started (${zone()})`, "took", "cause", "by", "rows written", "dropped", "failures"], updates.map(row))));
}

/** The event log, filtered; kept as an object because filters outlive a refresh. */
export class EventsView {
  constructor() {
    this.filter = { level: "", event_type: "", update: "" };
    this.limit = PAGE;
    this.open = new Set();
    this.asked = 0;
  }

  async show(main) {
    const asked = ++this.asked;
    const query = new URLSearchParams({ limit: this.limit });
    for (const [name, chosen] of Object.entries(this.filter)) if (chosen) query.set(name, chosen);
    const { events, types, has_older: hasOlder } = await get(`/api/events?${query}`);
    // A later question has been asked since; its answer is the one to show.
    if (asked !== this.asked) return;
    const again = () => this.show(main);
    const pick = (name, label, options) => el("label", { class: "field" }, label,
      el("select", { name, onchange: (event) => { this.filter[name] = event.target.value; this.limit = PAGE; again(); } },
        el("option", { value: "" }, "all"), options.map((option) => el("option", { value: option, selected: this.filter[name] === option }, option))));
    const focused = document.activeElement?.name;
    replace(main, el("section", { class: "page" },
      el("h2", {}, "Events"),
      el("div", { class: "filters" }, pick("level", "Level", LEVELS), pick("event_type", "Type", types),
        this.filter.update ? el("button", { type: "button", class: "button small", onclick: () => { this.filter.update = ""; again(); } },
          `Update ${this.filter.update.slice(0, 8)}`, icon("close")) : null,
        el("span", { class: "faint" }, hasOlder ? `the newest ${counted(events.length, "event")}` : counted(events.length, "event"))),
      events.length ? el("ol", { class: "events" }, events.map((event) => this.#line(event))) : el("p", { class: "faint" }, "No event matches."),
      hasOlder ? el("button", { type: "button", class: "button", onclick: () => { this.limit *= 2; again(); } }, "Show older events") : null));
    if (focused) main.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
  }

  #line(event) {
    const details = el("details", { open: this.open.has(event.id) },
      el("summary", {},
        el("span", { class: "event-time mono" }, moment(event.timestamp)),
        el("span", { class: "level", "data-level": event.level }, event.level),
        el("span", { class: "event-type mono" }, event.event_type),
        el("span", { class: "event-message" }, event.message)),
      event.error?.exceptions?.length ? el("div", { class: "trouble" }, event.error.exceptions.map((one) =>
        el("div", {}, el("strong", {}, one.class_name), el("pre", {}, one.message)))) : null,
      el("pre", { class: "raw" }, JSON.stringify({ details: event.details, origin: event.origin, id: event.id, sequence: event.sequence }, null, 2)));
    details.addEventListener("toggle", () => (details.open ? this.open.add(event.id) : this.open.delete(event.id)));
    return el("li", {}, details);
  }
}

const ALERT_ICONS = { OK: "check", TRIGGERED: "bell", ERROR: "cross" };

/** Each evaluated alert: its state, why, its last evaluations and what became of its notifications. */
export async function alertsView(main) {
  const alerts = await get("/api/alerts");
  replace(main, el("section", { class: "page" }, el("h2", {}, "Alerts"),
    alerts.length ? alerts.map(alertCard) : el("p", { class: "faint" }, "No alert has been evaluated yet. Start the poller: ", el("code", {}, "python -m alerts watch"))));
}

function alertCard(alert) {
  return el("article", { class: "alert", "data-state": alert.state },
    el("header", {}, el("h3", {}, alert.name),
      el("span", { class: "alert-state" }, icon(ALERT_ICONS[alert.state] ?? "wait"), alert.state)),
    el("p", {}, `Value ${alert.value ?? "–"}, evaluated ${instant(alert.evaluated_at)} (${ago(alert.evaluated_at)}).`),
    alert.reason ? el("p", {}, alert.reason) : null,
    alert.triggered_rows?.length ? el("p", {}, "Triggered by ", alert.triggered_rows.map((row) => el("code", { class: "chip" }, row))) : null,
    el("p", { class: "faint" }, [alert.severity, alert.condition ? `condition: ${alert.condition}` : null, alert.schedule].filter(Boolean).join(" · ")),
    alert.runbook ? el("p", {}, "What to do: ", el("code", {}, alert.runbook)) : null,
    table(["state", `evaluated (${zone()})`, "value", "notification", "to", "trouble"], alert.evaluations.map((one) => [
      el("span", { class: "state", "data-status": one.state }, icon(ALERT_ICONS[one.state] ?? "wait"), one.state), moment(one.evaluated_at), one.value ?? "–",
      one.notification, el("span", { class: "wrap" }, one.destination ?? ""), el("span", { class: "failed wrap" }, one.delivery_error ?? "")])),
    alert.query ? el("details", {}, el("summary", {}, "Query"), el("pre", { class: "code" }, alert.query)) : null);
}
