// The Samples tab: browse, filter, relabel, delete, export, import.

import { undo } from "./answers.js";
import { call, get, query } from "./api.js";
import { $, drawGlyph, el } from "./dom.js";
import { NOT_A_DIGIT, short } from "./labels.js";
import { attempt, confirmed, showError, toast } from "./notices.js";
import { openSample, startSamplePanel } from "./sample-panel.js";
import { onSession, refresh, session } from "./session.js";

const PAGE = 60;
const MOST = 1000; // maximum number of samples per request
const UNSURE = 0.9;

let samples = [];
let passed = 0; // rows on the server up to the last sample shown, damaged ones included
let total = 0;
let asked = 0; // drops outdated responses
let changedOf = null; // writer of the sample that was changed last

function filters() {
  return {
    writer: $("filter-writer").value === "own" ? session.writer : "",
    label: $("filter-label").value,
    wrong: $("filter-wrong").checked ? 1 : null,
    unsure: $("filter-unsure").checked ? UNSURE : null,
  };
}

/** Show at least `count` of the newest samples that pass the filters. */
export function showSamples(count = PAGE) {
  return load(0, Math.max(count, PAGE));
}

async function load(offset, count) {
  const number = ++asked;
  const chosen = filters();
  const found = [];
  let end = offset;
  const page = await attempt(async () => {
    for (;;) {
      const part = await get("/api/samples", { ...chosen, limit: Math.min(count - found.length, MOST), offset: end });
      found.push(...part.samples);
      const rows = part.samples.length + part.damaged;
      end += rows;
      if (!rows || found.length >= count || number !== asked) return part;
    }
  });
  if (!page || number !== asked) return;
  samples = offset ? [...samples, ...found] : found;
  passed = end;
  total = page.total;
  showLabels(page.labels);
  $("export").hidden = !Object.keys(page.labels).length;
  $("export").href = `/api/export${query({ writer: filters().writer })}`;
  $("gallery").replaceChildren(...samples.map(tile));
  $("more").hidden = passed >= total;
  $("erase-all").hidden = !session.state?.stored && !total;
  $("more").textContent = `Show more (${total - passed})`;
  const damaged = passed - samples.length;
  const without = damaged ? `; ${damaged} damaged ${damaged === 1 ? "one is" : "ones are"} neither shown nor exported: inkwise corrections check` : "";
  $("samples-count").textContent = total ? `${total} ${total === 1 ? "sample" : "samples"}, newest first${without}` : nothing();
}

function nothing() {
  const { label, wrong, unsure } = filters();
  return label || wrong || unsure ? "No sample passes these filters." : "No samples yet. Each answer on the Draw tab is kept here.";
}

/** Show the number of samples of each label, and offer the labels as a filter. */
function showLabels(counts) {
  const labels = Object.entries(counts);
  $("samples-labels").textContent = labels.map(([label, number]) => `${label} × ${number}`).join(", ");
  $("samples-key").hidden = !labels.length;
  const select = $("filter-label");
  const { value } = select;
  const names = value && !counts[value] ? [value, ...Object.keys(counts)] : Object.keys(counts);
  select.replaceChildren(el("option", { value: "" }, "all"), ...names.map((label) => el("option", { value: label }, label)));
  select.value = value;
}

function tile(sample) {
  const canvas = el("canvas", { class: "glyph", "aria-hidden": "true" });
  drawGlyph(canvas, sample.glyph);
  const refused = sample.label === NOT_A_DIGIT; // leaves no room for the probability
  const wrong = sample.answer !== null && sample.label !== null && sample.answer !== sample.label;
  const whose = filters().writer ? null : sample.writer;
  const described = `${sample.label ?? "not labelled"}${wrong ? `, read as ${sample.answer}` : ""}${whose ? `, by ${whose}` : ""}`;
  return el("button", { class: "tile", "data-id": sample.id, "aria-label": described, onclick: () => openSample(sample, changed) },
    canvas,
    el("span", { class: "caption" },
      el("b", { class: refused ? "refusal" : null }, sample.label ?? "?"),
      wrong ? el("span", { class: "wrong" }, short(sample.answer)) : null,
      el("span", { class: "grow" }),
      sample.probability === null || refused ? null : el("small", {}, `${Math.round(100 * sample.probability)} %`)),
    whose && el("small", { class: "whose", title: whose }, whose));
}

/** Reload as many samples as are shown. */
function reload() {
  refresh();
  return showSamples(samples.length);
}

function changed({ writer }) {
  changedOf = writer;
  reload();
}

/** Undo changes of a writer's samples; without `ids` the last change. */
async function undoChange(writer, ids) {
  const back = await undo(writer, ids);
  if (!back) return;
  await reload();
  toast(back.message);
}

async function importFile(file) {
  if (file.name.toLowerCase().endsWith(".csv")) return showError("pack images.csv and labels.csv into one zip file, and import that file");
  $("import-text").textContent = "Importing …";
  $("import").disabled = true;
  const done = await attempt(() => call("POST", `/api/import${query({ writer: session.writer })}`, new Blob([file])));
  $("import").disabled = false;
  $("import-text").textContent = "Import";
  if (!done) return undefined;
  await reload();
  return toast(done.added ? `${done.added} ${done.added === 1 ? "sample" : "samples"} imported` : "nothing new in this file");
}

/** Delete for good all that is stored of the writer. */
async function erase() {
  const { writer } = session;
  if (!(await confirmed(`Delete all samples of ${writer} for good, and the models that were fine-tuned on them? This cannot be undone. Files that were exported stay.`, "Delete all"))) return;
  const done = await attempt(() => call("DELETE", `/api/samples${query({ writer })}`));
  if (!done) return;
  await reload();
  toast(`${done.erased} ${done.erased === 1 ? "sample" : "samples"} of ${writer} deleted for good`);
}

export function startSamples() {
  for (const id of ["filter-label", "filter-writer", "filter-wrong", "filter-unsure"]) $(id).addEventListener("change", () => showSamples());
  $("more").addEventListener("click", () => load(passed, PAGE));
  // If all writers are shown, the last change may concern another writer.
  $("samples-undo").addEventListener("click", () => undoChange((filters().writer === "" && changedOf) || session.writer));
  $("import").addEventListener("change", async () => {
    const [file] = $("import").files;
    if (file) await importFile(file);
    $("import").value = "";
  });
  $("erase-all").addEventListener("click", erase);
  startSamplePanel(undoChange);
  let writer = session.writer;
  onSession((now) => {
    if (now.writer !== writer) changedOf = null;
    writer = now.writer;
  });
}
