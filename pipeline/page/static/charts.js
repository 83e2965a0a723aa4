// Small SVG charts, each with its message in words.

import { el, replace, svg } from "./dom.js";
import { counted, duration, instant, moment, number, percent } from "./format.js";

const WIDTH = 320;
const HEIGHT = 56;

/** A line over past updates: the share of records that violate an expectation, oldest on the left. */
export function shareLine(points, label) {
  const shares = points.map((point) => (point.passed + point.failed ? point.failed / (point.passed + point.failed) : null));
  const judged = shares.filter((share) => share !== null);
  if (!judged.length) return el("p", { class: "faint" }, "No update has evaluated it yet.");
  const top = Math.max(...judged);
  if (top === 0) return el("p", { class: "faint small" }, `No failures in ${counted(judged.length, "update")}.`);
  const at = (index) => (points.length === 1 ? WIDTH / 2 : 4 + (index / (points.length - 1)) * (WIDTH - 8));
  const up = (share) => HEIGHT - 5 - (share / top) * (HEIGHT - 12);
  const spots = shares.map((share, index) => (share === null ? null : [at(index), up(share)])).filter(Boolean);
  const drawing = svg("svg", { class: "line-chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("path", { class: "base", d: `M0,${HEIGHT - 5} H${WIDTH}` }),
    svg("path", { class: "area", d: `M${spots[0][0]},${HEIGHT - 5} ${spots.map((spot) => `L${spot}`).join(" ")} L${spots.at(-1)[0]},${HEIGHT - 5} z` }),
    svg("path", { class: "line", d: `M${spots.map((spot) => spot.join(",")).join(" L")}` }),
    points.map((point, index) => shares[index] !== null && svg("path", { class: "spot", d: `M${at(index)},${up(shares[index])} h0.01` },
      svg("title", {}, `${instant(point.at)}: ${number(point.failed)} of ${number(point.passed + point.failed)} failed (${percent(shares[index])})`))));
  const words = `${percent(judged.at(-1))} failed in the latest update, at most ${percent(top)} in ${counted(judged.length, "update")}`;
  return el("figure", { class: "chart" }, drawing, el("figcaption", { class: "faint" }, words));
}

/** A bar that shows the failed share. */
export function shareBar(passed, failed) {
  const all = passed + failed;
  const share = all ? failed / all : 0;
  const bar = svg("svg", { class: "share-bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "passed", width: 100, height: 6 }),
    svg("rect", { class: "failed", width: failed ? Math.max(share * 100, 1.5) : 0, height: 6 }));
  return bar;
}

const MOST_BARS = 60;
const WIDEST_BAR = 28;

/** Bars for the latest updates, oldest on the left: how long each took, and how it ended. */
export function updateBars(updates, onChoose) {
  const shown = updates.slice(0, MOST_BARS).reverse();
  const longest = Math.max(...shown.map((update) => update.duration_seconds ?? 0), 0.1);
  const caption = el("figcaption", { class: "faint", "aria-live": "polite" });
  const rest = () => replace(caption, `How long the latest ${counted(shown.length, "update")} took. Point at a bar, or move to it with Tab.`);
  const bars = shown.map((update) => {
    const words = `${instant(update.created_at)}: ${update.state.toLowerCase()} after ${duration(update.duration_seconds)}, ${counted(update.rows_written, "row")} written`;
    const height = Math.max(4, ((update.duration_seconds ?? 0) / longest) * 100);
    const tell = () => replace(caption, words);
    return el("button", { type: "button", class: "update-bar", "aria-label": words, title: words, onclick: () => onChoose(update.update_id), onmouseenter: tell, onfocus: tell, onmouseleave: rest, onblur: rest },
      svg("svg", { viewBox: "0 0 10 100", preserveAspectRatio: "none", "aria-hidden": "true" },
        svg("rect", { x: 0, y: 100 - height, width: 10, height, class: "bar", "data-state": update.state })));
  });
  const states = [...new Set(shown.map((update) => update.state))];
  rest();
  const plot = el("div", { class: "plot" },
    el("div", { class: "axis-y", "aria-hidden": "true" }, el("span", {}, duration(longest)), el("span", {}, duration(longest / 2)), el("span", {}, "0 s")),
    el("div", { class: "update-bars" }, bars),
    el("div", { class: "axis-x", "aria-hidden": "true" }, el("span", {}, moment(shown[0].created_at)), shown.length > 1 ? el("span", {}, moment(shown.at(-1).created_at)) : null));
  // The axis ends where the bars end.
  plot.style.maxWidth = `${Math.max(shown.length * WIDEST_BAR + 60, 420)}px`;
  return el("figure", { class: "update-chart" },
    el("div", { class: "legend", "aria-hidden": "true" }, states.map((state) => el("span", {}, el("i", { class: "swatch", "data-state": state }), state.toLowerCase().replaceAll("_", " ")))),
    plot, caption);
}

/** A line of small bars: the rows that past updates have written, oldest on the left. */
export function sparkline(counts) {
  if (counts.length < 2) return null;
  const top = Math.max(...counts, 1);
  return svg("svg", { class: "sparkline", viewBox: `0 0 ${counts.length * 6} 20`, preserveAspectRatio: "xMaxYMid meet", "aria-hidden": "true" },
    svg("title", {}, `Rows written by the last ${counted(counts.length, "update")}: ${counts.map(number).join(", ")}`),
    counts.map((count, at) => svg("rect", { x: at * 6, y: 20 - Math.max(1, (count / top) * 20), width: 4, height: Math.max(1, (count / top) * 20), class: at === counts.length - 1 ? "now" : null })));
}
