// The panel with everything about a table, in tabs.

import { get } from "./api.js";
import { shareBar, shareLine } from "./charts.js";
import { el, icon, replace } from "./dom.js";
import { baseName, bytes, counted, duration, instant, kind, moment, number, percent, value, zone } from "./format.js";
import { balanceOf, stateBadge, tierOf } from "./graph.js";

export class Drawer {
  constructor(element, onClose, onChooseUpdate) {
    this.element = element;
    this.onClose = onClose;
    this.onChooseUpdate = onChooseUpdate;
    this.tab = "overview";
    element.addEventListener("keydown", (event) => event.key === "Escape" && this.onClose());
  }

  get name() {
    return this.element.hidden ? null : this.shown;
  }

  close() {
    this.element.hidden = true;
    this.shown = null;
  }

  /** Show a dataset as it was in an update. */
  async show(name, updateId) {
    const asked = `${name}\n${updateId ?? ""}`;
    this.asked = asked;
    const isNew = this.shown !== name;
    if (isNew) this.whole = false;
    const query = new URLSearchParams({ ...(updateId ? { update: updateId } : {}), ...(this.whole ? { whole: "true" } : {}) });
    const facts = await get(`/api/tables/${encodeURIComponent(name)}?${query}`);
    if (this.asked !== asked) return;
    this.shown = name;
    this.updateId = updateId;
    this.facts = facts;
    this.element.hidden = false;
    const parts = partsOf(facts);
    if (!parts.some((part) => part.id === this.tab)) this.tab = "overview";
    const scroll = isNew ? 0 : this.body?.scrollTop ?? 0;
    this.#draw(parts);
    this.body.scrollTop = scroll;
    if (isNew) this.element.querySelector("h2").focus({ preventScroll: true });
  }

  /** Show long texts whole instead of cut. */
  async showWhole() {
    this.whole = true;
    await this.show(this.shown, this.updateId);
  }

  #draw(parts) {
    const { node } = this.facts;
    this.element.setAttribute("aria-label", node.name);
    this.element.dataset.tier = tierOf(node);
    const hadFocus = document.activeElement?.closest?.("[role=tab]") && this.element.contains(document.activeElement);
    this.body = el("div", { class: "drawer-body", role: "tabpanel", id: "drawer-body", tabindex: "0", "aria-labelledby": `tab-${this.tab}` },
      parts.find((part) => part.id === this.tab).draw(this.facts, this));
    replace(this.element,
      el("header", { class: "drawer-head" },
        el("div", { class: "drawer-title" },
          el("p", { class: "card-kind" }, icon(node.quarantine_of ? "quarantine" : node.type), kind(node)),
          el("h2", { tabindex: "-1" }, node.name),
          node.comment ? el("p", { class: "faint" }, node.comment) : null),
        el("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => this.onClose() }, icon("close"))),
      el("div", { class: "tablist", role: "tablist", "aria-label": "Sections", onkeydown: (event) => this.#arrow(event, parts) },
        parts.map((part) => el("button", {
          type: "button", role: "tab", id: `tab-${part.id}`, "aria-selected": String(part.id === this.tab), "aria-controls": "drawer-body",
          tabindex: part.id === this.tab ? "0" : "-1", onclick: () => this.#choose(part.id, parts),
        }, part.title, part.count !== undefined ? el("span", { class: "count" }, number(part.count)) : null))),
      this.body);
    if (hadFocus) this.element.querySelector("[role=tab][aria-selected=true]").focus();
  }

  #choose(id, parts) {
    this.tab = id;
    this.#draw(parts);
    this.element.querySelector("[role=tab][aria-selected=true]").focus();
  }

  #arrow(event, parts) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = parts.findIndex((part) => part.id === this.tab);
    this.#choose(parts[(at + step + parts.length) % parts.length].id, parts);
  }
}

function partsOf(facts) {
  const parts = [{ id: "overview", title: "Overview", draw: overview }];
  const add = (id, title, draw, list) => list && list.length && parts.push({ id, title, draw, count: list.length });
  add("expectations", "Expectations", expectations, facts.expectations);
  add("files", "Files", files, facts.files?.newest);
  if (facts.node.quarantine_of) parts.push({ id: "rows", title: "Rejected", draw: rejected });
  else if (facts.node.type !== "files") parts.push({ id: "rows", title: "Rows", draw: rows });
  if (facts.node.type !== "files") parts.push({ id: "schema", title: "Schema", draw: schema, count: facts.columns.length });
  add("history", "History", history, facts.history);
  if (facts.source) parts.push({ id: "source", title: "Source", draw: source });
  return parts;
}

function figure(label, shown) {
  return el("div", { class: "figure" }, el("dd", {}, shown), el("dt", {}, label));
}

function overview({ node, update, reasons, files: found }, drawer) {
  const figures = node.type === "files"
    ? [figure("files listed", number(node.files.listed)), figure("ingested", number(node.files.ingested)),
      figure("waiting", number(node.files.waiting)), figure("set aside", number(node.files.set_aside)),
      node.files.ignored ? figure("ignored", number(node.files.ignored)) : null]
    : [figure("rows in", number(node.rows_in)), figure("written", number(node.rows_written)), figure("dropped", number(node.rows_dropped)),
      figure("warned", number(node.rows_warned)), figure("deleted", number(node.rows_deleted)), figure("total", number(node.rows_total))];
  return [
    node.type === "files" ? null : el("p", { class: "line" }, stateBadge(node.status),
      node.seconds ? ` in ${duration(node.seconds)}` : "", update ? el("span", { class: "faint" }, ` · update ${update.update_id.slice(0, 8)}, ${instant(update.created_at)}`) : null),
    node.error ? el("div", { class: "trouble", role: "alert" }, el("strong", {}, "This flow failed. "), el("pre", {}, node.error)) : null,
    node.skipped_because ? el("p", { class: "trouble soft" }, "Skipped: ", node.skipped_because, ".") : null,
    el("dl", { class: "figures" }, figures),
    node.conservation ? el("h3", {}, "Conservation") : null,
    node.conservation ? el("p", { class: "line" }, balanceOf(node.conservation)) : null,
    (node.conservation?.checks ?? []).map((check) => el("p", { class: "line" }, balanceOf(check))),
    node.notes?.length ? [el("h3", {}, "Notes"), el("ul", { class: "plain" }, node.notes.map((note) => el("li", {}, note)))] : null,
    reasons?.length ? [el("h3", {}, "Reasons"), reasonTable(reasons)] : null,
    found && node.type !== "files" ? [el("h3", {}, "Files"), el("p", {}, fileWords(found.states))] : null,
    node.kept ? [el("h3", {}, "Kept"), el("p", {}, el("strong", {}, node.kept), `. ${node.kept_because}`)] : null,
    node.inputs?.length ? [el("h3", {}, "Inputs"), el("ul", { class: "plain" }, node.inputs.map((name) => el("li", { class: "mono" }, name)))] : null,
  ];
}

function fileWords(states) {
  return Object.entries(states).map(([state, count]) => `${number(count)} ${state}`).join(" · ") || "no files yet";
}

function reasonTable(reasons) {
  return table(["expectation", "rows"], reasons.map((reason) => [el("code", {}, reason.name), numeric(reason.rows)]));
}

function expectations({ expectations: rules }) {
  return rules.map((rule) => {
    const judged = rule.passed + rule.failed;
    return el("section", { class: "rule" },
      el("header", {}, el("code", { class: "rule-name" }, rule.name), el("span", { class: "action", "data-action": rule.action }, rule.action)),
      rule.why ? el("p", { class: "faint" }, rule.why) : null,
      el("p", { class: "rule-counts" },
        judged ? [el("span", { class: "passed" }, icon("check"), `${number(rule.passed)} passed`),
          el("span", { class: rule.failed ? "failed" : "faint" }, rule.failed ? icon("cross") : null, `${number(rule.failed)} failed`),
          el("span", { class: "faint" }, percent(rule.failed / judged))] : el("span", { class: "faint" }, "Not evaluated in this update.")),
      judged ? shareBar(rule.passed, rule.failed) : null,
      shareLine(rule.series, `Share of records that fail ${rule.name} in each update`));
  });
}

function files({ files: { newest, states, total } }) {
  return [
    el("p", { class: "line" }, fileWords(states)),
    total > newest.length ? el("p", { class: "faint" }, `The newest ${number(newest.length)} of ${counted(total, "file")}.`) : null,
    table(["file", "state", "rows", "corrupt", "rescued", "size", `committed (${zone()})`], newest.map((file) => [
      el("span", { class: "mono", title: file.path }, baseName(file.path)),
      [el("span", { class: "file-state", "data-state": file.state }, file.state), file.error ? el("div", { class: "failed wrap" }, file.error) : null],
      numeric(file.rows), numeric(file.corrupt_rows), numeric(file.rescued_rows), el("span", { class: "num" }, bytes(file.size_bytes)),
      moment(file.committed_at)])),
  ];
}

function schema({ columns, schema_versions: versions }) {
  return [
    columns.length ? table(["column", "type", "comment"], columns.map((column) => [
      el("code", {}, column.name), el("span", { class: "mono faint" }, column.type, column.nullable ? "" : " not null"),
      el("span", { class: "faint wrap" }, column.comment ?? "")])) : el("p", { class: "faint" }, "No columns yet: no update has written to this table."),
    versions.length ? el("h3", {}, "Versions") : null,
    versions.map((version) => el("section", { class: "version" },
      el("p", { class: "line" }, el("strong", {}, `Version ${version.version}`), el("span", { class: "faint" }, ` · ${instant(version.at)}`)),
      el("ul", { class: "plain" },
        version.added.map((column) => el("li", { class: "added" }, "+ ", el("code", {}, column.name), column.type ? el("span", { class: "faint mono" }, ` ${column.type}`) : null,
          column.brought_by ? el("span", { class: "faint" }, " from ", el("span", { class: "mono", title: column.brought_by }, baseName(column.brought_by))) : null)),
        version.removed.map((column) => el("li", { class: "removed" }, "− ", el("code", {}, column)))))),
  ];
}

function rows({ columns, rows: sample, node }, drawer) {
  if (!sample.length) return el("p", { class: "faint" }, "No rows yet.");
  const names = columns.map((column) => column.name);
  return [
    el("p", { class: "faint" }, `The newest ${counted(sample.length, "row")} of ${number(node.rows_total)}.`, wholeTexts(sample, drawer)),
    table(names, sample.map((row) => names.map((name) => cell(row[name])))),
  ];
}

/** A button that asks for the texts that the answer has cut. */
function wholeTexts(sample, drawer) {
  if (drawer.whole || !/… of [\d,]+ characters"|"… of [\d,]+ values"|"of [\d,]+ keys"/.test(JSON.stringify(sample))) return null;
  return [" Long texts are cut. ", el("button", { type: "button", class: "link", onclick: () => drawer.showWhole() }, "Show them whole")];
}

function rejected({ rows: sample, reasons, node, columns }, drawer) {
  if (!sample.length) return el("p", { class: "faint" }, "No rows were rejected.");
  const own = new Set(["failed_expectations", "quarantined_at", "record_id", "source_file"]);
  return [
    reasons?.length ? reasonTable(reasons) : null,
    el("p", { class: "faint" }, `The newest ${counted(sample.length, "record")} of ${number(node.rows_total)}, as they were read.`, wholeTexts(sample, drawer)),
    sample.map((row) => el("section", { class: "record" },
      el("p", { class: "line" }, (row.failed_expectations ?? []).map((reason) => el("span", { class: "action", "data-action": "drop" }, reason))),
      el("p", { class: "faint" }, el("span", { class: "mono" }, row.record_id ?? ""), " · ", el("span", { class: "mono", title: row.source_file }, baseName(row.source_file ?? "")), ` · rejected ${instant(row.quarantined_at)}`),
      el("pre", { class: "raw" }, raw(row, columns.map((column) => column.name).filter((name) => !own.has(name)))))),
  ];
}

function raw(row, names) {
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, row[name]])), null, 2);
}

function history({ history: commits }, drawer) {
  return table(["version", `committed (${zone()})`, "update", "operation", "metrics"], commits.map((commit) => [
    numeric(commit.version), moment(commit.at),
    commit.update_id ? el("button", { type: "button", class: "link mono", onclick: () => drawer.onChooseUpdate(commit.update_id) }, commit.update_id.slice(0, 8)) : "",
    commit.operation ?? "", el("span", { class: "faint" }, Object.entries(commit.metrics).filter(([, count]) => Number(count)).map(([name, count]) => `${number(Number(count))} ${words(name)}`).join(" · "))]));
}

function words(name) {
  return name.replace(/^num_?/i, "").replace(/([A-Z])/g, " $1").replaceAll("_", " ").trim().toLowerCase();
}

function source({ source: code }) {
  return [
    el("p", { class: "mono faint wrap" }, `${code.file}:${code.line}`),
    el("pre", { class: "code" }, code.text.split("\n").map((text, at) => el("span", { class: "code-line" },
      el("span", { class: "code-number", "aria-hidden": "true" }, String(code.line + at).padStart(4)), text, "\n"))),
  ];
}

function cell(data) {
  if (data === null || data === undefined) return el("span", { class: "null" }, "NULL");
  if (typeof data === "number") return numeric(data, false);
  return el("span", { class: "value" }, value(data));
}

function numeric(amount, grouped = true) {
  return el("span", { class: "num" }, grouped ? number(amount) : String(amount));
}

function isNumeric(lines, at) {
  return lines.length > 0 && lines.every((line) => !(line[at] instanceof Element) || line[at].matches(".num, .null")) && lines.some((line) => line[at] instanceof Element && line[at].matches(".num"));
}

/** A table that scrolls when it is too wide. */
export function table(headings, lines) {
  return el("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" },
    el("table", {},
      el("thead", {}, el("tr", {}, headings.map((heading, at) => el("th", { scope: "col", class: isNumeric(lines, at) ? "num" : null }, heading)))),
      el("tbody", {}, lines.map((line) => el("tr", {}, line.map((content) => el("td", {}, content)))))));
}
