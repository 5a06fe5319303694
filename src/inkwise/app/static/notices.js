// Toasts for completed actions, an error line, and the question before a deletion.

import { $, el } from "./dom.js";

const errors = new Map(); // message by source, the newest last
let failures = 0; // number of errors of user actions
let timer = 0;

/** Show a message for some seconds, with an action button. */
export function toast(text, action, onaction) {
  const box = $("toast");
  box.replaceChildren(el("span", {}, text));
  if (action) {
    const press = () => {
      hideToast();
      onaction();
    };
    box.append(el("button", { class: "plain", onclick: press }, action));
  }
  box.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(hideToast, action ? 8000 : 4000);
}

export function hideToast() {
  $("toast").hidden = true;
}

/** Show an error of the source "reading", "state", "version", "upload" or "action", until it is dismissed or cleared. */
export function showError(error, of = "action") {
  if (of === "action") failures++;
  errors.delete(of);
  errors.set(of, error instanceof Error ? error.message : String(error));
  hideToast();
  show();
}

export function clearError(...of) {
  for (const each of of) errors.delete(each);
  show();
}

function show() {
  const box = $("error");
  const text = [...errors.values()].at(-1);
  box.hidden = text === undefined;
  if (box.hidden || box.firstChild?.textContent === text) return;
  const dismiss = () => clearError(...errors.keys());
  box.replaceChildren(el("span", {}, text), el("button", { class: "plain", "aria-label": "dismiss", onclick: dismiss }, "×"));
}

/** Run a user action; shows an exception and returns undefined. */
export async function attempt(action) {
  const before = failures;
  try {
    const result = await action();
    if (failures === before) clearError("action"); // errors of other sources stay
    return result;
  } catch (error) {
    showError(error);
    return undefined;
  }
}

/** Ask before something is deleted; resolves to whether the user agreed. */
export function confirmed(question, action) {
  const dialog = el("dialog", { "aria-label": question }, el("p", {}, question),
    el("form", { method: "dialog", class: "line end" },
      el("button", { class: "plain", value: "" }, "Keep"), el("button", { class: "danger", value: "yes" }, action)));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
