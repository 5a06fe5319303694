// The label row: a button per label with its probability.

import { el } from "./dom.js";
import { session } from "./session.js";

export const NOT_A_DIGIT = "not a digit"; // label of a non-digit, and the answer to one

const MOST = 20; // labels that are all shown; of more, half as many, the likeliest

/** The labels to offer for a digit: all of the model, or of many the likeliest; then "not a digit". */
export function likeliest(digit) {
  const { labels } = session.state;
  const ranked = labels.length <= MOST ? labels : digit?.alternatives.map(([label]) => label) ?? labels;
  return [...ranked.filter((label) => label !== NOT_A_DIGIT).slice(0, labels.length <= MOST ? MOST : MOST / 2), NOT_A_DIGIT];
}

/** A label beside others: "?" for a non-digit. */
export const short = (label) => (label === NOT_A_DIGIT ? "?" : label);

/** The text of labels side by side; a single one stays as it is. */
export const joined = (labels) => (labels.length === 1 ? labels[0] : labels.map(short).join(""));

/** The large type of a label; `alone`: it is the only one. */
export function largeLabel(label, sure, alone) {
  const refused = label === NOT_A_DIGIT;
  return el("span", { class: `${sure ? "sure" : "unsure"}${refused && alone ? " refused" : ""}` }, alone ? label : short(label));
}

/** How sure a reading of one digit is. */
export function sureness({ accepted, doubt, label, answer, answer_probability: probability }) {
  if (accepted || (answer === NOT_A_DIGIT && probability >= 0.5)) return `${(100 * probability).toFixed(probability > 0.9995 ? 0 : 1)} % sure`;
  return `not sure: ${answer === NOT_A_DIGIT ? `${label}, or not a digit` : doubt}`;
}

/**
 * Fills `root` with a button per label and a field for other labels; calls `onlabel(label)`.
 * If that resolves to false, the label is rejected, and the field keeps it.
 */
export class LabelRow {
  constructor(root, onlabel, fieldId) {
    this.root = root;
    this.onlabel = onlabel;
    this.names = null;
    this.buttons = new Map();
    this.field = el("input", {
      id: fieldId, class: "text", type: "text", maxlength: 32, autocomplete: "off", autocapitalize: "off",
      spellcheck: "false", enterkeyhint: "done", placeholder: "other …", "aria-label": "other label",
    });
    const submit = async (event) => {
      event.preventDefault();
      const label = this.field.value.trim();
      if (!label) return;
      this.field.value = "";
      this.field.blur();
      if ((await onlabel(label)) !== false || this.field.value) return;
      this.field.value = label;
      this.field.select();
    };
    this.form = el("form", { class: "other", onsubmit: submit }, this.field, el("button", { class: "plain", "aria-label": "use this label" }, "Set"));
  }

  /** Show labels; `alternatives` is [[label, probability], ...] or null, `chosen` is the label to save. */
  show(names, alternatives, chosen) {
    if (this.names?.join("\n") !== names.join("\n")) this.build(names);
    const probabilities = new Map(alternatives ?? []);
    for (const [label, button] of this.buttons) {
      const probability = probabilities.get(label);
      button.style.setProperty("--share", probability ?? 0);
      button.classList.toggle("chosen", label === chosen);
      button.setAttribute("aria-pressed", String(label === chosen));
      const text = probability !== undefined ? small(probability) : alternatives && label !== chosen ? "new" : "";
      button.lastChild.textContent = text;
      button.setAttribute("aria-label", text ? `${label}, ${text}` : label);
    }
  }

  build(names) {
    this.names = [...names];
    this.buttons.clear();
    for (const label of names) {
      const button = el("button", { class: label === NOT_A_DIGIT ? "label refusal" : "label", "data-label": label, title: `label ${label}`, onclick: () => this.onlabel(label) },
        el("span", { class: "name" }, label), el("span", { class: "share" }));
      this.buttons.set(label, button);
    }
    this.root.replaceChildren(...this.buttons.values(), this.form);
  }
}

const small = (probability) => (probability >= 0.9995 ? "100 %" : probability < 0.0005 ? "0 %" : `${(100 * probability).toFixed(1)} %`);
