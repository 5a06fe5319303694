"""Model files: ONNX graphs with everything that belongs to them in their metadata."""

from __future__ import annotations

from functools import cache, cached_property, partial
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError, ModelError
from inkwise._util.inputs import MEGABYTE, is_folder, is_there, read_input
from inkwise._util.text import DIGITS, parse_json
from inkwise.preprocessing.line_image import LINE_HEIGHT
from inkwise.recognition.onnx_graph import has_external_data, with_outputs
from inkwise.recognition.runtime import onnxruntime as ort

METADATA_KEY = "inkwise"

LETTERS_MODEL = "letters"
"""Name of the bundled model that reads letters; in the database of corrections, its answers carry it."""

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Symbol of a line model for a word, or a sign that is neither a digit nor a separator."""

FRAME_COLUMNS = 4
"""Columns of a line image per frame of a lattice."""

_WEIGHTS = resources.files("inkwise.recognition") / "weights"
_LINE_WEIGHTS = _WEIGHTS / "lines"
_MAX_FILE_BYTES = 512 * MEGABYTE  # the largest bundled model has 6 MB
_WIDTH_STEP = 8  # widths of line images are padded to a multiple of it, pixels
_BATCH_SIZE = 64  # glyphs; fits the processor's cache, larger batches are no faster


def _open_session(graph: bytes, threads: int) -> Any:
    """Open a serialized model; ONNX Runtime has its own exception classes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    # ONNX Runtime's own format, specific to version and machine, is loaded with fewer checks.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # With its fallback enabled, it prints to stdout and tries a damaged model again.
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"], enable_fallback=0)


class Classifier(Protocol):
    """The interface of classifiers: `Model`, or anything with the same answers."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The k classes, in the order of the probability columns."""

    @property
    def threshold(self) -> float:
        """The highest probability from which an answer is accepted."""

    def run(self, glyphs: NDArray[np.uint8], /) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Map glyphs (n, 28, 28) uint8 to probabilities (n, k) float32 and embeddings (n, d) float32."""


class OnnxModel:
    """An ONNX session with its metadata.

    Attributes:
        name: "recipe (day of training)".
        threshold: probability from which a result is accepted.
        metadata: labels, temperature, threshold, recipe, data, metrics and versions of the training.
    """

    _required: ClassVar[dict[str, type]] = {"name": str, "threshold": float}  # metadata keys and their types
    _input: ClassVar[str]
    _outputs: ClassVar[tuple[str, ...]]

    def __init__(self, source: str | Path | bytes, *, threads: int = 0) -> None:
        """Open a model file.

        Args:
            source: the .onnx file, or its bytes.
            threads: processor threads; 0 is one per core.

        Raises:
            ModelError: no such file, not ONNX, or not an Inkwise model of this kind.
        """
        path = "the model" if isinstance(source, bytes) else str(source)
        graph = self._content = model_content(source)
        self._threads = threads
        try:
            if has_external_data(graph):
                raise ModelError(
                    f"{path}: keeps weights in other files, which are never opened; save it as one"
                )
            session = _open_session(graph, threads)
        except ModelError:
            raise
        except Exception:  # ONNX Runtime has its own exception classes
            raise ModelError(f"{path}: is not an ONNX model that can be run") from None
        text: str | None = ""  # kept if the metadata, or names of values and dimensions, are not UTF-8
        try:
            text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
            metadata: dict[str, Any] = {} if text is None else dict(parse_json(text))
            inputs = {value.name for value in session.get_inputs()}
            self._shapes = {value.name: value.shape for value in session.get_outputs()}
            valid = all(isinstance(metadata[key], kind) for key, kind in self._required.items())
            valid &= self._input in inputs and {*self._outputs} <= self._shapes.keys()
        except (ValueError, TypeError, KeyError):
            valid = False
        if text is None:
            raise ModelError(f"{path}: is an ONNX model but not one of Inkwise's (no metadata)")
        if not valid:
            raise ModelError(
                f"{path}: its metadata or its inputs and outputs are not those of an Inkwise model"
            )
        self._session, self.metadata = session, metadata
        self.threshold = float(metadata["threshold"])
        trained = str(metadata.get("trained", ""))[:10]
        self.name = f"{metadata['name']} ({trained})" if trained else str(metadata["name"])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the content of the model file, from which the copy is opened."""
        return partial(type(self), threads=self._threads), (self._content,)

    def _run(self, values: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        try:
            outputs: list[NDArray[np.float32]] = self._session.run(self._outputs, {self._input: values})
        except Exception:  # ONNX Runtime has its own exception classes
            raise ModelError(f"the model {self.name} cannot be run") from None
        return outputs


class Model(OnnxModel):
    """Classifier of glyphs: probabilities and embeddings.

    Attributes:
        labels: the k classes, in the order of the probabilities' columns.
        rejects: whether it was trained with non-digits. If so, the probabilities of the labels sum to 1 minus
            that of "not a digit", else to 1.
    """

    _required: ClassVar[dict[str, type]] = {"name": str, "labels": list, "threshold": float}
    _input, _outputs = "glyphs", ("probabilities", "embedding")

    def __init__(self, source: str | Path | bytes, *, threads: int = 0) -> None:
        """Open a model file; arguments and errors as for `OnnxModel`."""
        super().__init__(source, threads=threads)
        self.labels: tuple[str, ...] = tuple(self.metadata["labels"])
        columns = {size for size in self._shapes[self._outputs[0]][-1:] if isinstance(size, int)}
        if not all(isinstance(label, str) for label in self.labels) or columns - {len(self.labels)}:
            path = "the model" if isinstance(source, bytes) else source
            raise ModelError(f"{path}: its labels are not texts, one for each probability")
        self.rejects = has_reject_class(self.metadata)

    @property
    def reads_letters(self) -> bool:
        """Whether the labels hold an alphabet, so that characters are read one by one, not as numbers."""
        return any({*alphabet} <= {*self.labels} for alphabet in (ascii_lowercase, ascii_uppercase))

    @classmethod
    def bundled(cls, *, threads: int = 0) -> Model:
        """Open the bundled weights."""
        return cls(model_source("default"), threads=threads)

    def run(self, glyphs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compute probabilities (n, k) float32 and embeddings (n, d) float32 of glyphs (n, 28, 28) uint8.

        Raises:
            InkwiseError: the glyphs have another shape or dtype.
            ModelError: the model fails, or its outputs are not probabilities (NaN, for example).
        """
        glyphs = np.asarray(glyphs)
        if glyphs.dtype != np.uint8 or glyphs.ndim != 3 or glyphs.shape[1:] != (28, 28):
            raise InkwiseError(f"glyphs must be (n, 28, 28) uint8, not {glyphs.shape} {glyphs.dtype}")
        starts = range(0, max(len(glyphs), 1), _BATCH_SIZE)
        parts = [self._run(glyphs[start : start + _BATCH_SIZE]) for start in starts]
        probabilities, embeddings = (np.concatenate(part) for part in zip(*parts, strict=True))
        shapes = probabilities.shape == (len(glyphs), len(self.labels)) and embeddings.ndim == 2
        # NaN fails every comparison; rounding errors reach slightly beyond 0 and 1.
        if not shapes or not (np.abs(probabilities - 0.5) < 0.51).all() or not np.isfinite(embeddings).all():
            raise ModelError(f"the model {self.name} cannot be used: its outputs are not probabilities")
        return probabilities, embeddings

    def feature_maps(self, glyph: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Compute what each convolutional layer outputs, after its ReLU, for a glyph (28, 28) uint8.

        Returns:
            One array (channels, height, width) float32 for each layer, in the order of the graph.

        Raises:
            ModelError: the model cannot be run.
        """
        try:
            session, names = self._map_session
            outputs = session.run(names, {self._input: glyph[None]}) if names else []
        except Exception:  # ONNX Runtime has its own exception classes
            raise ModelError(f"the model {self.name} cannot be run") from None
        return [output[0] for output in outputs if output.ndim == 4]

    @cached_property
    def _map_session(self) -> tuple[Any, list[str]]:
        """A session that also outputs the results of all nodes Relu, and their names."""
        graph, names = with_outputs(self._content, "Relu")
        return _open_session(graph, self._threads), names


class LineModel(OnnxModel):
    """Line recognizer: lattices of line images.

    Attributes:
        symbols: the ten digits and the separators, in the order of the columns after the blank.
    """

    _required: ClassVar[dict[str, type]] = {"name": str, "symbols": str, "threshold": float}
    _input, _outputs = "lines", ("lattices",)

    def __init__(self, source: str | Path | bytes, *, threads: int = 0) -> None:
        """Open a model file; arguments and errors as for `OnnxModel`."""
        super().__init__(source, threads=threads)
        self.symbols: str = self.metadata["symbols"]
        if not self.symbols.startswith(DIGITS) or len({*self.symbols}) != len(self.symbols):
            path = "the model" if isinstance(source, bytes) else source
            raise ModelError(f"{path}: its symbols are not the ten digits and separators")

    @classmethod
    def bundled(cls, *, threads: int = 0) -> LineModel:
        """Open the bundled weights."""
        return cls(line_model_source("default"), threads=threads)

    def run(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute the log-probabilities (t, 1 + k) float32 of a line image (48, w) uint8.

        Column 0 is the blank, the others are `symbols`; spaces count as blank. Frame i stands for the
        columns from `FRAME_COLUMNS` * i.

        Raises:
            ModelError: the model fails, or its outputs are not log-probabilities (NaN, for example).
        """
        width = -(-image.shape[1] // _WIDTH_STEP) * _WIDTH_STEP
        padded = np.full((1, LINE_HEIGHT, width), 255, np.uint8)
        padded[0, :, : image.shape[1]] -= image  # dark on light, as the weights were trained at first
        lattices = self._run(padded)[0]
        shapes = lattices.ndim == 3 and lattices.shape[::2] == (1, 1 + len(self.symbols))
        # NaN fails every comparison; rounding errors reach slightly above 0.
        if not shapes or not (lattices < 0.01).all():
            raise ModelError(f"the model {self.name} cannot be used: its outputs are not probabilities")
        return np.asarray(lattices[0], np.float32)


@cache
def bundled_line_model(threads: int) -> LineModel:
    """Return the bundled line model, opened once for each number of threads."""
    return LineModel.bundled(threads=threads)


@cache
def bundled_digit_model(threads: int) -> Model:
    """Return the bundled classifier of digits, opened once for each number of threads."""
    return Model.bundled(threads=threads)


def has_reject_class(metadata: dict[str, Any]) -> bool:
    """Return whether the model of these metadata has an additional class, the last: "not a digit"."""
    return metadata.get("rejects") is True


def bundled_models(weights: Traversable | None = None) -> list[str]:
    """Return the sorted names of the bundled models in a folder; None is that of glyph classifiers."""
    files = (Path(file.name) for file in (weights or _WEIGHTS).iterdir())
    return sorted(file.stem for file in files if file.suffix == ".onnx")


def model_source(name: str | Path, weights: Traversable | None = None) -> Path | bytes:
    """Resolve an .onnx file, a run folder or the name of a bundled model to what `Model` opens.

    A folder with the name of a bundled model needs a path, say `./tiny`. `weights` is the folder of the
    bundled models; None is that of glyph classifiers.

    Raises:
        ModelError: `name` is none of the three.
    """
    path = Path(name)
    if path.suffix != ".onnx":
        if str(name) in (bundled := bundled_models(weights)):
            return ((weights or _WEIGHTS) / f"{name}.onnx").read_bytes()
        if not is_there(path):
            raise ModelError(f"{name}: cannot be opened (no such file; bundled models: {', '.join(bundled)})")
    return path / "model.onnx" if is_folder(path) else path


def line_model_source(name: str | Path) -> Path | bytes:
    """Resolve a name to what `LineModel` opens, as `model_source` does."""
    return model_source(name, _LINE_WEIGHTS)


def model_content(source: str | Path | bytes) -> bytes:
    """Return the bytes of a model file.

    Raises:
        ModelError: the file cannot be read, or is too large.
    """
    return source if isinstance(source, bytes) else read_input(source, _MAX_FILE_BYTES, ModelError)
