// The panel "Why?" of the Draw tab: what decided about the selected digit. It is asked for after the reading is shown.

import { post } from "./api.js";
import { $, color, drawGlyph, el } from "./dom.js";
import { drawFeatureMaps } from "./feature-maps.js";
import { NOT_A_DIGIT, short } from "./labels.js";
import { Reader } from "./reader.js";
import { session } from "./session.js";

const KEY = "inkwise.why"; // whether the panel is open
const PIXELS = 784;
const BLANK = btoa("\0".repeat(PIXELS)); // a glyph without ink, whose maps have the sizes of all others
const BARS = 4; // probabilities that are shown
const SIMILAR = 8; // glyphs in a row
const NEUTRAL = [140, 140, 146]; // color of ink without effect, grey in both schemes
const REST = 250; // minimum ms between requests, so that readings seldom wait for one
const FULL = 50; // percent of the lead at which ink has its full colour
const FAINT = 10; // percent of the lead below which no ink is visibly blue

let digit = null; // the selected digit, null without a drawing
let asked; // what the newest request is about: a digit, or the model if there is none
let shown = null; // newest explanation, with its digit
let timer = 0;

const panel = $("why");

const reader = new Reader(
  async () => {
    const of = digit;
    const body = { writer: session.writer, letters: session.letters, glyph: of?.glyph ?? BLANK, answer: of?.answer ?? null };
    return { ...(await post("/api/explain", body)), digit: of };
  },
  (explanation) => {
    if (explanation.digit !== digit) return; // the drawing has changed
    shown = explanation;
    show();
  },
  (error) => ($("why-note").textContent = error.message),
);

/** Explain the selected digit of the reading, null if there is none; only if the panel is open. */
export function explain(now = null) {
  digit = now;
  const of = digit ?? session.state.model;
  if (!panel.open || of === asked || timer) return;
  const rest = reader.sent + REST - performance.now();
  if (reader.sent && rest > 0) {
    timer = setTimeout(() => {
      timer = 0;
      explain(digit);
    }, rest);
    return;
  }
  asked = of;
  reader.changed();
}

function show() {
  if (!shown) return;
  showInk();
  showProbabilities();
  showSimilar();
  showMaps();
}

function showInk() {
  const { answer, runner_up: other, influence } = shown;
  const [blue, red] = ["--accent", "--bad"].map(color);
  const image = new ImageData(28, 28);
  const ink = atob(shown.digit?.glyph ?? BLANK);
  for (let i = 0; i < PIXELS; i++) {
    const strength = Math.max(-1, Math.min(1, influence[i] / FULL));
    const toward = strength < 0 ? red : blue;
    const mixed = NEUTRAL.map((value, part) => value + Math.abs(strength) * (toward[part] - value));
    image.data.set([...mixed, ink.charCodeAt(i)], 4 * i);
  }
  $("why-ink").getContext("2d").putImageData(image, 0, 0);
  const faint = Math.max(...influence) < FAINT ? "No part of the ink decides alone. " : "";
  $("why-note").textContent = shown.digit
    ? `${faint}Blue ink speaks for “${answer}”, red ink for “${other}”, the second answer; grey ink has no effect. Full colour: without this ink, half of the lead over “${other}” would be lost.`
    : "Draw something to see which part of it decides.";
}

function showProbabilities() {
  const ranked = shown.digit?.alternatives ?? [];
  const rows = ranked.slice(0, BARS);
  const refusal = ranked.find(([label]) => label === NOT_A_DIGIT);
  if (refusal && !rows.includes(refusal)) rows[BARS - 1] = refusal;
  while (rows.length < BARS) rows.push(["\u00a0", 0]);
  $("why-bars").replaceChildren(...rows.flatMap(([label, probability], i) => [
    el("span", { class: shown.digit && i === 0 ? "best" : null }, label),
    el("span", { class: "bar", "--share": String(probability) }),
    el("span", { class: "share" }, shown.digit ? `${(100 * probability).toFixed(1)} %` : ""),
  ]));
}

function showSimilar() {
  const found = shown.similar;
  $("why-similar").replaceChildren(...Array.from({ length: SIMILAR }, (_, i) => {
    const canvas = el("canvas", { class: "glyph", width: 28, height: 28, "aria-hidden": "true" });
    if (!found[i]) return el("figure", {}, canvas, el("figcaption", {}, "\u00a0", el("br"), "\u00a0"));
    const { label, glyph, own, similarity } = found[i];
    drawGlyph(canvas, glyph);
    return el("figure", {}, canvas, el("figcaption", {}, el("b", { class: label === shown.answer ? "same" : null }, short(label)), ` ${similarity.toFixed(2)}`, el("br"), own ? "yours" : "plain"));
  }));
}

function showMaps() {
  const { maps } = shown;
  const box = $("why-maps");
  const sizes = maps.map(({ shape }) => shape.join()).join(" ");
  if (box.dataset.sizes !== sizes) {
    box.dataset.sizes = sizes;
    box.replaceChildren(...maps.map(({ shape: [channels, height, width] }, i) => {
      const name = `layer ${i + 1}: ${channels} maps of ${height} × ${width}`;
      return el("figure", {}, el("canvas", { role: "img", "aria-label": `feature maps of ${name}` }), el("figcaption", {}, name));
    }));
    if (!maps.length) box.replaceChildren(el("p", { class: "quiet" }, "This model has none that can be shown."));
  }
  box.querySelectorAll("canvas").forEach((canvas, i) => {
    const { shape, data } = maps[i];
    const bytes = shown.digit ? Uint8Array.from(atob(data), (character) => character.charCodeAt(0)) : new Uint8Array(data.length);
    drawFeatureMaps(canvas, { shape: [1, ...shape], data: bytes }, color("--accent"));
  });
}

export function startWhy() {
  panel.open = localStorage.getItem(KEY) === "true";
  panel.addEventListener("toggle", () => {
    localStorage.setItem(KEY, panel.open);
    asked = undefined; // the drawing may have changed while the panel was closed
    explain(digit);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show());
}
