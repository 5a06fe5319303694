// Who is writing, and what the server knows of that writer.

import { get } from "./api.js";
import { showError } from "./notices.js";

const KEY = "inkwise.writer";
const listeners = new Set();

export const session = { writer: localStorage.getItem(KEY) || "me", state: null };

/** Be called with the session after each change. */
export function onSession(listener) {
  listeners.add(listener);
  if (session.state) listener(session);
}

const tell = () => listeners.forEach((listener) => listener(session));

let running = null;
let again = false;

/** Ask the server how things stand; calls while one is under way are answered together. */
export function refresh() {
  if (running) {
    again = true;
    return running;
  }
  running = load().finally(() => {
    running = null;
    if (again) {
      again = false;
      refresh();
    }
  });
  return running;
}

async function load() {
  const { writer } = session;
  try {
    const state = await get("/api/state", { writer });
    if (writer !== session.writer) return;
    session.state = state;
    tell();
  } catch (error) {
    showError(error);
  }
}

/** Take the accuracy that came with another answer. */
export function tookAccuracy(accuracy) {
  if (!session.state || !accuracy) return;
  session.state.accuracy = accuracy;
  tell();
}

export function setWriter(name) {
  session.writer = name;
  localStorage.setItem(KEY, name);
  again = Boolean(running);
  return refresh();
}
