// The fields of a form in the editor: values, box geometry, undo.

const KNOWN = ["length", "range", "pattern", "check", "vocabulary"];

const bounds = (value) => (Array.isArray(value) ? [...new Set(value)].join("-") : String(value ?? ""));

/** Convert a field of the server to the texts of the page's inputs. */
function shown(plain) {
  return {
    name: plain.name,
    box: plain.box,
    kind: plain.kind,
    cells: String(plain.cells ?? ""),
    length: bounds(plain.length),
    range: bounds(plain.range),
    pattern: plain.pattern ?? "",
    check: plain.check ?? "",
    vocabulary: (plain.vocabulary ?? []).join("\n"),
  };
}

/** Parse an input; invalid text is sent as it is, and the server reports the problem. */
function parsed(key, text) {
  if (key === "vocabulary") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (key === "pattern" || key === "check") return text;
  const [, low, high] = /^\s*(\d+)\s*(?:-\s*(\d+))?\s*$/.exec(text) ?? [];
  if (low === undefined) return text;
  return [Number(low), Number(high ?? low)];
}

function plain(field) {
  const values = { name: field.name.trim(), box: field.box, kind: field.kind };
  if (field.kind === "comb") values.cells = Number(field.cells);
  for (const key of KNOWN) if (field[key].trim()) values[key] = parsed(key, field[key]);
  return values;
}

export class Fields {
  constructor(plains, [width, height]) {
    this.list = plains.map(shown);
    this.size = [width, height];
    this.past = [];
    this.last = null; // step of the last change; consecutive changes of one step are undone together
    this.grain = Math.max(width, height) > 1000 ? 1 : 0.1;
  }

  plain() {
    return this.list.map(plain);
  }

  /** Save the state before a change; changes with the same `step` are undone together. */
  remember(step = null) {
    if (step === null || step !== this.last) this.past.push(JSON.stringify(this.list));
    this.last = step;
  }

  undo() {
    if (!this.past.length) return false;
    this.list = JSON.parse(this.past.pop());
    this.last = null;
    return true;
  }

  /** Add a field; returns its index. */
  add(box) {
    const names = new Set(this.list.map((field) => field.name));
    let number = this.list.length + 1;
    while (names.has(`field${number}`)) number++;
    return this.list.push(shown({ name: `field${number}`, box, kind: "number" })) - 1;
  }

  /** Move a box into the page, and round its coordinates. */
  within([x, y, w, h]) {
    const [width, height] = this.size;
    const round = (value) => Math.round(Math.round(value / this.grain) * this.grain * 1000) / 1000;
    const [wide, high] = [Math.min(w, width), Math.min(h, height)];
    const [left, top] = [Math.min(Math.max(x, 0), width - wide), Math.min(Math.max(y, 0), height - high)];
    return [round(left), round(top), round(wide), round(high)];
  }

  /** The box between two corners. */
  between([ax, ay], [bx, by]) {
    const [width, height] = this.size;
    const [left, right] = [Math.max(Math.min(ax, bx), 0), Math.min(Math.max(ax, bx), width)];
    const [top, bottom] = [Math.max(Math.min(ay, by), 0), Math.min(Math.max(ay, by), height)];
    return this.within([left, top, Math.max(right - left, this.grain), Math.max(bottom - top, this.grain)]);
  }

  /** A free place for a new box that is not drawn. */
  free() {
    const [width, height] = this.size;
    const [w, h] = [width * 0.3, height * 0.04];
    for (let y = h; y < height - h; y += h / 2) {
      const clear = this.list.every(({ box }) => box[1] >= y + h || box[1] + box[3] <= y || box[0] >= width * 0.35 + w || box[0] + box[2] <= width * 0.35);
      if (clear) return this.within([width * 0.35, y, w, h]);
    }
    return this.within([0, 0, w, h]);
  }
}
