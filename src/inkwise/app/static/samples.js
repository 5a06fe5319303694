// The Samples tab: all that was drawn, to look through and put right.

import { call, get, post, query } from "./api.js";
import { $, drawGlyph, el } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { openSample, startSamplePanel } from "./sample-panel.js";
import { refresh, session, tookAccuracy } from "./session.js";

const PAGE = 60;
const UNSURE = 0.9;

let samples = [];
let total = 0;
let asked = 0; // an answer to an older question is not shown

function filters() {
  return {
    writer: $("filter-writer").value === "own" ? session.writer : "",
    label: $("filter-label").value,
    wrong: $("filter-wrong").checked ? 1 : null,
    unsure: $("filter-unsure").checked ? UNSURE : null,
  };
}

/** Show the newest samples that pass the filters; `count` of them at least. */
export function showSamples(count = PAGE) {
  return load(0, Math.max(count, PAGE));
}

async function load(offset, limit) {
  const number = ++asked;
  const page = await attempt(() => get("/api/samples", { ...filters(), limit, offset }));
  if (!page || number !== asked) return;
  samples = offset ? [...samples, ...page.samples] : page.samples;
  total = page.total;
  showLabels(page.labels);
  $("export").hidden = !page.labels.length;
  $("export").href = `/api/export${query({ writer: filters().writer })}`;
  $("gallery").replaceChildren(...samples.map(tile));
  $("more").hidden = samples.length >= total;
  $("more").textContent = `More (${total - samples.length})`;
  $("samples-count").textContent = total ? `${total} ${total === 1 ? "sample" : "samples"}, the newest first` : nothing();
}

function nothing() {
  const { label, wrong, unsure } = filters();
  return label || wrong || unsure ? "Nothing here passes these filters." : "Nothing yet. Each drawing you answer on the Draw tab is kept here.";
}

function showLabels(labels) {
  const select = $("filter-label");
  const { value } = select;
  const names = value && !labels.includes(value) ? [value, ...labels] : labels;
  select.replaceChildren(el("option", { value: "" }, "all"), ...names.map((label) => el("option", { value: label }, label)));
  select.value = value;
}

function tile(sample) {
  const canvas = el("canvas", { class: "glyph", "aria-hidden": "true" });
  drawGlyph(canvas, sample.glyph);
  const wrong = sample.answer !== null && sample.label !== null && sample.answer !== sample.label;
  const described = `${sample.label ?? "not labelled"}${wrong ? `, read as ${sample.answer}` : ""}`;
  return el("button", { class: "tile", "data-id": sample.id, "aria-label": described, onclick: () => openSample(sample, reload) },
    canvas,
    el("span", { class: "caption" },
      el("b", {}, sample.label ?? "?"),
      wrong ? el("span", { class: "wrong" }, sample.answer) : null,
      el("span", { class: "grow" }),
      sample.probability === null ? null : el("small", {}, `${Math.round(100 * sample.probability)} %`)));
}

/** After a change: as much as was shown, anew. */
function reload() {
  refresh();
  return showSamples(samples.length);
}

async function undo() {
  const back = await attempt(() => post("/api/undo", { writer: session.writer }));
  if (!back) return;
  tookAccuracy(back.accuracy);
  await reload();
  if (!back.sample) toast("nothing left to undo");
  else toast(back.sample.deleted ? `took back the ${back.sample.label}` : `undone: it is a ${back.sample.label} again`);
}

async function importFile(file) {
  const done = await attempt(() => call("POST", `/api/import${query({ writer: session.writer })}`, new Blob([file])));
  if (!done) return;
  await reload();
  toast(done.added ? `${done.added} ${done.added === 1 ? "sample" : "samples"} imported` : "nothing new in this file");
}

export function startSamples() {
  for (const id of ["filter-label", "filter-writer", "filter-wrong", "filter-unsure"]) $(id).addEventListener("change", () => showSamples());
  $("more").addEventListener("click", () => load(samples.length, PAGE));
  $("samples-undo").addEventListener("click", undo);
  $("import").addEventListener("change", async () => {
    const [file] = $("import").files;
    if (file) await importFile(file);
    $("import").value = "";
  });
  startSamplePanel(undo);
}
