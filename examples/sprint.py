"""MNIST to 99 % in two seconds of two cores, in one file that reads from top to bottom.

python examples/sprint.py [99|993|995] [SEED]

What the recipes sprint-99, sprint-993 and sprint-995 do, without checkpoints, export and report. The
digits are MNIST's, downloaded once.
"""

import math
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from inkwise.datasets import load_dataset

# digits, epochs, batch, learning rate, augmentation, channels of the convolutions
LENGTHS = {
    "99": (22_500, 1, 128, 0.03, 0.0, (32, 32, 48, 48)),
    "993": (55_000, 1, 128, 0.03, 0.3, (32, 48, 64, 64)),
    "995": (55_000, 2, 192, 0.027, 1.0, (32, 48, 64, 64)),
}
WARMUP, WEIGHT_DECAY, LABEL_SMOOTHING = 0.2, 0.02, 0.1
cpuinfo = Path("/proc/cpuinfo")
BFLOAT16 = cpuinfo.exists() and "avx512_bf16" in cpuinfo.read_text()  # else 16 bits are slower than 32


def load(name):
    """Glyphs (n, 28, 28) uint8 and classes (n,) int64."""
    whole = load_dataset(name)
    return torch.from_numpy(whole.glyphs), torch.tensor([int(label) for label in whole.labels.tolist()])


def prepare(glyphs):
    """Floats (n, 1, 28, 28) in 0..1."""
    return glyphs[:, None].float() / 255


class Net(nn.Module):
    """Two convolutions from 24x24 to 5x5, then those of the other channels, the last to 3x3."""

    def __init__(self, channels):
        """Take the channels of all convolutions."""
        super().__init__()
        first, second, *others = channels
        layers = [nn.Conv2d(1, first, 5, stride=2), nn.ReLU(inplace=True)]  # 10x10
        layers += [nn.Conv2d(first, second, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(inplace=True)]  # 5x5
        for number, outputs in enumerate(others, 1):
            padding = int(number < len(others))
            convolution = nn.Conv2d(channels[number], outputs, 3, padding=padding, bias=False)
            layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(9 * channels[-1], 10))
        self.to(memory_format=torch.channels_last)

    def forward(self, glyphs):
        """Logits (n, 10) of glyphs (n, 1, 28, 28)."""
        inner = glyphs[:, :, 2:-2, 2:-2]  # the border holds almost no ink
        return self.layers(((inner - 0.1307) / 0.3081).contiguous(memory_format=torch.channels_last))


def augment(glyphs, share):
    """Rotate by up to 10 degrees, scale by 10 %, shear by 0.15 and shift by 5 %, or a share of that."""
    angle, scale, shear, x, y = (2 * torch.rand(5, len(glyphs)) - 1) * share
    angle, scale = angle * math.radians(10), 1 / (1 + 0.1 * scale)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    rows = [cos, 0.15 * shear * cos - sin, 0.1 * x, sin, 0.15 * shear * sin + cos, 0.1 * y]
    grid = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(glyphs.shape), align_corners=False)
    return F.grid_sample(glyphs, grid, align_corners=False)


def orthogonal(gradient, state):
    """Muon's step: the gradient with momentum, made about orthogonal by three Newton-Schulz iterations."""
    momentum = state.setdefault("momentum", torch.zeros_like(gradient)).mul_(0.8).add_(gradient)
    flat = gradient.add(momentum, alpha=0.8).flatten(1)
    wide = flat.T if len(flat) > flat.shape[1] else flat
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(3):
        gram = wide @ wide.T
        wide = 3.4445 * wide + (2.0315 * gram @ gram - 4.775 * gram) @ wide
    return (wide.T if len(flat) > flat.shape[1] else wide).reshape(gradient.shape)


def adam(gradient, state):
    """Adam's step, for the head, the biases and batch-norm."""
    mean = state.setdefault("mean", torch.zeros_like(gradient)).lerp_(gradient, 0.1)
    square = state.setdefault("square", torch.zeros_like(gradient)).lerp_(gradient.square(), 0.001)
    steps = state["steps"] = state.get("steps", 0) + 1
    return mean / (1 - 0.9**steps) / ((square / (1 - 0.999**steps)).sqrt() + 1e-8)


@torch.no_grad()
def update(net, states, rate):
    """One step of the optimizer; filters learn at ten times the rate."""
    for weights, state in zip(net.parameters(), states, strict=True):
        own = 10 * rate if weights.ndim == 4 else rate
        if weights.ndim > 1:
            weights.mul_(1 - own * WEIGHT_DECAY)
        weights.sub_((orthogonal if weights.ndim == 4 else adam)(weights.grad, state), alpha=own)
        weights.grad = None


def schedule(done):
    """Share of the learning rate after a share of the steps: up and down, each along a cosine."""
    if done < WARMUP:
        return 0.04 + 0.96 * (0.5 - 0.5 * math.cos(math.pi * done / WARMUP))
    return 0.5 + 0.5 * math.cos(math.pi * (done - WARMUP) / (1 - WARMUP))


def train(glyphs, classes, epochs, batch, rate, augmentation, channels):
    """The trained network."""
    net = Net(channels)
    states = [{} for _ in net.parameters()]
    steps, step = epochs * math.ceil(len(glyphs) / batch), 0
    for _ in range(epochs):
        for chosen in torch.randperm(len(glyphs)).split(batch):
            inputs = prepare(glyphs[chosen])
            if augmentation:
                inputs = augment(inputs, augmentation)
            with torch.autocast("cpu", torch.bfloat16, enabled=BFLOAT16):
                logits = net(inputs).float()
            F.cross_entropy(logits, classes[chosen], label_smoothing=LABEL_SMOOTHING).backward()
            update(net, states, rate * schedule(step / steps))
            step += 1
    return net.eval()


length = sys.argv[1] if len(sys.argv) > 1 else "99"
torch.manual_seed(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
count, *settings = LENGTHS[length]
glyphs, classes = load("mnist-train")
own = torch.randperm(len(glyphs))[:count]
began = time.perf_counter()
net = train(glyphs[own], classes[own], *settings)
seconds = time.perf_counter() - began

glyphs, classes = load("mnist-test")
with torch.no_grad():
    answers = torch.cat([net(prepare(part)).argmax(1) for part in glyphs.split(1000)])
print(f"{int((answers != classes).sum())} misses of {len(classes):,} after {seconds:.1f} s")
