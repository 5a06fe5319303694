// The current writer, and the state of that writer on the server.

import { get } from "./api.js";
import { clearError, hideToast, showError } from "./notices.js";

const KEY = "inkwise.writer";
const LETTERS = "inkwise.letters";
const RETRY = 5000; // ms until the next request after a failure
const DIGITS = [..."0123456789"];

// State while the server has none, for example during a database failure.
const UNKNOWN = { writers: [], labels: DIGITS, digits: DIGITS, letters: false, model: null, version: null, damage: null, accuracy: null, samples: 0, labelled: 0, install: [], learn_from: 0, limits: {} };

const listeners = new Set();

/** `letters`: whether letters are read besides digits. */
export const session = { writer: localStorage.getItem(KEY) || "me", letters: localStorage.getItem(LETTERS) === "true", state: UNKNOWN };

/** Call a listener with the session, now and after each change. */
export function onSession(listener) {
  listeners.add(listener);
  listener(session);
}

const notify = () => listeners.forEach((listener) => listener(session));

let running = null;
let again = false;
let owner = null; // writer of the state
let failure = null; // shown reason of the last failure
let damage = null; // shown damage of the writer's version
let timer = 0;

/** Load the state; calls during a request share the next one. */
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
  const { writer, letters } = session;
  clearTimeout(timer);
  try {
    const state = await get("/api/state", { writer, letters });
    if (writer !== session.writer || letters !== session.letters) return;
    [session.state, owner, failure] = [state, writer, null];
    clearError("state");
    showDamage();
    notify();
  } catch (error) {
    if (error.message !== failure) showError(error, "state"); // once, since the user may have dismissed it
    failure = error.message;
    timer = setTimeout(refresh, RETRY);
    if (owner === session.writer) return;
    session.state = UNKNOWN; // the known state is of another writer
    notify();
  }
}

/** Report a damaged version once per writer; the Models tab shows it permanently. */
function showDamage() {
  const now = session.state.damage && `${session.writer}'s ${session.state.damage}. See the Models tab.`;
  if (now === damage) return;
  damage = now;
  if (now) showError(now, "version");
  else clearError("version");
}

/** Take a writer's accuracy from another response. */
export function setAccuracy(writer, accuracy) {
  if (writer !== owner || writer !== session.writer) return;
  session.state = { ...session.state, accuracy };
  notify();
}

export function setLetters(on) {
  session.letters = on;
  localStorage.setItem(LETTERS, on);
  again = Boolean(running);
  return refresh();
}

export function setWriter(name) {
  session.writer = name;
  localStorage.setItem(KEY, name);
  hideToast(); // it would undo another writer's answer
  again = Boolean(running);
  return refresh();
}
