"""SVTR-LCNet, the recognition network of PP-OCRv6 small, and its pre-trained weights.

References:
    PaddleOCR, `rec_lcnetv4.py` and `rnn.py`, Apache-2.0, https://github.com/PaddlePaddle/PaddleOCR.
    C. Cui et al., "PP-LCNet: A Lightweight CPU Convolutional Neural Network", 2021.
    Y. Du et al., "SVTR: Scene Text Recognition with a Single Visual Model", IJCAI 2022.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from inkwise._util.errors import ModelError

LINE_HEIGHT = 48
"""Height of the pictures of lines that the network reads, pixels."""

FRAME_STEP = 4
"""Width of a frame, pixels."""

PRETRAINED_SHA256 = "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
"""SHA-256 of the weights in the wheel `rapidocr` 3.10.0, licensed by Baidu under Apache-2.0."""

_STEM_WIDTHS = (48, 24, 96)  # channels of the stem: outside, between, at the end
_BLOCKS = (  # inputs, outputs, vertical stride, squeeze-and-excitation
    (96, 96, 1, True),
    (96, 96, 1, False),
    (96, 96, 1, False),
    (96, 192, 2, False),
    *((192, 192, 1, gated) for gated in (True, False) * 3),
    (192, 384, 2, False),
    (384, 384, 1, True),
    (384, 384, 1, False),
)
_NECK_WIDTH = 120
_HEADS = 8


class SvtrLcnet(nn.Module):
    """Grey pictures (n, 1, 48, w) float in 0..1 to logits (n, frames, classes).

    The original pools its features to a frame per eight columns. With a frame step of 4 there is one per four
    columns, so that narrow digits and points get frames of their own: the pooling overlaps and the local
    convolution is dilated, by which every other frame is the original's, but for what attention sees.

    Batch-norm is fused into the convolutions, as in the weights that PaddleOCR exports.
    """

    def __init__(self, classes: int, frame_step: int = FRAME_STEP, dropout: float = 0.0) -> None:
        """Build it untrained.

        Args:
            classes: number of classes, with the blank.
            frame_step: 4 or 8, columns per frame.
            dropout: share of the neck's output that is dropped in training.
        """
        super().__init__()
        self.stem = StemBlock(*_STEM_WIDTHS)
        self.blocks = nn.Sequential(*(LcnetBlock(*block) for block in _BLOCKS))
        self.overlapping = frame_step == 4
        self.neck = LightSvtr(_BLOCKS[-1][1], _NECK_WIDTH, dilation=8 // frame_step)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(_NECK_WIDTH, classes)

    def features(self, pictures: Tensor) -> Tensor:
        """Features (n, 384, 3, w / 4) of the backbone."""
        features: Tensor = self.blocks(self.stem(2 * pictures - 1))
        return features

    def pool(self, features: Tensor) -> Tensor:
        """Features (n, 384, 1, frames) of whole columns."""
        if self.overlapping:
            return F.avg_pool2d(F.pad(features, (0, 1, 0, 0), mode="replicate"), (3, 2), (3, 1))
        return F.avg_pool2d(features, (3, 2))

    def classify(self, pooled: Tensor) -> Tensor:
        """Logits (n, frames, classes) of pooled features."""
        logits: Tensor = self.head(self.dropout(self.neck(pooled)))
        return logits

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (n, frames, classes); the first class is the blank."""
        return self.classify(self.pool(self.features(pictures)))


class StemBlock(nn.Module):
    """Two branches between two convolutions of stride 2: (n, 1, h, w) to (n, c, h / 4, w / 4)."""

    def __init__(self, outer: int, inner: int, outputs: int) -> None:
        """Take the channels outside and within the branch, and at the end."""
        super().__init__()
        self.stem1 = nn.Conv2d(1, outer, 3, 2, padding=1)
        self.stem2a = nn.Conv2d(outer, inner, 2)
        self.stem2b = nn.Conv2d(inner, outer, 2)
        self.stem3 = nn.Conv2d(2 * outer, outer, 3, 2, padding=1)
        self.stem4 = nn.Conv2d(outer, outputs, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of pictures."""
        right_and_below = (0, 1, 0, 1)
        trunk = F.pad(F.relu(self.stem1(pictures)), right_and_below)
        branch = F.pad(F.relu(self.stem2a(trunk)), right_and_below)
        both = torch.cat([F.max_pool2d(trunk, 2, 1), F.relu(self.stem2b(branch))], 1)
        return F.relu(self.stem4(F.relu(self.stem3(both))))


class SqueezeExcitation(nn.Module):
    """Channels weighted by their mean over the picture.

    J. Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018.
    """

    def __init__(self, channels: int) -> None:
        """Take the number of channels."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels // 4, 1)
        self.conv2 = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Weighted features."""
        squeezed = F.relu(self.conv1(features.mean((2, 3), keepdim=True)))
        return features * F.hardsigmoid(self.conv2(squeezed))


class LcnetBlock(nn.Module):
    """Depthwise convolution, then two pointwise ones; a residual around these where channels stay equal."""

    def __init__(self, inputs: int, outputs: int, stride: int, gated: bool) -> None:
        """Take channels, the vertical stride and whether squeeze-and-excitation follows the first."""
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, (stride, 1), padding=1, groups=inputs)
        self.gate = SqueezeExcitation(inputs) if gated else nn.Identity()
        self.expand = nn.Conv2d(inputs, 2 * inputs, 1)
        self.project = nn.Conv2d(2 * inputs, outputs, 1)
        self.residual = inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same or half the height."""
        mixed = self.gate(self.depthwise(features))
        changed: Tensor = self.project(F.gelu(self.expand(mixed)))
        return mixed + changed if self.residual else changed


class LightSvtr(nn.Module):
    """A local convolution and two transformer blocks over frames, beside a skip connection."""

    def __init__(self, inputs: int, width: int, dilation: int) -> None:
        """Take channels and the distance, in frames, between inputs of the local convolution."""
        super().__init__()
        self.skip = nn.Conv2d(inputs, width, 1)
        self.reduce = nn.Conv2d(inputs, width, 1)
        self.local = nn.Conv2d(
            width, width, (1, 7), padding=(0, 3 * dilation), dilation=(1, dilation), groups=width
        )
        self.blocks = nn.Sequential(TransformerBlock(width), TransformerBlock(width))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, pooled: Tensor) -> Tensor:
        """Frames (n, frames, width) of features (n, inputs, 1, frames)."""
        reduced = F.silu(self.reduce(pooled))
        mixed = (reduced + F.silu(self.local(reduced)))[:, :, 0].transpose(1, 2)
        frames: Tensor = self.norm(self.blocks(mixed))
        return frames + F.silu(self.skip(pooled))[:, :, 0].transpose(1, 2)


class TransformerBlock(nn.Module):
    """Self-attention over all frames and a perceptron, each after a layer norm and with a residual."""

    def __init__(self, width: int) -> None:
        """Take the width of a frame."""
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames (n, frames, width)."""
        n, count, width = frames.shape
        parts = self.qkv(self.norm1(frames)).view(n, count, 3, _HEADS, width // _HEADS).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(*parts.unbind(0))
        frames = frames + self.output(attended.transpose(1, 2).reshape(n, count, width))
        narrowed: Tensor = self.narrow(F.silu(self.widen(self.norm2(frames))))
        return frames + narrowed


def load_pretrained(path: Path, characters: str, others: str = "", frame_step: int = FRAME_STEP) -> SvtrLcnet:
    """The pre-trained network with a head cut to some characters.

    Args:
        path: `PP-OCRv6_rec_small.onnx` of the rapidocr wheel.
        characters: classes after the blank, with those that the network does not know: these start as the
            mean of `others`.
        others: characters that those stand for.
        frame_step: 4 or 8, columns per frame.

    Raises:
        ModelError: the file is another one.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != PRETRAINED_SHA256:
        raise ModelError(f"{path}: is not PP-OCRv6_rec_small.onnx of rapidocr 3.10.0 (its SHA-256 differs)")
    graph = onnx.load_model_from_string(content)
    layers = list(_layers(graph.graph))
    weight, bias = layers.pop()
    known = next(entry.value for entry in graph.metadata_props if entry.key == "character").split("\n")
    column = {character: number for number, character in enumerate(known, 1)} | {" ": len(bias) - 1}
    rest = [column[character] for character in others]
    columns = [[0], *([column[character]] if character in column else rest for character in characters)]
    layers.append((np.stack([weight[part].mean(0) for part in columns]), bias_of(bias, columns)))
    net = SvtrLcnet(len(columns), frame_step)
    parts = [part for part in net.modules() if isinstance(part, nn.Conv2d | nn.Linear | nn.LayerNorm)]
    with torch.no_grad():
        for part, (own_weight, own_bias) in zip(parts, layers, strict=True):
            if part is net.stem.stem1:  # grey in place of three equal channels
                own_weight = own_weight.sum(1, keepdims=True)
            part.weight.copy_(torch.from_numpy(own_weight))
            assert part.bias is not None
            part.bias.copy_(torch.from_numpy(own_bias))
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def bias_of(bias: np.ndarray, columns: list[list[int]]) -> np.ndarray:
    """The bias of each class (k,); a class of several characters gets their mean."""
    return np.stack([bias[part].mean() for part in columns])


def _layers(graph: onnx.GraphProto) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of convolutions, linear layers and layer norms in the order of the graph."""
    values = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type == "Identity" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    consumers = {name: node for node in graph.node for name in node.input}

    def constant(node: onnx.NodeProto) -> np.ndarray | None:
        return next((values[name] for name in node.input if name in values), None)

    for node in graph.node:
        own = constant(node)
        if own is None:
            continue
        following = consumers.get(node.output[0])
        if node.op_type == "Conv" and following is not None and following.op_type == "BatchNormalization":
            scale, shift, mean, variance = (values[name] for name in following.input[1:5])
            factor = scale / np.sqrt(variance + 1e-5)
            yield own * factor[:, None, None, None], shift - mean * factor
        elif node.op_type in ("Conv", "MatMul") or (node.op_type == "Mul" and own.shape == (_NECK_WIDTH,)):
            assert following is not None
            bias = constant(following)
            assert bias is not None
            yield (own.T if node.op_type == "MatMul" else own), bias.ravel()
