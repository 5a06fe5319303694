// Reading of pen strokes, as in recognition/digit_reader.py and stroke_reader.py without the line reader.

import { CONSTANTS, MODEL } from "./model.js";
import { classify } from "./network.js";
import { groupStrokes, strokesToGlyph } from "./strokes.js";

const { minDigitProbability, sureProbability, notADigit, noInk } = CONSTANTS;
const { labels, threshold, rejects } = MODEL;

let known = new Map(); // digits of the last reading by their points, so that only changed ones are read again

/**
 * Read strokes, each a list of points [x, y].
 *
 * `expect` is "digit", "number", or null for either: a drawing is one digit, unless several digits are more likely.
 * `length` is null or the least and greatest number of digits; a reading of another number is not accepted.
 */
export function readStrokes(strokes, expect = null, length = null) {
  const before = known;
  known = new Map();
  const reading = read(strokes, expect ?? (length && numberOf(length)), before);
  const count = reading.digits.length;
  if (!length || !count || (count >= length[0] && count <= length[1])) return reading;
  const wanted = length[0] === length[1] ? length[0] : `${length[0]} to ${length[1]}`;
  return { ...reading, accepted: false, reason: `${count} ${count === 1 ? "digit" : "digits"}, ${wanted} expected` };
}

/** What a length says about a drawing: one digit, a number, or null. */
const numberOf = ([least, most]) => (most === 1 ? "digit" : least > 1 ? "number" : null);

function read(strokes, expect, before) {
  if (!strokes.length) return toReading([]);
  const readGroups = (groups) => toReading(groups.map((group) => readGroup(strokes, group, before)));
  if (expect === "number") return readGroups(groupStrokes(strokes));
  const digit = readGroups([strokes.map((_, i) => i)]);
  if (expect === "digit" || digit.confidence >= sureProbability) return digit;
  const number = readGroups(groupStrokes(strokes));
  return !digit.accepted || number.confidence > digit.confidence ? number : digit;
}

/** Read the strokes of a group of indices as one digit, unless the last reading had it. */
function readGroup(strokes, group, before) {
  const own = group.map((i) => strokes[i]);
  const key = JSON.stringify(own);
  const digit = before.get(key) ?? readDigit(strokesToGlyph(own));
  known.set(key, digit);
  return { ...digit, strokes: group };
}

function readDigit(glyph) {
  const { probabilities } = classify(glyph);
  const alternatives = labels.map((label, i) => [label, probabilities[i]]).sort((a, b) => b[1] - a[1]);
  const [[label, probability], [second, secondProbability]] = alternatives;
  const accepted = probability >= threshold;
  const all = probabilities.reduce((sum, one) => sum + one, 0);
  // Without a class for non-digits, the probabilities of the labels sum to 1 for them, too.
  const isDigit = rejects ? all >= Math.min(threshold, minDigitProbability) : probability + secondProbability >= threshold;
  const doubt = accepted ? null : isDigit ? `${label} or ${second}` : notADigit;
  return { label, probability, accepted, doubt, alternatives, glyph };
}

function toReading(digits) {
  const reason = rejectionReason(digits);
  return {
    text: digits.map((digit) => (digit.accepted ? digit.label : "?")).join(""),
    confidence: digits.length ? digits.reduce((product, digit) => product * digit.probability, 1) : 0,
    accepted: reason === null,
    reason,
    digits,
  };
}

function rejectionReason(digits) {
  if (!digits.length) return noInk;
  const doubts = digits.map((digit) => digit.doubt).filter(Boolean);
  if (!doubts.length) return null;
  if (digits.length > 1) return `${doubts.length} of ${digits.length} not sure enough to be accepted`;
  return doubts[0] === notADigit ? notADigit : `not sure: ${doubts[0]}`;
}
