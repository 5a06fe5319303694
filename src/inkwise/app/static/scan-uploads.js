// Scans on their way to the server, one file after the other.

import { call, query } from "./api.js";
import { checkSize } from "./dropped-files.js";
import { clearError, showError } from "./notices.js";

const waiting = [];
let sent = 0;
let stop = null;

/**
 * Send files to this path; `show(file, number, total)` before each. Resolves to whether all were sent: false if stopped, or if
 * an earlier call sends them.
 */
export async function upload(path, files, largest, show) {
  waiting.push(...files);
  if (stop) return false;
  stop = new AbortController();
  clearError("upload");
  const errors = [];
  for (sent = 0; waiting.length; sent++) {
    const file = waiting.shift();
    show(file, sent + 1, sent + 1 + waiting.length);
    try {
      checkSize(file, largest);
      await call("POST", path + query({ name: file.name }), new Blob([file]), stop.signal);
    } catch (error) {
      if (stop.signal.aborted) break;
      errors.push(error.message);
    }
  }
  const stopped = stop.signal.aborted;
  waiting.length = 0;
  stop = null;
  if (errors.length) showError(errors.length > 1 ? `${errors.length} files were not taken: ${errors.join("; ")}` : errors[0], "upload");
  return !stopped;
}

export const uploading = () => stop !== null;
export const stopUpload = () => stop?.abort();
