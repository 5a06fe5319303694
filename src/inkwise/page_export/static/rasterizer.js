// Drawing of thick polylines on a binary canvas, pixel by pixel as cv2.polylines draws them with LINE_8.
//
// A segment is a filled rectangle with its outline, and a disc at each of its ends. Coordinates are integers with
// 16 fractional bits. Pixels equal those of Python's drawing, so that glyphs do.

const FRACTION_BITS = 16;
const ONE = 1 << FRACTION_BITS;

/** A binary canvas: `pixels` is a Uint8Array of side * side values, 0 or 1, row by row. */
export class Canvas {
  constructor(side) {
    this.side = side;
    this.pixels = new Uint8Array(side * side);
  }

  /** Set the pixels of a row from column `left` to `right`, ends included; those outside the canvas are skipped. */
  setRow(y, left, right) {
    if (y < 0 || y >= this.side) return;
    const start = y * this.side;
    const [first, last] = [Math.max(left, 0), Math.min(right, this.side - 1)];
    if (first <= last) this.pixels.fill(1, start + first, start + last + 1);
  }

  /** Draw a polyline of points [x, y] in pixels; a single point is a disc. `width` is a whole number above 1. */
  drawPolyline(points, width) {
    // Coordinates are first rounded to 1/16 pixel.
    const fixed = points.map((point) => point.map((value) => (ONE / 16) * roundHalfToEven(value * 16)));
    this.drawDisc(fixed[0], width);
    for (let i = 1; i < fixed.length; i++) {
      this.drawSegment(fixed[i - 1], fixed[i], width);
      this.drawDisc(fixed[i], width);
    }
  }

  drawSegment([x0, y0], [x1, y1], width) {
    const [dx, dy] = [(x0 - x1) / ONE, (y1 - y0) / ONE];
    if (dx === 0 && dy === 0) return;
    const scale = (Math.ceil(width / 2) * ONE) / Math.sqrt(dx * dx + dy * dy);
    const [acrossX, acrossY] = [roundHalfToEven(dy * scale), roundHalfToEven(dx * scale)];
    const corners = [
      [x0 + acrossX, y0 + acrossY],
      [x0 - acrossX, y0 - acrossY],
      [x1 - acrossX, y1 - acrossY],
      [x1 + acrossX, y1 + acrossY],
    ];
    corners.forEach((corner, i) => this.drawThinLine(corners[(i + 3) % 4], corner));
    this.fillConvex(corners);
  }

  /** Draw a line one pixel wide: one pixel for each step along its longer axis, and its end. */
  drawThinLine(one, another) {
    const axis = Math.abs(another[0] - one[0]) > Math.abs(another[1] - one[1]) ? 0 : 1;
    const other = 1 - axis;
    const [from, to] = another[axis] < one[axis] ? [another, one] : [one, another];
    const length = to[axis] - from[axis];
    const slope = Math.trunc(((to[other] - from[other]) * ONE) / (length | 1));
    const set = (along, across) => {
      const [x, y] = axis === 0 ? [along, across] : [across, along];
      this.setRow(y, x, x);
    };
    set(whole(to[axis]), whole(to[other]));
    for (let i = 0; i <= length >> FRACTION_BITS; i++) set(whole(from[axis]) + i, whole(from[other] + i * slope));
  }

  /** Fill a convex polygon row by row, between the two chains of edges that lead down from its top corner. */
  fillConvex(corners) {
    const n = corners.length;
    const heights = corners.map(([, y]) => y);
    const top = heights.indexOf(Math.min(...heights));
    const bottom = Math.min(whole(Math.max(...heights)), this.side - 1);
    const chains = [1, n - 1].map((turn) => ({ turn, at: top, end: whole(heights[top]), x: -ONE, slope: 0 }));
    let edges = n; // not yet used
    for (let y = whole(heights[top]); y <= bottom; y++) {
      for (const chain of chains) {
        if (y < chain.end) continue;
        let from = chain.at;
        while (edges-- > 0) {
          const to = (from + chain.turn) % n;
          const end = whole(heights[to]);
          if (end > y) {
            const rows = end - y;
            const start = corners[from][0];
            chain.slope = Math.trunc((2 * (corners[to][0] - start) + rows) / (2 * rows));
            [chain.at, chain.end, chain.x] = [to, end, start];
            break;
          }
          from = to;
        }
      }
      if (edges < 0) return;
      const [left, right] = chains.map((chain) => chain.x).sort((a, b) => a - b);
      this.setRow(y, whole(left), whole(right));
      for (const chain of chains) chain.x += chain.slope;
    }
  }

  /** Draw a disc around the pixel of a point, by the midpoint algorithm. */
  drawDisc([x, y], width) {
    const [centreX, centreY] = [whole(x), whole(y)];
    let across = (width + 1) >> 1;
    let along = 0;
    let error = 0;
    let shrink = 2 * across - 1;
    while (across >= along) {
      for (const sign of [-1, 1]) {
        this.setRow(centreY + sign * along, centreX - across, centreX + across);
        this.setRow(centreY + sign * across, centreX - along, centreX + along);
      }
      error += 2 * along + 1;
      along++;
      if (error > 0) {
        error -= shrink;
        across--;
        shrink -= 2;
      }
    }
  }
}

/** The nearest whole number; halves go to the even one, as in NumPy. */
export function roundHalfToEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}

/** The pixel of a coordinate with fractional bits. */
const whole = (value) => (value + ONE / 2) >> FRACTION_BITS;
