// The forms: choose one that was drawn before, or begin a new one with a scan of the empty form.

import { call, get, query } from "./api.js";
import { $, count, el } from "./dom.js";
import { acceptFiles, checkSize } from "./dropped-files.js";
import { attempt, confirmed } from "./notices.js";
import { showSteps } from "./steps.js";

let largest = Infinity; // bytes of a scan

async function load() {
  const answer = await attempt(() => get("/api/forms"));
  if (!answer) return;
  largest = answer.upload_bytes;
  const { forms } = answer;
  $("known").hidden = !forms.length;
  $("drop").classList.toggle("small", forms.length > 0);
  $("next").textContent = forms.length ? "Next: open a form that you have drawn, or begin a new one." : "Begin with a scan of the empty form. Its fields are drawn once; then every batch of filled forms becomes a table.";
  $("forms").replaceChildren(...forms.map(item));
}

function item({ id, name, fields, scans, error }) {
  const state = error ?? (fields ? `${count(fields, "field")} · ${scans ? count(scans, "scan") : "no scans"}` : "its fields are not drawn yet");
  return el("li", { class: "line" },
    el("p", { class: "grow" }, el("b", {}, name), el("span", { class: error ? "bad" : "quiet" }, ` ${state}`)),
    el("a", { class: "button main", href: fields || error ? `/forms/${id}` : `/forms/${id}/fields`, "aria-label": `Open ${name}` }, "Open"),
    el("button", { class: "plain danger", "aria-label": `Delete ${name}`, onclick: () => remove(id, name) }, "Delete"));
}

async function remove(id, name) {
  if (!(await confirmed(`Delete the form ${name} with its scans, tables and answers? Digits that were learnt from it stay under Samples, as those of the writer ${name}, and can be deleted there.`, "Delete"))) return;
  await attempt(() => call("DELETE", `/api/forms/${id}`));
  await load();
}

async function begin([file, ...others]) {
  if (!file) return;
  await attempt(async () => {
    if (others.length) throw new Error("A new form begins with one scan, of the empty form. Open a form to add filled scans.");
    checkSize(file, largest);
    $("drop").ariaBusy = "true";
    const form = await call("POST", `/api/forms${query({ name: file.name })}`, new Blob([file]));
    location.assign(`/forms/${form.id}/fields`);
  });
  $("drop").ariaBusy = "false";
}

showSteps("form");
acceptFiles([$("file")], begin);
load();
