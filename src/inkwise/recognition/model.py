"""A model file: one ONNX graph with all that belongs to it in its metadata."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from inkwise.errors import InkwiseError, ModelError

METADATA_KEY = "inkwise"

_WEIGHTS = resources.files("inkwise.recognition") / "weights"
_BATCH = 64  # fits the processor's cache; larger batches are no faster
_NEEDED: dict[str, type] = {"name": str, "labels": list, "threshold": float}


class Model:
    """An ONNX session from glyphs to probabilities and embeddings.

    Attributes:
        name: "recipe (day of training)".
        labels: the k classes, in the order of the probabilities' columns.
        threshold: what the highest probability must reach to be accepted.
        rejects: whether it has learnt what is no digit. Then its probabilities sum to 1 minus that of "not a
            digit", else to 1.
        metadata: labels, temperature, threshold, recipe, data, metrics and versions of the training.
    """

    def __init__(self, source: str | Path | bytes, *, threads: int = 0) -> None:
        """Open a model file.

        Args:
            source: the .onnx file, or its bytes.
            threads: processor threads to use; 0 takes one a core.

        Raises:
            ModelError: no such file, not ONNX, or not made by Inkwise.
        """
        path = "the model" if isinstance(source, bytes) else source
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        try:
            # From bytes, so that a graph cannot name other files to load.
            graph = source if isinstance(source, bytes) else Path(source).read_bytes()
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise ModelError(f"{path}: cannot be opened ({error.strerror})") from None
        except Exception:  # onnxruntime raises classes of its own, by kind of damage
            raise ModelError(f"{path}: is not an ONNX model that can be run") from None
        self.metadata = _metadata(self._session, path)
        self.labels: tuple[str, ...] = tuple(self.metadata["labels"])
        self.threshold = float(self.metadata["threshold"])
        self.rejects = rejects(self.metadata)
        trained = str(self.metadata.get("trained", ""))[:10]
        self.name = f"{self.metadata['name']} ({trained})" if trained else str(self.metadata["name"])

    @classmethod
    def bundled(cls, *, threads: int = 0) -> Model:
        """The weights that come with the package."""
        return cls(model_source("default"), threads=threads)

    def run(self, glyphs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Probabilities (n, k) float32 and embeddings (n, d) float32 of glyphs (n, 28, 28) uint8.

        Raises:
            InkwiseError: glyphs of another shape or dtype.
        """
        if glyphs.dtype != np.uint8 or glyphs.ndim != 3 or glyphs.shape[1:] != (28, 28):
            raise InkwiseError(f"glyphs must be (n, 28, 28) uint8, not {glyphs.shape} {glyphs.dtype}")
        parts = [
            self._session.run(["probabilities", "embedding"], {"glyphs": glyphs[start : start + _BATCH]})
            for start in range(0, max(len(glyphs), 1), _BATCH)
        ]
        probabilities, embeddings = (np.concatenate(part) for part in zip(*parts, strict=True))
        return probabilities, embeddings


def rejects(metadata: dict[str, Any]) -> bool:
    """Whether the model of these metadata has a class more than labels, the last: "not a digit"."""
    return metadata.get("rejects") is True


def bundled_models() -> list[str]:
    """The names of the models that come with the package, sorted."""
    files = (Path(file.name) for file in _WEIGHTS.iterdir())
    return sorted(file.stem for file in files if file.suffix == ".onnx")


def model_source(name: str | Path) -> Path | bytes:
    """What `Model` opens for an .onnx file, a run folder, or the name of a bundled model.

    A folder called as a bundled model is, say, `./tiny`.

    Raises:
        ModelError: it is none of the three, nor called .onnx.
    """
    if str(name) in (bundled := bundled_models()):
        return (_WEIGHTS / f"{name}.onnx").read_bytes()
    path = Path(name)
    if path.suffix != ".onnx" and not path.exists():
        raise ModelError(f"{name}: cannot be opened (no such file; bundled models: {', '.join(bundled)})")
    return path / "model.onnx" if path.is_dir() else path


def _metadata(session: ort.InferenceSession, path: str | Path) -> dict[str, Any]:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ModelError(f"{path}: is an ONNX model but not one of Inkwise's (no metadata)")
    try:
        metadata = dict(json.loads(text))
        sound = all(isinstance(metadata[key], kind) for key, kind in _NEEDED.items())
    except (ValueError, TypeError, KeyError):
        sound = False
    names = {"glyphs"} <= {value.name for value in session.get_inputs()}
    names &= {"probabilities", "embedding"} <= {value.name for value in session.get_outputs()}
    if not sound or not names:
        raise ModelError(f"{path}: its metadata or its inputs and outputs are not those of an Inkwise model")
    return metadata
