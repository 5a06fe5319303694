// Pictures of a network's feature maps: one canvas for each layer.

const GAP = 1; // pixels between maps
const COLUMNS = 12; // maps in a row

/** Draw the maps of a layer, {shape: [1, channels, height, width], data}, in a color; bright is a strong response. */
export function drawFeatureMaps(canvas, { shape: [, channels, height, width], data }, [red, green, blue]) {
  const columns = Math.min(COLUMNS, channels);
  canvas.width = columns * (width + GAP) - GAP;
  canvas.height = Math.ceil(channels / columns) * (height + GAP) - GAP;
  const context = canvas.getContext("2d");
  const most = data.reduce((greatest, value) => Math.max(greatest, value), 1e-6);
  for (let channel = 0; channel < channels; channel++) {
    const image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      image.data.set([red, green, blue, Math.round((255 * data[channel * width * height + i]) / most)], 4 * i);
    }
    context.putImageData(image, (channel % columns) * (width + GAP), Math.floor(channel / columns) * (height + GAP));
  }
}
