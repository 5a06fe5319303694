// Answers go to the server, and are taken back: the same wherever they were given.

import { call, post } from "./api.js";
import { attempt } from "./notices.js";
import { refresh, tookAccuracy } from "./session.js";

/** A random UUID. `crypto.randomUUID` is missing where the page came over plain HTTP from another machine. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** Keep answers, all or none; true when the server has them. Of the ids that it had already, the reply having been lost, none is kept twice. */
export async function keep(writer, source, answers) {
  const kept = await attempt(async () => {
    const reply = await post("/api/samples", { writer, source, answers });
    for (const [i, { id, label }] of reply.samples.entries()) {
      // What had arrived before may have been said otherwise since.
      if (label !== answers[i].label.trim()) await call("PATCH", `/api/samples/${id}`, { label: answers[i].label });
    }
    return reply;
  });
  if (!kept) return false;
  tookAccuracy(writer, kept.accuracy);
  refresh();
  return true;
}

/** Undo the last steps of this writer, which must be about these samples, or else the last step; the samples as they are now, or undefined. */
export async function undo(writer, ids) {
  const back = await attempt(() => post("/api/undo", ids ? { writer, ids } : { writer }));
  if (!back) return undefined;
  tookAccuracy(writer, back.accuracy);
  refresh();
  // In the order of the answers; the last step is undone first.
  return ids ? ids.map((id) => back.samples.find((sample) => sample.id === id)) : back.samples;
}

/** What an undoing did, in words. */
export function undone(samples) {
  if (!samples.length) return "nothing left to undo";
  const label = samples.map((sample) => sample.label ?? "?").join("");
  return samples.every((sample) => sample.deleted) ? `took back the ${label}` : `undone: it is a ${label} again`;
}
