"""Export of a trained line reader to ONNX, calibrated on numbers of validation writers.

    python -m inkwise.training.number_export WEIGHTS.onnx DATA OUT.onnx CHECKPOINT.pt.. [--mix SHARE]

The exported weights are the mean of the checkpoints (M. Wortsman et al., "Model soups", ICML 2022), mixed
with the untuned ones (WiSE-FT, M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
They are stored as float16 and computed with as float32.
"""

from __future__ import annotations

import argparse
import math
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from inkwise.preprocessing.line_image import strokes_to_line_image
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.model import UNKNOWN, LineModel, Model
from inkwise.recognition.number_reader import NumberReader
from inkwise.recognition.stroke_reader import StrokeReader
from inkwise.training.number_models import number_net_to_onnx
from inkwise.training.number_training import pretrained, text_loss, to_input
from inkwise.training.onnx_models import get_metadata, set_metadata
from inkwise.training.svtr_lcnet import SvtrLcnet
from inkwise.training.synthesis.allographs import Stroke
from inkwise.training.synthesis.number_pool import build_number_pool
from inkwise.training.synthesis.number_texts import NUMBER_CHARACTERS
from inkwise.training.synthesis.writer_numbers import Line, compose_numbers

_MIN_ACCURACY = 0.99  # of the numbers above the threshold
_COMPOSED_NUMBERS = 800  # whose accuracy chooses the threshold, too: the drawn ones alone are few
_LICENCE = "Apache-2.0; started from PP-OCRv6 small (PaddleOCR, Baidu, Apache-2.0)"
_INPUT = "grey lines, dark on light, 48 rows, digits some 32 high, width a multiple of 8"

Numbers = list[tuple[list[Stroke], str]]


def export(net: SvtrLcnet, numbers: Numbers, lines: list[Line], facts: dict[str, Any]) -> onnx.ModelProto:
    """Calibrate a network on drawn numbers and on lines, and convert it, with metadata, to ONNX."""
    temperature = fit_temperature(net.eval(), numbers)
    metadata = facts | {
        "symbols": NUMBER_CHARACTERS.replace(" ", ""),
        "input": _INPUT,
        "licence": _LICENCE,
        "temperature": round(temperature, 4),
        "threshold": 0.0,
    }
    model = number_net_to_onnx(net, metadata)
    probabilities, right = read_numbers(model.SerializeToString(), numbers, lines)
    metadata["threshold"] = accuracy_threshold(probabilities, right)
    metadata["metrics"] = {
        "validation": {
            "n": len(right),
            "misses": int((~right).sum()),
            "accepted": int((probabilities >= metadata["threshold"]).sum()),
        }
    }
    set_metadata(model, metadata)
    return model


@torch.no_grad()
def fit_temperature(net: SvtrLcnet, numbers: Numbers) -> float:
    """The temperature, within 0.3 and 3, that maximizes the likelihood of the texts.

    After Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, for texts instead of classes.
    """
    found = []
    for strokes, text in numbers:
        image = strokes_to_line_image(strokes)
        if image is not None:
            line = np.pad(255 - image.ink, ((0, 0), (0, -image.ink.shape[1] % 8)), constant_values=255)
            found.append((net(to_input(torch.from_numpy(line)[None, None])), text))

    def loss(log_temperature: float) -> float:
        scale = math.exp(log_temperature)
        return sum(min(float(text_loss(logits / scale, [text])), 20.0) for logits, text in found)

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.3), np.log(3)), method="bounded").x))


def read_numbers(
    model: bytes, numbers: Numbers, lines: list[Line]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probabilities of the texts that a model of threshold 0 reads, and whether they are right."""
    digits = DigitReader(Model.bundled(threads=1))
    reader = StrokeReader(digits, NumberReader(LineModel(model, threads=1)))
    drawn = [reader.read_number(strokes) for strokes, _ in numbers]
    composed = [reader.numbers.read_line(ink) for ink, _ in lines]
    found = [(reading.confidence, reading.text) for reading in drawn]
    found += [(line.probability, line.text or "") for line in composed]
    texts = [text.replace(" ", "").replace(UNKNOWN, "") for _, text in (*numbers, *lines)]
    probabilities, answers = zip(*found, strict=True)
    return np.array(probabilities), np.array(answers) == np.array(texts)


def accuracy_threshold(probabilities: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The lowest probability above which 99 % of the readings are right, rounded down to four digits.

    Args:
        probabilities: (n,).
        right: (n,).
    """
    order = np.argsort(-probabilities, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= _MIN_ACCURACY)
    least = float(probabilities[order[enough[-1]]]) if len(enough) else 1.0
    return math.floor(1e4 * least) / 1e4


def main() -> None:
    """Export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--mix", type=float, default=0.6, help="share of the checkpoints")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    net = pretrained(arguments.weights)
    states = [torch.load(path, weights_only=True) for path in arguments.checkpoints]
    mixed = {
        name: value.lerp(torch.stack([state["average"][name] for state in states]).mean(0), arguments.mix)
        for name, value in net.state_dict().items()
    }
    net.load_state_dict(mixed)
    facts = {
        "format": 1,
        "name": "numbers",
        "steps": [state["step"] for state in states],
        "mix": arguments.mix,
        "versions": {name: version(name) for name in ("inkwise", "torch", "numpy", "opencv-python-headless")}
        | {"python": platform.python_version()},
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    pool = build_number_pool(arguments.data, "validation")
    lines = compose_numbers(pool, _COMPOSED_NUMBERS, np.random.default_rng(0))
    model = export(net, pool.numbers, lines, facts)
    arguments.out.write_bytes(model.SerializeToString())
    metadata = get_metadata(model)
    print({key: metadata[key] for key in ("temperature", "threshold", "metrics")})


if __name__ == "__main__":
    main()
