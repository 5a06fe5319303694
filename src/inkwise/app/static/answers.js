// Keeping and undoing answers, shared by the tabs.

import { call, post } from "./api.js";
import { attempt } from "./notices.js";
import { refresh, setAccuracy } from "./session.js";

/** A random UUID. `crypto.randomUUID` is missing on pages served over plain HTTP by another machine. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** Keep answers, all or none; true if the server has them. An id that is sent again after a lost reply is kept once. */
export async function keep(writer, source, answers) {
  const kept = await attempt(async () => {
    const reply = await post("/api/samples", { writer, source, answers });
    for (const [i, { id, label }] of reply.samples.entries()) {
      // A sample that had arrived before may have been relabelled since.
      if (label !== answers[i].label.trim()) await call("PATCH", `/api/samples/${id}`, { label: answers[i].label });
    }
    return reply;
  });
  if (!kept) return false;
  setAccuracy(writer, kept.accuracy);
  refresh();
  return true;
}

/** Undo the last steps of this writer, which must be about these samples, or the last step; {samples, message}, or undefined. */
export async function undo(writer, ids) {
  const back = await attempt(() => post("/api/undo", ids ? { writer, ids } : { writer }));
  if (!back) return undefined;
  setAccuracy(writer, back.accuracy);
  refresh();
  // In the order of the answers; the last step is undone first.
  const samples = ids ? ids.map((id) => back.samples.find((sample) => sample.id === id)) : back.samples.reverse();
  return { samples, message: back.message };
}
