// Normalization of supersampled shapes to glyphs, as in preprocessing/normalization.py.

import { CONSTANTS } from "./model.js";
import { roundHalfToEven } from "./rasterizer.js";

const { glyphSide, inkBoxSide, glyphCentre, supersampling, minStrokeWidth, maxStrokeWidth } = CONSTANTS;
export const SUPERSAMPLED_SIDE = supersampling * glyphSide;

// Steps of the distance transform with a mask of 5x5 (Borgefors 1986) in a shape with a margin, and their lengths.
const MARGIN = 2;
const WIDE_SIDE = SUPERSAMPLED_SIDE + 2 * MARGIN;
const STEPS = Int32Array.of(
  ...[1, WIDE_SIDE, WIDE_SIDE + 1, WIDE_SIDE - 1],
  ...[WIDE_SIDE + 2, WIDE_SIDE - 2, 2 * WIDE_SIDE + 1, 2 * WIDE_SIDE - 1],
);
const LENGTHS = Float64Array.of(1, 1, 1.4, 1.4, 2.1969, 2.1969, 2.1969, 2.1969);

/** Clamp the stroke width of a shape (112 * 112 values, 0 or 1) and average it down to a glyph (784 values). */
export function shapeToGlyph(shape) {
  const side = SUPERSAMPLED_SIDE;
  const clamped = clampStrokeWidth(shape);
  const rows = new Float64Array(side);
  const columns = new Float64Array(side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      rows[y] += clamped[y * side + x];
      columns[x] += clamped[y * side + x];
    }
  }
  const [top, bottom] = bounds(rows);
  const [left, right] = bounds(columns);
  const scale = inkBoxSide / Math.max(bottom - top, right - left, 1);
  const down = resamplingWeights(scale, shift(rows, top, bottom, scale));
  const across = resamplingWeights(scale, shift(columns, left, right, scale));
  return resample(clamped, down, across);
}

/** Thicken strokes that are too thin and thin those that are too wide. */
function clampStrokeWidth(shape) {
  const inside = distances(shape);
  let sum = 0;
  let count = 0;
  for (let i = 0; i < shape.length; i++) {
    sum += inside[i];
    count += shape[i];
  }
  // Across a stroke of width w the distance to the background rises from 0 to w/2, so its mean is w/4.
  const width = (4 * Math.max(sum / Math.max(count, 1) - 0.5, 0.25)) / supersampling;
  const grow = (supersampling * Math.max(minStrokeWidth - width, 0)) / 2;
  const shrink = (supersampling * Math.max(width - maxStrokeWidth, 0)) / 2;
  if (grow > 0) {
    const outside = distances(shape.map((value) => 1 - value));
    return shape.map((value, i) => (value || outside[i] <= grow ? 1 : 0));
  }
  return shrink > 0 ? shape.map((value, i) => (value && inside[i] > shrink ? 1 : 0)) : shape;
}

/** Distance of each pixel to the nearest 0, in pixels. */
function distances(shape) {
  const side = SUPERSAMPLED_SIDE;
  const wide = new Float32Array(WIDE_SIDE * WIDE_SIDE).fill(Infinity);
  const row = (y) => (y + MARGIN) * WIDE_SIDE + MARGIN;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) if (!shape[y * side + x]) wide[row(y) + x] = 0;
  }
  for (let at = row(0); at < row(side); at++) if (wide[at]) relax(wide, at, -1);
  for (let at = row(side) - 1; at >= row(0); at--) if (wide[at]) relax(wide, at, 1);
  const result = new Float32Array(side * side);
  for (let y = 0; y < side; y++) result.set(wide.subarray(row(y), row(y) + side), y * side);
  return result;
}

/** Lower the distance of a pixel to that by way of its neighbours, before it (-1) or after it (1). */
function relax(wide, at, way) {
  let least = wide[at];
  for (let i = 0; i < STEPS.length; i++) {
    const length = wide[at + way * STEPS[i]] + LENGTHS[i];
    if (length < least) least = length;
  }
  wide[at] = least;
}

/** First and last position of ink, the last exclusive; the whole range without ink. */
function bounds(counts) {
  const first = counts.findIndex((count) => count > 0);
  return first < 0 ? [0, counts.length] : [first, counts.findLastIndex((count) => count > 0) + 1];
}

/** Shift that centres the mass, unless it would push ink over the border. */
function shift(counts, start, end, scale) {
  let mass = 0;
  let moment = 0;
  for (let i = 0; i < counts.length; i++) {
    mass += counts[i];
    moment += counts[i] * (i + 0.5);
  }
  const wanted = glyphCentre - (moment / Math.max(mass, 1)) * scale;
  return Math.min(Math.max(wanted, -start * scale), glyphSide - end * scale);
}

/**
 * Weights of the source pixels for each target pixel: its footprint, which is at least one pixel wide.
 *
 * Returns the first source pixel with a weight and the weights from there on.
 */
function resamplingWeights(scale, offset) {
  const extent = Math.max(1 / scale, 1);
  return Array.from({ length: glyphSide }, (_, target) => {
    const middle = (target + 0.5 - offset) / scale;
    const start = Math.max(Math.floor(middle - extent / 2 - 1), 0);
    const end = Math.min(Math.ceil(middle + extent / 2 + 1), SUPERSAMPLED_SIDE);
    const weights = new Float32Array(Math.max(end - start, 0));
    for (let i = 0; i < weights.length; i++) {
      const overlap = (extent + 1) / 2 - Math.abs(middle - (start + i + 0.5));
      weights[i] = Math.min(Math.max(overlap, 0), 1) / extent;
    }
    return { start, weights };
  });
}

/** Average the pixels of a shape: its rows by the weights `down`, its columns by `across`. */
function resample(shape, down, across) {
  const side = SUPERSAMPLED_SIDE;
  const glyph = new Uint8Array(glyphSide * glyphSide);
  for (let row = 0; row < glyphSide; row++) {
    const { start: top, weights: rowWeights } = down[row];
    const line = new Float32Array(side);
    for (let i = 0; i < rowWeights.length; i++) {
      for (let x = 0; x < side; x++) line[x] += rowWeights[i] * shape[(top + i) * side + x];
    }
    for (let column = 0; column < glyphSide; column++) {
      const { start, weights } = across[column];
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * line[start + i];
      glyph[row * glyphSide + column] = roundHalfToEven(255 * Math.min(Math.max(sum, 0), 1));
    }
  }
  return glyph;
}
