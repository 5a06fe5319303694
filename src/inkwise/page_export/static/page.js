// The exported page: what <inkwise-pad> read, the probabilities and the feature maps of one digit.

import { $, color, el, percent } from "./dom.js";
import { drawFeatureMaps } from "./feature-maps.js";
import { CONSTANTS, MODEL } from "./model.js";
import { classify } from "./network.js";

const { notADigit, glyphSide } = CONSTANTS;
const SHOWN = 10; // labels with a bar, the likeliest ones
const SURE = 0.9995; // confidence that is shown as 100 %

let reading = { digits: [] };
let chosen = null; // index of the digit whose details are shown; null is the last one
const layers = []; // canvas and caption of the feature maps of each layer

function show() {
  const { digits } = reading;
  const shown = chosen !== null && chosen < digits.length ? chosen : digits.length - 1;
  const digit = digits[shown];
  const refused = digits.length === 1 && digit.doubt === notADigit;
  $("result").classList.toggle("empty", !digit);
  $("reading").classList.toggle("words", refused);
  $("reading").replaceChildren(...(refused ? [notADigit] : digits.map((one) => el("span", { class: one.accepted ? "sure" : "unsure" }, one.accepted ? one.label : "?"))));
  $("reason").textContent = explanation(refused);
  const focused = [...$("chips").children].indexOf(document.activeElement);
  $("chips").hidden = digits.length < 2;
  $("chips").replaceChildren(...digits.map((one, i) =>
    el("button", { class: `chip ${one.accepted ? "sure" : "unsure"}`, "aria-pressed": String(i === shown), "aria-label": `digit ${i + 1}: ${one.doubt ?? one.label}`, onclick: () => choose(i) }, one.label)));
  $("chips").children[focused]?.focus();
  showGlyph(digit?.glyph);
  showProbabilities(digit);
  showMaps(digit?.glyph);
}

function choose(i) {
  chosen = i;
  show();
}

function explanation(refused) {
  if (!reading.digits.length) return "Your drawing is read while you draw.";
  if (reading.accepted) return `${(100 * reading.confidence).toFixed(reading.confidence > SURE ? 0 : 1)} % sure`;
  return refused && MODEL.rejects ? `${percent(1 - sumOf(reading.digits[0]))} sure` : reading.reason;
}

const sumOf = (digit) => Math.min(1, digit.alternatives.reduce((sum, [, probability]) => sum + probability, 0));

function showGlyph(glyph) {
  const image = new ImageData(glyphSide, glyphSide);
  glyph?.forEach((value, i) => (image.data[4 * i + 3] = value)); // black ink of this opacity
  $("glyph").getContext("2d").putImageData(image, 0, 0);
}

function showProbabilities(digit) {
  const known = MODEL.labels.slice(0, SHOWN).map((label) => [label, 0]);
  const likeliest = (digit?.alternatives ?? known).slice(0, SHOWN);
  const rows = likeliest.sort((a, b) => MODEL.labels.indexOf(a[0]) - MODEL.labels.indexOf(b[0]));
  if (MODEL.rejects) rows.push([notADigit, digit ? 1 - sumOf(digit) : 0]);
  const most = Math.max(...rows.map(([, probability]) => probability));
  $("probabilities").replaceChildren(...rows.flatMap(([label, probability]) => [
    el("span", { class: digit && probability === most ? "best" : null }, label),
    el("span", { class: "bar", "--share": String(probability) }),
    el("span", { class: "share" }, digit ? `${(100 * probability).toFixed(1)} %` : ""),
  ]));
}

function showMaps(glyph) {
  const { maps } = classify(glyph ?? new Uint8Array(glyphSide * glyphSide));
  maps.forEach((layer, i) => {
    const [, channels, height, width] = layer.shape;
    if (!layers[i]) {
      const name = `layer ${i + 1}: ${channels} maps of ${height} × ${width}`;
      layers[i] = el("canvas", { role: "img", "aria-label": `feature maps of ${name}` });
      $("maps").append(el("figure", {}, layers[i], el("figcaption", {}, name)));
    }
    drawFeatureMaps(layers[i], glyph ? layer : { ...layer, data: new Float32Array(layer.data.length) }, color("--accent"));
  });
}

$("pad").addEventListener("reading", ({ detail }) => {
  if (detail.digits.length !== reading.digits.length) chosen = null;
  reading = detail;
  show();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
$("model").textContent = `Model: ${MODEL.name}`;
show();
