// An example that draws itself once for a new user. It is read as any drawing, but never saved.

import { $ } from "./dom.js";
import { hideToast, toast } from "./notices.js";
import { onSession } from "./session.js";

const KEY = "inkwise.example"; // set once it has begun, or the user has
const WAIT = 1200; // ms before it begins
const STEP = 7; // px from point to point, one in each frame
const LIFT = 250; // ms between strokes
const STAY = 3500; // ms that the whole drawing stays with its reading
const STROKES = [[[3, 0], [0, 12], [10, 12]], [[8, 5], [8, 20]], [[16, 0], [26, 0], [19, 20]]]; // 47, 26 wide and 20 high

/** Draw the example if nobody has drawn in this browser, and the writer has no samples; the first press or key ends it. */
export function startExample(ink) {
  if (localStorage.getItem(KEY) || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const drawn = [];
  let over = false;
  let timer = 0;
  const end = () => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    localStorage.setItem(KEY, "seen");
    for (const name of ["pointerdown", "keydown"]) removeEventListener(name, end, true);
    if (!drawn.length) return;
    ink.drop(drawn);
    hideToast();
  };
  const pause = (time) => new Promise((resolve) => (timer = setTimeout(resolve, time)));
  const play = async () => {
    await pause(WAIT);
    if (over || ink.strokes.length || !$("ink").offsetParent || document.hidden) return;
    localStorage.setItem(KEY, "seen");
    toast("An example; draw yourself at any time.");
    for (const points of placed(ink)) {
      ink.begin(...points[0]);
      drawn.push(ink.strokes.at(-1));
      for (const point of points) {
        ink.extend(...point);
        ink.changed("grow"); // not "end", which would keep the drawing for a reload
        await new Promise(requestAnimationFrame);
        if (over) return;
      }
      await pause(LIFT);
    }
    await pause(STAY);
    end();
  };
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, end, true); // before anything else hears them
  let waiting = false;
  onSession(({ state }) => {
    if (waiting || !state.accuracy) return; // not known yet
    waiting = true;
    if (state.samples) end();
    else play();
  });
}

/** The strokes in the middle of the canvas, as points of equal distance. */
function placed({ width, height }) {
  const scale = height / 32;
  return STROKES.map((stroke) => {
    const corners = stroke.map(([x, y]) => [width / 2 + scale * (x - 13), scale * (y + 6)]);
    return corners.slice(1).flatMap(([x, y], i) => {
      const [fromX, fromY] = corners[i];
      const count = Math.ceil(Math.hypot(x - fromX, y - fromY) / STEP);
      return Array.from({ length: count + 1 }, (_, n) => [fromX + ((x - fromX) * n) / count, fromY + ((y - fromY) * n) / count]);
    });
  });
}
