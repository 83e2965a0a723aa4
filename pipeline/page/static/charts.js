// Small charts, drawn as SVG; what they show stands beside them in words too.

import { el, svg } from "./dom.js";
import { moment, number, percent } from "./format.js";

const WIDTH = 320;
const HEIGHT = 56;

/** A line over past updates: the share of records that violate an expectation, oldest at the left. */
export function shareLine(points, label) {
  const shares = points.map((point) => (point.passed + point.failed ? point.failed / (point.passed + point.failed) : null));
  const judged = shares.filter((share) => share !== null);
  if (!judged.length) return el("p", { class: "faint" }, "No update has judged any record by it yet.");
  const top = Math.max(...judged);
  if (top === 0) return el("p", { class: "faint small" }, `None failed in any of ${judged.length} update${judged.length === 1 ? "" : "s"}.`);
  const at = (index) => (points.length === 1 ? WIDTH / 2 : 4 + (index / (points.length - 1)) * (WIDTH - 8));
  const up = (share) => HEIGHT - 5 - (share / top) * (HEIGHT - 12);
  const spots = shares.map((share, index) => (share === null ? null : [at(index), up(share)])).filter(Boolean);
  const drawing = svg("svg", { class: "line-chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("path", { class: "base", d: `M0,${HEIGHT - 5} H${WIDTH}` }),
    svg("path", { class: "area", d: `M${spots[0][0]},${HEIGHT - 5} ${spots.map((spot) => `L${spot}`).join(" ")} L${spots.at(-1)[0]},${HEIGHT - 5} z` }),
    svg("path", { class: "line", d: `M${spots.map((spot) => spot.join(",")).join(" L")}` }),
    points.map((point, index) => shares[index] !== null && svg("path", { class: "spot", d: `M${at(index)},${up(shares[index])} h0.01` },
      svg("title", {}, `${moment(point.at)} UTC: ${number(point.failed)} of ${number(point.passed + point.failed)} failed (${percent(shares[index])})`))));
  const words = `${percent(judged.at(-1))} failed last, ${percent(Math.max(...judged))} at most, over ${judged.length} update${judged.length === 1 ? "" : "s"}`;
  return el("figure", { class: "chart" }, drawing, el("figcaption", { class: "faint" }, words));
}

/** A bar that shows how much of a whole failed. */
export function shareBar(passed, failed) {
  const all = passed + failed;
  const share = all ? failed / all : 0;
  const bar = svg("svg", { class: "share-bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "passed", width: 100, height: 6 }),
    svg("rect", { class: "failed", width: failed ? Math.max(share * 100, 1.5) : 0, height: 6 }));
  return bar;
}

/** Bars of the latest updates: how long each took, and how it ended. */
export function updateBars(updates, onChoose) {
  const shown = updates.slice(0, 60).reverse();
  const longest = Math.max(...shown.map((update) => update.duration_seconds ?? 0), 1);
  return el("div", { class: "update-bars", role: "img", "aria-label": "Duration of the latest updates, oldest at the left" },
    shown.map((update) => {
      const height = Math.max(8, ((update.duration_seconds ?? 0) / longest) * 100);
      const bar = svg("svg", { viewBox: "0 0 10 100", preserveAspectRatio: "none" },
        svg("title", {}, `${moment(update.created_at)} UTC, ${update.state}, ${(update.duration_seconds ?? 0).toFixed(1)} s`),
        svg("rect", { x: 0, y: 100 - height, width: 10, height, class: "bar", "data-state": update.state }));
      bar.addEventListener("click", () => onChoose(update.update_id));
      return bar;
    }));
}
