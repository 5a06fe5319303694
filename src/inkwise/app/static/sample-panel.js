// The sample panel: drawing, properties, relabelling, deletion.

import { call } from "./api.js";
import { $, drawGlyph, drawStrokes, el, percent } from "./dom.js";
import { LabelRow, NOT_A_DIGIT } from "./labels.js";
import { attempt, toast } from "./notices.js";
import { session } from "./session.js";

const SIDE = 240; // px
const SOURCES = { canvas: "a drawing", trial: "an accuracy test", picture: "a picture" };

let sample = null;
let changed = () => {};
let undoChange = () => {};

const labelRow = new LabelRow($("sample-labels"), (label) => relabel(label), "sample-other-label");

/** Open the panel; `onchange(sample)` is called after each change. */
export function openSample(which, onchange) {
  sample = which;
  changed = onchange;
  show();
  $("sample-dialog").showModal();
}

function show() {
  $("sample-title").textContent = sample.label === null ? "Not labelled" : `Sample “${sample.label}”`;
  draw($("sample-drawing"));
  const facts = {
    "read as": sample.answer === null ? "–" : `${sample.answer}${sample.probability === null ? "" : `, ${percent(sample.probability)} sure`}`,
    writer: sample.writer,
    when: new Date(sample.time).toLocaleString(),
    from: SOURCES[sample.source] ?? sample.source,
    model: sample.model ?? "–",
  };
  $("sample-facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  const labels = [...new Set([...session.state.labels, NOT_A_DIGIT, sample.label].filter((label) => label !== null))];
  labelRow.show(labels, null, sample.label);
}

/** Draw the strokes, or the glyph if there are none. */
function draw(canvas) {
  const strokes = sample.strokes ?? [];
  canvas.classList.toggle("glyph", !strokes.length);
  if (!strokes.length) return drawGlyph(canvas, sample.glyph);
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.height = SIDE * ratio;
  const xs = strokes.flatMap((stroke) => stroke.map(([x]) => x));
  const ys = strokes.flatMap((stroke) => stroke.map(([, y]) => y));
  const [left, right] = range(xs);
  const [top, bottom] = range(ys);
  const scale = (0.8 * SIDE * ratio) / Math.max(right - left, bottom - top, 1);
  const fitted = strokes.map((stroke) => stroke.map(([x, y]) => [
    (x - (left + right) / 2) * scale + canvas.width / 2,
    (y - (top + bottom) / 2) * scale + canvas.height / 2,
  ]));
  const context = canvas.getContext("2d");
  context.strokeStyle = getComputedStyle(canvas).color;
  drawStrokes(context, fitted, 9 * ratio);
  return undefined;
}

// Math.min(...values) fails for very many values.
const range = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

const path = () => `/api/samples/${encodeURIComponent(sample.id)}`;

const relabel = (label) => change("PATCH", { label }, `relabelled as ${label}`);

async function change(method, body, text) {
  const { writer, id } = sample;
  const done = await attempt(() => call(method, path(), body));
  $("sample-dialog").close();
  if (done === undefined) return;
  changed(sample);
  toast(text, "Undo", () => undoChange(writer, [id]));
}

/** `onundo(writer, ids)` undoes a change. */
export function startSamplePanel(onundo) {
  undoChange = onundo;
  $("sample-close").addEventListener("click", () => $("sample-dialog").close());
  $("sample-delete").addEventListener("click", () => change("DELETE", undefined, "deleted"));
  $("sample-dialog").addEventListener("click", (event) => event.target === $("sample-dialog") && $("sample-dialog").close());
}
