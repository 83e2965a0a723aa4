// The formats of numbers, times and durations.

const NUMBERS = new Intl.NumberFormat("en-US");

/** 12345 → "12,345"; null → "–". */
export function number(value) {
  return value === null || value === undefined ? "–" : NUMBERS.format(value);
}

const LARGE = 1e6;
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** A number for a narrow place: 132037884 → "132M". */
export function short(value) {
  return value >= LARGE ? SHORT.format(value) : number(value);
}

/** A count with its noun: "1 row", "2 rows". */
export function counted(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

const ZONE_KEY = "zone";
const LOCAL_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "local";

/** The zone of the times that the page shows: UTC, or the browser's own if the reader has chosen that. */
export function zone() {
  return localStorage.getItem(ZONE_KEY) === "local" ? LOCAL_ZONE : "UTC";
}

/** Show times in the other zone from now on. */
export function switchZone() {
  localStorage.setItem(ZONE_KEY, localStorage.getItem(ZONE_KEY) === "local" ? "UTC" : "local");
}

/** A time in the chosen zone: "2026-03-01 12:00:05". */
export function moment(text) {
  if (!text) return "–";
  const at = new Date(text);
  const shift = zone() === "UTC" ? 0 : at.getTimezoneOffset() * 60000;
  return new Date(at.getTime() - shift).toISOString().replace("T", " ").slice(0, 19);
}

/** A time with its zone: "2026-03-01 12:00:05 UTC". */
export function instant(text) {
  return text ? `${moment(text)} ${zone()}` : "–";
}

/** "3 min ago", for a time in the past. */
export function ago(text) {
  if (!text) return "";
  const seconds = Math.max(0, (Date.now() - new Date(text).getTime()) / 1000);
  if (seconds < 60) return "just now";
  for (const [length, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`;
  }
  return "";
}

/** A duration: "0.4 s", "12 s", "3 min 5 s". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes in a suitable unit. */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  let amount = value;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (amount < 1024 || unit === "GiB") return `${unit === "B" ? amount : amount.toFixed(1)} ${unit}`;
    amount /= 1024;
  }
  return "";
}

/** A share in percent, with a decimal close to 0 and 100. */
export function percent(share) {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value} %`;
  return `${value < 10 || value > 99 ? value.toFixed(1) : Math.round(value)} %`;
}

/** A dataset's kind in words. */
export function kind(node) {
  if (node.type === "files") return "Files";
  if (node.quarantine_of) return "Quarantine";
  if (node.type === "group") return "Group";
  const text = String(node.type).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A row's value as text: text as it is, NULL, or JSON. */
export function value(data) {
  if (data === null || data === undefined) return "NULL";
  return typeof data === "string" ? data : JSON.stringify(data);
}

/** The last part of a path. */
export function baseName(path) {
  return String(path).split("/").pop();
}
