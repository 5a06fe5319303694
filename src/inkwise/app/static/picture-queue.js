// Files that wait to be read, one page after the other: progress, errors, and the way to stop.

import { $ } from "./dom.js";
import { clearError, showError } from "./notices.js";

const waiting = []; // {file, page, pages}
let total = 0; // files
let done = 0;
let errors = [];
let stop = null;

/** Read the pages of these files by `read(file, page, signal)`, which returns the number of pages of the file. */
export function enqueue(files, read) {
  waiting.push(...files.map((file) => ({ file, page: 1, pages: 1 })));
  total += files.length;
  if (!stop) run(read);
}

async function run(read) {
  stop = new AbortController();
  $("drop").ariaBusy = "true";
  clearError("action");
  while (waiting.length) {
    const next = waiting.shift();
    show(next);
    try {
      next.pages = await read(next.file, next.page, stop.signal);
    } catch (error) {
      if (stop.signal.aborted) break;
      errors.push(error.message);
    }
    if (next.page < next.pages) waiting.unshift({ ...next, page: next.page + 1 });
    else done++;
  }
  if (errors.length) showError(errors.length > 1 ? `${errors.length} pages could not be read: ${errors.join("; ")}` : errors[0]);
  waiting.length = total = done = 0;
  [errors, stop] = [[], null];
  $("drop").ariaBusy = "false";
  $("queue").hidden = true;
}

/** The bar counts files, since the pages of the later ones are not known yet. */
function show({ file, page, pages }) {
  $("queue").hidden = total === 1 && pages === 1;
  $("queue-bar").max = total;
  $("queue-bar").value = done + (page - 1) / pages;
  const place = pages > 1 ? `, page ${page} of ${pages}` : "";
  $("queue-text").textContent = `reading ${file.name}${place}${total > 1 ? ` (file ${done + 1} of ${total})` : ""}`;
}

export function startQueue() {
  $("queue-stop").addEventListener("click", () => stop?.abort());
}
