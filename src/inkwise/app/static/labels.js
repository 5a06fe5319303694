// The label row: a button per label with its probability.

import { el } from "./dom.js";
import { session } from "./session.js";

const MOST = 20; // labels that are all shown; of more, half as many, the likeliest

/** The labels to offer for a digit: all of the model, or of many the likeliest. */
export function likeliest(digit) {
  const { labels } = session.state;
  if (labels.length <= MOST) return labels;
  return (digit?.alternatives.map(([label]) => label) ?? labels).slice(0, MOST / 2);
}

/** Fills `root` with a button per label and a field for other labels; calls `onlabel(label)`. */
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
    const submit = (event) => {
      event.preventDefault();
      const label = this.field.value.trim();
      if (!label) return;
      this.field.value = "";
      this.field.blur();
      onlabel(label);
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
      const button = el("button", { class: "label", "data-label": label, title: `label ${label}`, onclick: () => this.onlabel(label) },
        el("span", { class: "name" }, label), el("span", { class: "share" }));
      this.buttons.set(label, button);
    }
    this.root.replaceChildren(...this.buttons.values(), this.form);
  }
}

const small = (probability) => (probability >= 0.9995 ? "100 %" : probability < 0.0005 ? "0 %" : `${(100 * probability).toFixed(1)} %`);
