// Charts: the accuracy curve, the confusion matrix, a rate with its interval.

import { accuracyText, el, percent, svg } from "./dom.js";
import { short } from "./labels.js";

const HEIGHT = 280;
const MARGIN = { left: 52, right: 12, top: 12, bottom: 40 };
const WINDOW = 20; // answers in the moving average

/** Cumulative accuracy with its interval, and accuracy of the last 20 answers; `curve` has true and false in time order. */
export function curveChart(curve, width) {
  const all = [];
  const recent = [];
  let right = 0;
  curve.forEach((hit, i) => {
    right += hit;
    all.push({ n: i + 1, share: right / (i + 1), ...wilson(right, i + 1) });
    if (i + 1 >= WINDOW) recent.push({ n: i + 1, share: curve.slice(i + 1 - WINDOW, i + 1).filter(Boolean).length / WINDOW });
  });
  const n = curve.length;
  // The first few answers vary between 0 and 100 %, so they do not set the scale of a long curve.
  const settled = all.filter((point) => point.n >= Math.min(WINDOW, n));
  const least = Math.min(...settled.map((point) => point.low), ...recent.map((point) => point.share));
  const floor = least > 0.82 ? 0.8 : least > 0.52 ? 0.5 : 0;
  const x = (value) => MARGIN.left + (n === 1 ? 0.5 : (value - 1) / (n - 1)) * (width - MARGIN.left - MARGIN.right);
  const y = (share) => MARGIN.top + (1 - (Math.max(share, floor) - floor) / (1 - floor)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const line = (points, key) => points.map((point) => `${x(point.n).toFixed(1)},${y(point[key]).toFixed(1)}`);

  const chart = svg("svg", { class: "curve", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `accuracy after ${n} answers: ${percent(all.at(-1).share)}` });
  for (let i = 0; i <= 5; i++) {
    const share = floor + ((1 - floor) * i) / 5;
    chart.append(svg("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(share), y2: y(share) }));
    chart.append(svg("text", { x: MARGIN.left - 8, y: y(share) + 4, "text-anchor": "end" }, `${Math.round(100 * share)} %`));
  }
  for (const value of ticks(n, width)) chart.append(svg("text", { x: x(value), y: HEIGHT - 18, "text-anchor": "middle" }, `${value}`));
  chart.append(svg("text", { x: width - MARGIN.right, y: HEIGHT - 2, "text-anchor": "end" }, "answers"));
  if (n > 1) {
    chart.append(svg("polygon", { class: "band", points: [...line(all, "low"), ...line(all, "high").reverse()].join(" ") }));
    chart.append(svg("polyline", { class: "recent", points: line(recent, "share").join(" ") }));
    chart.append(svg("polyline", { class: "all", points: line(all, "share").join(" ") }));
  } else {
    chart.append(svg("line", { class: "whisker", x1: x(1), x2: x(1), y1: y(all[0].low), y2: y(all[0].high) }));
  }
  chart.append(svg("circle", { class: "end", cx: x(n), cy: y(all.at(-1).share), r: 4 }));
  const legend = [el("span", { class: "key all" }, "all answers")];
  if (recent.length) legend.push(el("span", { class: "key recent" }, `last ${WINDOW}`));
  return el("figure", {}, chart, el("figcaption", { class: "legend" }, ...legend));
}

/** 1, the last number, and as many round numbers between them as fit. */
function ticks(n, width) {
  const most = Math.max(2, Math.floor(width / 90));
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((each) => n / each <= most) ?? Math.ceil(n / most);
  const values = [1];
  for (let value = step; value < n - step / 2; value += step) if (value > 1 && value >= 1 + step / 2) values.push(value);
  return n > 1 ? [...values, n] : values;
}

/** 95 % Wilson interval of a share, as the server computes it. */
function wilson(right, n) {
  const z = 1.959964;
  const centre = (right + (z * z) / 2) / (n + z * z);
  const half = (z / (n + z * z)) * Math.sqrt((right * (n - right)) / n + (z * z) / 4);
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Confusion matrix: rows are true labels, columns are readings; shading is the share of the row. */
export function confusionTable({ labels, counts }) {
  const head = el("tr", {}, el("th", { class: "corner" }, "true ↓ read →"), ...labels.map((label) => el("th", { scope: "col", title: label }, short(label))));
  const rows = counts.map((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, j) => el("td", {
      class: count ? (i === j ? "hit" : "miss") : null,
      title: count ? `${labels[i]} read as ${labels[j]}: ${count}` : null,
      "--share": total ? count / total : 0,
    }, count ? String(count) : ""));
    return el("tr", {}, el("th", { scope: "row", title: labels[i] }, labels[i]), ...cells);
  });
  return el("table", { class: "confusion" }, el("thead", {}, head), el("tbody", {}, ...rows));
}

/** A bar for the share, with its interval. */
export function rateBar(accuracy) {
  const { n, right, low, high } = accuracy;
  const bar = el("div", { class: "rate", role: "img", "aria-label": accuracyText(accuracy) });
  if (n) bar.append(el("i", { "--share": right / n }), el("b", { "--low": low, "--high": high }));
  return bar;
}
