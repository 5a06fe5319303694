// Scans on their way to the server, one file after the other.

import { call, query } from "./api.js";
import { clearError, showError } from "./notices.js";

const waiting = [];
let sent = 0;
let stop = null;

/** Send files to this path; `show(file, number, total)` before each. Resolves when all are sent or stopped. */
export async function upload(path, files, largest, show) {
  waiting.push(...files);
  if (stop) return;
  stop = new AbortController();
  clearError("upload");
  const errors = [];
  for (sent = 0; waiting.length; sent++) {
    const file = waiting.shift();
    show(file, sent + 1, sent + 1 + waiting.length);
    try {
      if (file.size > largest) throw new Error(`${file.name} is larger than ${Math.floor(largest / 2 ** 20)} MB`);
      await call("POST", path + query({ name: file.name }), new Blob([file]), stop.signal);
    } catch (error) {
      if (stop.signal.aborted) break;
      errors.push(error.message);
    }
  }
  waiting.length = 0;
  stop = null;
  if (errors.length) showError(errors.length > 1 ? `${errors.length} files were not taken: ${errors.join("; ")}` : errors[0], "upload");
}

export const uploading = () => stop !== null;
export const stopUpload = () => stop?.abort();
