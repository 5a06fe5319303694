"""A model file: one ONNX graph with all that belongs to it in its metadata."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError, ModelError
from inkwise._util.inputs import MEGABYTE, is_folder, is_there, read_input
from inkwise._util.text import parse_json
from inkwise.recognition.external_data import has_external_data
from inkwise.recognition.runtime import onnxruntime as ort

METADATA_KEY = "inkwise"

_WEIGHTS = resources.files("inkwise.recognition") / "weights"
_LARGEST = 512 * MEGABYTE  # of a model file, in bytes; the largest bundled one has 4 MB
_BATCH_SIZE = 64  # fits the processor's cache; larger batches are no faster
_REQUIRED_METADATA: dict[str, type] = {"name": str, "labels": list, "threshold": float}
_INPUT, _OUTPUTS = "glyphs", ("probabilities", "embedding")


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
        self._session, self.metadata = open_session(source, threads, _REQUIRED_METADATA, _INPUT, _OUTPUTS)
        self.labels: tuple[str, ...] = tuple(self.metadata["labels"])
        shapes = {value.name: value.shape for value in self._session.get_outputs()}
        columns = {size for size in shapes[_OUTPUTS[0]][-1:] if isinstance(size, int)}  # else a variable
        if not all(isinstance(label, str) for label in self.labels) or columns - {len(self.labels)}:
            raise ModelError(f"{_source_name(source)}: its labels are not texts, one for each probability")
        self.threshold = float(self.metadata["threshold"])
        self.rejects = has_reject_class(self.metadata)
        self.name = dated_name(self.metadata)

    @classmethod
    def bundled(cls, *, threads: int = 0) -> Model:
        """The weights that come with the package."""
        return cls(model_source("default"), threads=threads)

    def run(self, glyphs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Probabilities (n, k) float32 and embeddings (n, d) float32 of glyphs (n, 28, 28) uint8.

        Raises:
            InkwiseError: glyphs of another shape or dtype.
            ModelError: the model fails, or gives what are no probabilities, such as NaN.
        """
        if glyphs.dtype != np.uint8 or glyphs.ndim != 3 or glyphs.shape[1:] != (28, 28):
            raise InkwiseError(f"glyphs must be (n, 28, 28) uint8, not {glyphs.shape} {glyphs.dtype}")
        parts = [
            run_session(self._session, self.name, _OUTPUTS, {_INPUT: glyphs[start : start + _BATCH_SIZE]})
            for start in range(0, max(len(glyphs), 1), _BATCH_SIZE)
        ]
        probabilities, embeddings = (np.concatenate(part) for part in zip(*parts, strict=True))
        shapes = probabilities.shape == (len(glyphs), len(self.labels)) and embeddings.ndim == 2
        # NaN fails every comparison; rounding may lead a little beyond 0 and 1.
        if not shapes or not (np.abs(probabilities - 0.5) < 0.51).all() or not np.isfinite(embeddings).all():
            raise ModelError(f"the model {self.name} cannot be used: what it gives are no probabilities")
        return probabilities, embeddings


def has_reject_class(metadata: dict[str, Any]) -> bool:
    """Whether the model of these metadata has a class more than labels, the last: "not a digit"."""
    return metadata.get("rejects") is True


def bundled_models(weights: Traversable | None = None) -> list[str]:
    """The names of the models that come with the package, sorted: in this folder, or those of glyphs."""
    files = (Path(file.name) for file in (weights or _WEIGHTS).iterdir())
    return sorted(file.stem for file in files if file.suffix == ".onnx")


def model_source(name: str | Path, weights: Traversable | None = None) -> Path | bytes:
    """What `Model` opens for an .onnx file, a run folder, or the name of a bundled model.

    A folder called as a bundled model is, say, `./tiny`. `weights` is the package's folder of bundled models;
    None takes that of glyphs.

    Raises:
        ModelError: it is none of the three, nor called .onnx.
    """
    path = Path(name)
    if path.suffix != ".onnx":
        if str(name) in (bundled := bundled_models(weights)):
            return ((weights or _WEIGHTS) / f"{name}.onnx").read_bytes()
        if not is_there(path):
            raise ModelError(f"{name}: cannot be opened (no such file; bundled models: {', '.join(bundled)})")
    return path / "model.onnx" if is_folder(path) else path


def model_content(source: str | Path | bytes) -> bytes:
    """The bytes of a model file.

    Raises:
        ModelError: the file cannot be read, or is too large.
    """
    return source if isinstance(source, bytes) else read_input(source, _LARGEST, ModelError)


def open_session(
    source: str | Path | bytes, threads: int, needed: dict[str, type], given: str, outputs: Sequence[str]
) -> tuple[ort.InferenceSession, dict[str, Any]]:
    """An ONNX session of a file, or its bytes, and its metadata.

    Args:
        source: the .onnx file, or its bytes.
        threads: processor threads to use; 0 takes one a core.
        needed: keys that the metadata must have, and the types of their values.
        given: name of the graph's input.
        outputs: names of the graph's outputs that there must be.

    Raises:
        ModelError: no such file, not ONNX, or without these metadata, inputs and outputs.
    """
    path = _source_name(source)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    # Its other format, made for one version and one machine, is loaded with fewer checks.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    graph = model_content(source)
    try:
        if has_external_data(graph):
            raise ModelError(f"{path}: keeps weights in other files, which are never opened; save it as one")
        # Else it says on stdout that a model is damaged, and tries the same again.
        quiet = {"enable_fallback": 0}
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"], **quiet)
    except ModelError:
        raise
    except Exception:  # onnxruntime raises classes of its own, by kind of damage
        raise ModelError(f"{path}: is not an ONNX model that can be run") from None
    text: str | None = ""  # it stays so where it is no UTF-8, as names of values and dimensions may not be
    try:
        text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        metadata = {} if text is None else dict(parse_json(text))
        sound = all(isinstance(metadata[key], kind) for key, kind in needed.items())
        sound &= given in {value.name for value in session.get_inputs()}
        sound &= {*outputs} <= {value.name: value.shape for value in session.get_outputs()}.keys()
    except (ValueError, TypeError, KeyError):
        sound = False
    if text is None:
        raise ModelError(f"{path}: is an ONNX model but not one of Inkwise's (no metadata)")
    if not sound:
        raise ModelError(f"{path}: its metadata or its inputs and outputs are not those of an Inkwise model")
    return session, metadata


def run_session(
    session: ort.InferenceSession, name: str, outputs: Sequence[str], inputs: dict[str, NDArray[np.uint8]]
) -> list[NDArray[np.float32]]:
    """The outputs of a session.

    Raises:
        ModelError: onnxruntime fails; the message has the model's name.
    """
    try:
        found: list[NDArray[np.float32]] = session.run(outputs, inputs)
    except Exception:  # onnxruntime raises classes of its own
        raise ModelError(f"the model {name} cannot be run") from None
    return found


def _source_name(source: str | Path | bytes) -> str:
    """What messages call a model."""
    return "the model" if isinstance(source, bytes) else str(source)


def dated_name(metadata: dict[str, Any]) -> str:
    """ "recipe (day of training)"."""
    trained = str(metadata.get("trained", ""))[:10]
    return f"{metadata['name']} ({trained})" if trained else str(metadata["name"])
