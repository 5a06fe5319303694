// The filled scans of a form: they are sent and read, doubtful values are checked in the review panel, the table is downloaded.

import { call, get } from "./api.js";
import { leaveOut, openNumber, openTable, startReview } from "./review-panel.js";
import { $, count, el } from "./dom.js";
import { acceptFiles } from "./dropped-files.js";
import { attempt, confirmed, showError } from "./notices.js";
import { stopUpload, upload, uploading } from "./scan-uploads.js";
import { formId, showSteps } from "./steps.js";

const POLL = 400; // ms between two questions how far the reading is

const api = `/api/forms/${formId}`;
let state = null;
let shownTable = null; // version of the table in the review panel
let left = 0; // doubtful values without an answer
const cells = new Map(); // number of a reading -> its cell

const busy = () => uploading() || Boolean(state?.reading);

/** Get the state, and with it the table if it is a new one. */
async function refresh() {
  const before = state;
  state = (await attempt(() => get(api))) ?? state;
  if (!state) return;
  if (!state.fields && !state.error) return location.replace(`/forms/${formId}/fields`);
  $("name").textContent = state.name;
  document.title = `${state.name} – Inkwise`;
  if (state.error && state.error !== before?.error) showError(state.error);
  if (!state.reading && state.table !== shownTable) await showTable();
  show();
}

/** Show the table anew, after somebody else has answered or had scans read. */
async function reopen() {
  shownTable = null;
  await refresh();
}

async function showTable() {
  const version = state.table;
  const path = `${api}/tables/${version}`;
  const table = version && (await attempt(() => get(`${path}/rows`)));
  if (version && !table) return;
  shownTable = version;
  cells.clear();
  if (!version) {
    $("rows").replaceChildren();
    return;
  }
  const several = new Set(table.rows.filter(({ page }) => page > 1).map(({ file }) => file));
  const head = ["page", ...table.columns].map((name) => el("th", { scope: "col" }, name));
  const body = table.rows.map((row) => line(row, table.columns, several.has(row.file)));
  $("rows").replaceChildren(el("table", { class: "table" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
  await openTable(path);
}

function line({ file, page, reason, typed, cells: values }, columns, several) {
  const name = several ? `${file}, page ${page}` : file;
  const numbers = values.map(({ number }) => number).filter((number) => number !== null);
  const why = typed && reason ? el("p", { class: "why" }, el("span", { class: "bad" }, reason.replace(`${file}: `, "")), " ",
    el("button", { class: "plain", onclick: () => leaveOut(numbers) }, "Leave this page out")) : null;
  return el("tr", {}, el("th", { scope: "row" }, name, why), ...values.map((value, i) => el("td", {}, cell(value, columns[i], name))));
}

function cell({ text, number }, column, page) {
  if (number === null) return el("span", { class: "quiet", title: "empty" }, "–");
  const button = el("button", { class: "cell", "aria-label": `${column} of ${page}: ${text || "nothing"}`, onclick: () => openNumber(number) }, text || "…");
  cells.set(number, button);
  return button;
}

/** Mark the cells of the queue: doubtful, answered, or in the review panel. */
function mark(queue, item) {
  left = queue.filter(({ settled, opened }) => settled === null && !opened).length;
  for (const button of cells.values()) [button.className, button.title] = ["cell", ""];
  for (const { number, settled, opened } of queue) {
    const button = cells.get(number);
    if (!button || (opened && settled === null)) continue;
    button.classList.add(settled === null ? "doubtful" : "settled");
    button.title = settled === null ? "doubtful" : "confirmed";
    if (settled !== null) button.textContent = settled || "–";
  }
  for (const why of $("rows").querySelectorAll(".why")) why.hidden = !why.closest("tr").querySelector(".doubtful");
  const current = item && cells.get(item.number);
  if (current) {
    current.classList.add("current");
    follow(current);
  }
  show();
}

/** Scroll the table, and nothing else, to a cell. */
function follow(button) {
  const box = $("rows").getBoundingClientRect();
  const place = button.getBoundingClientRect();
  const beyond = Math.max(place.bottom - box.bottom, 0) || Math.min(place.top - box.top - place.height, 0);
  $("rows").scrollTop += beyond;
}

function show() {
  const { scans, unread, stopped } = state;
  const waiting = unread.length > 0 && !busy();
  const table = Boolean(state.table) && !busy();
  $("queue").hidden = !busy();
  $("again").hidden = !waiting;
  $("checking").hidden = !table || !scans.length;
  $("drop").hidden = scans.length > 0 || busy();
  $("add-scans").hidden = !scans.length;
  $("next-batch").hidden = !table || waiting || left > 0;
  $("files").hidden = !scans.length;
  $("files-count").textContent = count(scans.length, "scan");
  if (!$("files").open) $("scans").replaceChildren();
  else if (!busy()) listScans();
  if (state.reading && !uploading()) {
    $("queue-bar").max = state.pages || 1;
    $("queue-bar").value = state.done;
    $("queue-text").textContent = state.pages ? `reading: ${state.done} of ${count(state.pages, "page")}` : "reading";
  }
  showSteps(!table || waiting ? "scans" : left ? "check" : "table");
  $("next").textContent = next(waiting, stopped);
}

function next(waiting, stopped) {
  if (busy()) return "The scans are being read. Next: check the doubtful values.";
  if (!state.scans.length) return "Next: drop the filled scans here, pictures or PDFs of many pages, or choose them.";
  if (waiting) return `${count(state.unread.length, "scan")} ${state.unread.length === 1 ? "is" : "are"} not read yet${stopped ? ", since you stopped" : ""}. Next: read the rest.`;
  if (left) return `${count(left, "value")} to check. Next: compare each with its picture. Enter confirms, typing replaces.`;
  return "No doubtful value is left. Next: download the Excel table; then add scans, or begin the next batch.";
}

function listScans() {
  if ($("scans").childElementCount === state.scans.length) return;
  $("scans").replaceChildren(...state.scans.map((name) => el("li", { class: "line" }, el("span", { class: "grow" }, name),
    el("button", { class: "plain", "aria-label": `Remove ${name}`, onclick: () => remove(name) }, "Remove"))));
}

async function remove(name) {
  if (!(await confirmed(`Remove ${name} and its pages from the table?`, "Remove"))) return;
  await attempt(() => call("DELETE", `${api}/scans?${new URLSearchParams({ name })}`));
  $("scans").replaceChildren();
  await watch();
}

async function clear() {
  if (!(await confirmed(`Delete all scans of ${state.name}, their table and the answers? The fields of the form are kept. Download the table first.`, "Delete"))) return;
  await attempt(() => call("DELETE", `${api}/scans`));
  await refresh();
}

async function take(files) {
  if (!state) await refresh();
  if (!files.length || !state) return;
  const sent = await upload(`${api}/scans`, files, state.upload_bytes, (file, number, total) => {
    $("queue-bar").max = total;
    $("queue-bar").value = number - 1;
    $("queue-text").textContent = `sending ${file.name} (${number} of ${total})`;
    show();
  });
  if (sent) await read();
  else if (!uploading()) await refresh();
}

async function read() {
  document.activeElement?.blur(); // keys are for the review panel
  await attempt(() => call("POST", `${api}/reading`));
  await watch();
}

/** Refresh until nothing is read any more. */
async function watch() {
  await refresh();
  while (state?.reading) {
    await new Promise((resolve) => setTimeout(resolve, POLL));
    await refresh();
  }
}

async function stop() {
  stopUpload();
  await attempt(() => call("DELETE", `${api}/reading`));
}

startReview($("review"), { change: mark, conflict: reopen });
acceptFiles([$("file"), $("more-files")], take);
$("queue-stop").addEventListener("click", stop);
$("again").addEventListener("click", read);
for (const id of ["clear", "next-batch"]) $(id).addEventListener("click", clear);
$("files").addEventListener("toggle", () => show());
await watch();
if (state?.unread.length && !state.stopped && !state.error) read(); // the server was ended meanwhile, or the fields have changed
