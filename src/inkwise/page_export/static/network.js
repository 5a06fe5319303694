// Forward pass of a convolutional network: the nodes of its ONNX graph, in order, on one glyph.
//
// A tensor is {shape, data}. The exporter checks operators and attributes, so that every model in a page can be run.

import { MODEL } from "./model.js";

const TOGETHER = 4; // weights of a filter that are applied in one pass

const constants = readConstants();

/**
 * Run the network on a glyph (784 values, 0 to 255).
 *
 * Returns the probabilities, and the feature maps {shape: [1, channels, height, width], data} of each layer.
 */
export function classify(glyph) {
  const values = new Map(constants);
  values.set(MODEL.input, { shape: [1, 28, 28], data: Float32Array.from(glyph) });
  const maps = [];
  for (const { operator, inputs, output, attributes } of MODEL.nodes) {
    const result = OPERATORS[operator](attributes, ...inputs.map((name) => values.get(name)));
    values.set(output, result);
    if (operator === "Relu" && result.shape.length === 4) maps.push(result);
  }
  return { probabilities: values.get(MODEL.output).data, maps };
}

const OPERATORS = {
  Unsqueeze: (_, { shape, data }, axes) => {
    const wider = [...shape];
    for (const axis of axes.data) wider.splice(axis, 0, 1);
    return { shape: wider, data };
  },
  Cast: (_, tensor) => tensor, // to float32, which every tensor here has
  Identity: (_, tensor) => tensor,
  Flatten: (_, { data }) => ({ shape: [1, data.length], data }),
  Reshape: (_, { data }) => ({ shape: [1, data.length], data }), // to one row for each glyph
  Relu: relu,
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => a / b),
  Conv: convolve,
  MaxPool: maxPool,
  Gemm: ({ transB = 0 }, row, weight, bias) => multiply(row, weight, transB, bias?.data),
  MatMul: (_, row, weight) => multiply(row, weight, 0),
  Softmax: softmax,
  Slice: slice,
};

/** An operator on a tensor and a constant: one number, or one for each position of the last axis. */
function elementwise(combine) {
  return (_, { shape, data }, { data: other }) => {
    const result = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) result[i] = combine(data[i], other[i % other.length]);
    return { shape, data: result };
  };
}

function relu(_, { shape, data }) {
  const result = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) result[i] = Math.max(data[i], 0);
  return { shape, data: result };
}

function convolve({ strides = [1, 1], pads = [0, 0, 0, 0] }, input, weight, bias) {
  const [outputs, inputs, kernelHeight, kernelWidth] = weight.shape;
  const padded = pad(input, pads, 0);
  const rows = Math.floor((padded.height - kernelHeight) / strides[0]) + 1;
  const columns = Math.floor((padded.width - kernelWidth) / strides[1]) + 1;
  const size = rows * columns;
  // What each weight of a filter meets at all positions of the output.
  const met = [];
  for (let channel = 0; channel < inputs; channel++) {
    for (let y = 0; y < kernelHeight; y++) {
      for (let x = 0; x < kernelWidth; x++) met.push(view(padded, channel, y, x, strides, rows, columns));
    }
  }
  const count = met.length;
  while (met.length % TOGETHER) met.push(met[0]); // with a weight of 0
  const result = new Float32Array(outputs * size);
  for (let output = 0; output < outputs; output++) {
    const sums = new Float64Array(size).fill(bias ? bias.data[output] : 0);
    const weights = new Float64Array(met.length);
    weights.set(weight.data.subarray(output * count, (output + 1) * count));
    for (let i = 0; i < met.length; i += TOGETHER) addProducts(sums, weights, met, i);
    result.set(sums, output * size);
  }
  return { shape: [1, outputs, rows, columns], data: result };
}

/** Every `strides`-th value of a channel from row `top` and column `left` on, (rows * columns). */
function view({ data, height, width }, channel, top, left, strides, rows, columns) {
  const values = new Float32Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    const start = (channel * height + top + y * strides[0]) * width + left;
    for (let x = 0; x < columns; x++) values[y * columns + x] = data[start + x * strides[1]];
  }
  return values;
}

/** Add the products of `TOGETHER` weights from the i-th on with what they meet; one at a time takes twice as long. */
function addProducts(sums, weights, met, i) {
  const [a, b, c, d] = [weights[i], weights[i + 1], weights[i + 2], weights[i + 3]];
  const [meetsA, meetsB, meetsC, meetsD] = [met[i], met[i + 1], met[i + 2], met[i + 3]];
  for (let at = 0; at < sums.length; at++) {
    sums[at] += a * meetsA[at] + b * meetsB[at] + c * meetsC[at] + d * meetsD[at];
  }
}

function maxPool({ kernel_shape: [kernelHeight, kernelWidth], strides = [1, 1], pads = [0, 0, 0, 0], ceil_mode = 0 }, input) {
  const channels = input.shape[1];
  const { data, height, width } = pad(input, pads, -Infinity);
  const round = ceil_mode ? Math.ceil : Math.floor;
  const rows = round((height - kernelHeight) / strides[0]) + 1;
  const columns = round((width - kernelWidth) / strides[1]) + 1;
  const result = new Float32Array(channels * rows * columns).fill(-Infinity);
  for (let i = 0; i < result.length; i++) {
    const [channel, y, x] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
    const [bottom, right] = [Math.min(y * strides[0] + kernelHeight, height), Math.min(x * strides[1] + kernelWidth, width)];
    for (let row = y * strides[0]; row < bottom; row++) {
      for (let column = x * strides[1]; column < right; column++) {
        result[i] = Math.max(result[i], data[(channel * height + row) * width + column]);
      }
    }
  }
  return { shape: [1, channels, rows, columns], data: result };
}

/** Surround each channel by a margin; `pads` are top, left, bottom, right. */
function pad({ shape: [, channels, height, width], data }, [top, left, bottom, right], value) {
  if (!(top || left || bottom || right)) return { data, height, width };
  const [rows, columns] = [height + top + bottom, width + left + right];
  const padded = new Float32Array(channels * rows * columns).fill(value);
  for (let line = 0; line < channels * height; line++) {
    const row = Math.floor(line / height) * rows + (line % height) + top;
    padded.set(data.subarray(line * width, (line + 1) * width), row * columns + left);
  }
  return { data: padded, height: rows, width: columns };
}

/** Product of a row (1, n) with a matrix (n, m), or (m, n) if `transposed`, plus a bias. */
function multiply(row, weight, transposed, bias) {
  const n = row.data.length;
  const m = weight.data.length / n;
  const data = new Float32Array(m);
  for (let column = 0; column < m; column++) {
    let sum = bias ? bias[column % bias.length] : 0;
    for (let i = 0; i < n; i++) sum += row.data[i] * weight.data[transposed ? column * n + i : i * m + column];
    data[column] = sum;
  }
  return { shape: [1, m], data };
}

function softmax(_, { shape, data }) {
  const highest = data.reduce((most, value) => Math.max(most, value), -Infinity);
  const powers = data.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return { shape, data: powers.map((power) => power / sum) };
}

/** Cut along the given axes, with steps of 1; negative starts and ends count from the end. */
function slice(_, { shape, data }, starts, ends, axes) {
  let cut = { shape, data };
  axes.data.forEach((axis, i) => {
    const size = cut.shape[axis];
    const [start, end] = [starts, ends].map((all) => Math.min(all.data[i] < 0 ? all.data[i] + size : all.data[i], size));
    const inner = cut.shape.slice(axis + 1).reduce((product, length) => product * length, 1);
    const kept = cut.data.filter((_, at) => {
      const position = Math.floor(at / inner) % size;
      return position >= start && position < end;
    });
    cut = { shape: cut.shape.with(axis, end - start), data: kept };
  });
  return cut;
}

/** The constants of the model by name: single numbers and whole ones as they are, weights decoded from base64. */
function readConstants() {
  const text = atob(MODEL.weights);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const content = new DataView(bytes.buffer);
  let at = 0;
  return MODEL.constants.map(({ name, shape, values }) => {
    if (values) return [name, { shape, data: values }];
    const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
    for (let i = 0; i < data.length; i++) {
      data[i] = MODEL.halves ? readHalf(content.getUint16(at, true)) : content.getFloat32(at, true);
      at += MODEL.halves ? 2 : 4;
    }
    return [name, { shape, data }];
  });
}

/** The value of a float16, IEEE 754; weights are finite. */
function readHalf(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction;
  return bits >> 15 ? -size : size;
}
