// Who is writing, and what the server knows of that writer.

import { get } from "./api.js";
import { clearError, hideToast, showError } from "./notices.js";

const KEY = "inkwise.writer";
const RETRY = 5000; // ms until the server is asked again that could not say
const DIGITS = [..."0123456789"];

// What can be said where the server says nothing, as while its database fails.
const UNKNOWN = { writers: [], labels: DIGITS, digits: DIGITS, model: null, version: null, damage: null, accuracy: null, samples: 0, labelled: 0, learn: null, learn_from: 0, limits: {} };

const listeners = new Set();

export const session = { writer: localStorage.getItem(KEY) || "me", state: UNKNOWN };

/** Be called with the session, now and after each change. */
export function onSession(listener) {
  listeners.add(listener);
  listener(session);
}

const tell = () => listeners.forEach((listener) => listener(session));

let running = null;
let again = false;
let of = null; // whose state it is
let failure = null; // why it could not be had, as it was told
let damage = null; // why the writer's version is not used, as it was told
let timer = 0;

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
  clearTimeout(timer);
  try {
    const state = await get("/api/state", { writer });
    if (writer !== session.writer) return;
    [session.state, of, failure] = [state, writer, null];
    clearError("state");
    showDamage();
    tell();
  } catch (error) {
    if (error.message !== failure) showError(error, "state"); // once: it may have been dismissed
    failure = error.message;
    timer = setTimeout(refresh, RETRY);
    if (of === session.writer) return;
    session.state = UNKNOWN; // what is known is about another one
    tell();
  }
}

/** Say once for each writer that their version is damaged: the Models tab says so for as long as it is. */
function showDamage() {
  const now = session.state.damage && `${session.writer}'s ${session.state.damage}. See the Models tab.`;
  if (now === damage) return;
  damage = now;
  if (now) showError(now, "version");
  else clearError("version");
}

/** Take the writer's accuracy that came with another answer. */
export function tookAccuracy(writer, accuracy) {
  if (writer !== of || writer !== session.writer) return;
  session.state = { ...session.state, accuracy };
  tell();
}

export function setWriter(name) {
  session.writer = name;
  localStorage.setItem(KEY, name);
  hideToast(); // it would undo what another one did
  again = Boolean(running);
  return refresh();
}
