// The Progress tab: accuracy curve, confusion matrix, accuracy per writer.

import { get } from "./api.js";
import { confusionTable, curveChart, rateBar } from "./charts.js";
import { $, accuracyText, el } from "./dom.js";
import { attempt } from "./notices.js";
import { session } from "./session.js";

let progress = null;

export async function showProgress() {
  const { writer } = session;
  const answer = await attempt(() => get("/api/progress", { writer }));
  if (!answer || writer !== session.writer) return;
  progress = answer;
  show();
}

function show() {
  const { curve, confusion, writers } = progress;
  $("curve-note").textContent = note(curve.length);
  $("curve").replaceChildren(...(curve.length ? [curveChart(curve, $("curve").clientWidth)] : []));
  $("confusion").replaceChildren(confusion.labels.length
    ? confusionTable(confusion)
    : el("p", { class: "quiet" }, "Rows are true labels, columns are readings."));
  $("writers").replaceChildren(writers.length ? writersTable(writers) : el("p", { class: "quiet" }, "no answers yet"));
}

function note(n) {
  if (!n) return "No answers yet. The curve begins with your first answer on the Draw tab.";
  if (n < 20) return `Only ${n} ${n === 1 ? "answer" : "answers"} so far: the shaded range, which holds the true accuracy with a certainty of 95 %, is still wide.`;
  return "Shaded: the range that holds the true accuracy with a certainty of 95 %.";
}

function writersTable(writers) {
  const rows = writers.map(({ writer, accuracy }) => el("tr", { class: writer === session.writer ? "current" : null },
    el("th", { scope: "row" }, writer), el("td", { class: "wide" }, rateBar(accuracy)), el("td", {}, accuracyText(accuracy))));
  return el("table", { class: "table writers" }, el("tbody", {}, ...rows));
}

let width = 0;
new ResizeObserver(() => {
  const now = $("curve").clientWidth;
  if (now === width) return;
  width = now;
  if (now && progress) show();
}).observe($("curve"));
