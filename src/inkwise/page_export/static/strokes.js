// Rasterization of pen strokes and their grouping into digits, as in preprocessing/strokes.py.
//
// A stroke is a list of points [x, y], x right, y down, in any unit.

import { CONSTANTS } from "./model.js";
import { SUPERSAMPLED_SIDE, shapeToGlyph } from "./normalization.js";
import { Canvas, roundHalfToEven } from "./rasterizer.js";

const { inkBoxSide, supersampling, penWidth, minStrokeOverlap, maxCoordinate } = CONSTANTS;

/** Draw the strokes of one digit as a glyph: 28 * 28 values from 0 to 255, white ink on black. */
export function strokesToGlyph(strokes) {
  const width = Math.max(roundHalfToEven(penWidth * supersampling), 1);
  const points = strokes.flat();
  const [left, right] = range(points, 0);
  const [top, bottom] = range(points, 1);
  const extent = Math.max(right - left, bottom - top);
  // A dot is not enlarged.
  const scale = extent > 1 / maxCoordinate ? (inkBoxSide * supersampling - width) / extent : 0;
  const place = (value, low, high) => (value - (low + high) / 2) * scale + SUPERSAMPLED_SIDE / 2 - 0.5;
  const canvas = new Canvas(SUPERSAMPLED_SIDE);
  for (const stroke of strokes) {
    canvas.drawPolyline(stroke.map(([x, y]) => [place(x, left, right), place(y, top, bottom)]), width);
  }
  return shapeToGlyph(canvas.pixels);
}

/** Group strokes into digits, from left to right: strokes that overlap horizontally are one digit. Returns indices. */
export function groupStrokes(strokes) {
  const edges = strokes.map((points) => range(points, 0));
  const order = edges.map((_, i) => i).sort((a, b) => edges[a][0] - edges[b][0]);
  const groups = [];
  let [begin, end] = [0, 0]; // horizontal extent of the last group
  for (const index of order) {
    const [left, right] = edges[index];
    const overlap = Math.min(right, end) - left;
    if (groups.length && overlap >= minStrokeOverlap * Math.min(right - left, end - begin)) {
      groups.at(-1).push(index);
      end = Math.max(end, right);
    } else {
      groups.push([index]);
      [begin, end] = [left, right];
    }
  }
  return groups;
}

/** Least and greatest coordinate of points; a long drawing has too many for the arguments of Math.min. */
function range(points, axis) {
  let [low, high] = [Infinity, -Infinity];
  for (const point of points) {
    low = Math.min(low, point[axis]);
    high = Math.max(high, point[axis]);
  }
  return [low, high];
}
