"""The facade: pictures, strokes and glyphs in, readings and probabilities out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, cast, get_args

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError
from inkwise._util.text import did_you_mean
from inkwise.image import ImageSource, iterate_images, load_image
from inkwise.preprocessing import StrokeSource, to_stroke_arrays
from inkwise.recognition.adaptation import Adaptation
from inkwise.recognition.cell_reader import CellReader
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.model import LineModel, Model, bundled_digit_model, model_source
from inkwise.recognition.number_reader import NumberReader
from inkwise.recognition.picture_reader import PictureReader
from inkwise.recognition.reading import Reading
from inkwise.recognition.stroke_reader import StrokeReader

Expect = Literal["digit", "number", "page"]
"""What an input holds: exactly one digit, exactly one number, or any count of numbers."""

_Arguments = ParamSpec("_Arguments")


def _finished(
    read: Callable[Concatenate[Recognizer, _Arguments], Reading],
) -> Callable[Concatenate[Recognizer, _Arguments], Reading]:
    """Set `elapsed_ms` of the readings that a method returns, and `decimal` of their numbers."""

    @wraps(read)
    def finished(self: Recognizer, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Reading:
        started = time.perf_counter()
        reading = read(self, *args, **kwargs)
        numbers = tuple(replace(number, decimal=self.decimal) for number in reading.numbers)
        return replace(reading, numbers=numbers, elapsed_ms=1000 * (time.perf_counter() - started))

    return cast("Callable[Concatenate[Recognizer, _Arguments], Reading]", finished)


class Recognizer:
    """Reads digits and numbers with one model.

    Examples:
        >>> Recognizer().read("docs/sample-sheet.jpg").text  # doctest: +SKIP
        '0123456789'
    """

    def __init__(
        self,
        model: str | Path | Model | None = None,
        *,
        threads: int = 0,
        adaptation: Adaptation | None = None,
        line_model: LineModel | None = None,
        decimal: str | None = None,
    ) -> None:
        """Open a model.

        Args:
            model: an .onnx file of Inkwise, a run folder, the name of a bundled model, or an open model; None
                is "default". One that reads letters, such as "letters", reads characters one by one; numbers,
                pages and cells that are asked for are read by "default".
            threads: processor threads; 0 is one per core.
            adaptation: correction of this model, made by `adapt`.
            line_model: reader of whole numbers; None is the bundled one.
            decimal: "." or ",", the decimal separator of the writers, for `Number.value`; None is either,
                and 1.250 has no value.

        Raises:
            ModelError: the file cannot be used.
            InkwiseError: `decimal` is neither a point nor a comma.
        """
        if decimal not in (None, ".", ","):
            raise InkwiseError(f"decimal: expected '.' or ',', got {decimal!r}")
        self.decimal = decimal
        model = "default" if model is None else model
        self.model = model if isinstance(model, Model) else Model(model_source(model), threads=threads)
        self._digits = of_numbers = DigitReader(self.model, adaptation)
        if self.model.reads_letters:
            of_numbers = DigitReader(bundled_digit_model(threads))
        self._numbers = NumberReader(line_model, threads)
        self._pictures = PictureReader(self._digits, self._numbers)
        self._pages = PictureReader(of_numbers, self._numbers)
        self._cells = CellReader(of_numbers)
        self._strokes = StrokeReader(self._digits, self._numbers)
        self._drawn_pages = StrokeReader(of_numbers, self._numbers)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what reopens the models, and the adaptation."""
        numbers = self._numbers
        options: dict[str, Any] = {"adaptation": self._digits.adaptation, "line_model": numbers.line_model}
        options["decimal"] = self.decimal
        return partial(type(self), threads=numbers.threads, **options), (self.model,)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the model, followed by those that were added by `adapt`."""
        return self._digits.labels

    def adapt(self, glyphs: NDArray[np.uint8], labels: NDArray[np.str_]) -> Recognizer:
        """Return a recognizer of the same model that is adapted to these samples, and to no others.

        Args:
            glyphs: (n, 28, 28) uint8, n >= 1.
            labels: (n,) str, their true labels; an unknown label becomes a new class.

        Raises:
            InkwiseError: the glyphs have another shape or dtype, or their number is not that of the labels.
        """
        labels = np.asarray(labels, np.str_)
        if np.ndim(glyphs) != 3 or labels.shape != (len(glyphs),) or not len(glyphs):
            shapes = f"glyphs {np.shape(glyphs)} and labels {labels.shape}"
            raise InkwiseError(f"{shapes}: (n, 28, 28) and (n,) with n >= 1 are expected")
        adaptation = Adaptation(self.model, labels, *self.model.run(glyphs))
        numbers = self._numbers
        return Recognizer(
            self.model,
            threads=numbers.threads,
            adaptation=adaptation,
            line_model=numbers.line_model,
            decimal=self.decimal,
        )

    @_finished
    def read(
        self, image: ImageSource, expect: Expect | None = None, constraint: Constraint | None = None
    ) -> Reading:
        """Read all numbers, or all characters of a model that reads letters: from the top and the left.

        Args:
            image: path, bytes of a file, file object, PIL image, or an array or tensor (h, w) or
                (h, w, 1|3|4) of any real dtype.
            expect: a hint, if it is known what the picture holds: "digit" is exactly one digit, which is not
                split; "number" exactly one number, whose digits may touch; "page" many numbers.
            constraint: what is known about the number, of which the picture then holds exactly one. The text
                is the most likely one that satisfies it, and `unconstrained` the text without it.

        Raises:
            ImageError: the image cannot be decoded.
            InkwiseError: `expect` is unknown, or a constraint is given for a digit or a page.
        """
        _check_hints(expect, constraint)
        grey = load_image(image)
        if expect == "digit":
            return self._pictures.read_digit(grey)
        if expect == "number" or constraint is not None:
            return self._numbers.read_image(grey, constraint)
        return (self._pages if expect == "page" else self._pictures).read(grey)

    def read_many(
        self,
        images: Iterable[ImageSource] | ImageSource,
        expect: Expect | None = None,
        constraint: Constraint | None = None,
    ) -> Iterator[Reading]:
        """Read pictures one after the other; each is opened when its reading is asked for.

        Args:
            images: pictures as for `read`; PDFs and TIFFs of several pages, each with a reading of its own;
                and folders, whose pictures and PDFs are read in natural order (img2 before img10). Or one of
                these alone. Files of folders that are skipped or cannot be decoded are named in the log.
            expect: as for `read`, of each picture.
            constraint: as for `read`, of each picture.

        Raises:
            ImageError: a picture that was given itself cannot be decoded, or none of a folder can; the
                readings before it were yielded.
            InkwiseError: as for `read`.
        """
        _check_hints(expect, constraint)
        return (self.read(image, expect, constraint) for image in iterate_images(images))

    @_finished
    def read_strokes(
        self, strokes: StrokeSource, expect: Expect | None = None, constraint: Constraint | None = None
    ) -> Reading:
        """Read strokes of a pen, finger or mouse.

        Args:
            strokes: list of (n, 2) arrays, x right, y down, in any unit; points with times, dicts, or JSON.
            expect: as for `read`; "digit" reads all strokes as one digit.
            constraint: as for `read`.

        Raises:
            InkwiseError: a stroke is malformed, or as for `read`.
        """
        _check_hints(expect, constraint)
        arrays = to_stroke_arrays(strokes)
        if expect == "number" or constraint is not None:
            return self._drawn_pages.read_number(arrays, constraint)
        if expect == "digit":
            return self._digits.read_strokes(arrays, single=True)
        return (self._drawn_pages if expect == "page" else self._strokes).read(arrays)

    @_finished
    def read_cells(
        self, cells: Sequence[NDArray[np.uint8] | None], constraint: Constraint | None = None
    ) -> Reading:
        """Read a number of which each cell holds one digit or nothing.

        Args:
            cells: grey pictures (h, w) uint8 from the left, None for one without ink. Cells before and after
                the number may be empty, those within it may not.
            constraint: as for `read`.
        """
        return self._cells.read(cells, constraint)

    def classify(self, glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities (n, k) float32 of glyphs (n, 28, 28) uint8, columns as in `labels`.

        Raises:
            InkwiseError: the glyphs have another shape or dtype.
        """
        return self._digits.classify(glyphs)

    def embed(self, glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return embeddings (n, d) float32 of glyphs (n, 28, 28) uint8; similar digits have close embeddings.

        Raises:
            InkwiseError: the glyphs have another shape or dtype.
        """
        return self.model.run(glyphs)[1]


@cache
def _default_recognizer() -> Recognizer:
    return Recognizer()


def read(image: ImageSource, expect: Expect | None = None, constraint: Constraint | None = None) -> Reading:
    """Read all numbers with the bundled weights; see `Recognizer.read`."""
    return _default_recognizer().read(image, expect, constraint)


def check_expect(expect: str | None) -> Expect | None:
    """Return a hint; raises InkwiseError if it is unknown."""
    for known in get_args(Expect):
        if expect == known:
            return cast(Expect, known)
    if expect is not None:
        raise InkwiseError(f"expect: there is no {expect!r}{did_you_mean(str(expect), get_args(Expect))}")
    return None


def _check_hints(expect: str | None, constraint: Constraint | None) -> None:
    if constraint is not None and not isinstance(constraint, Constraint):
        raise InkwiseError("constraint: expected a Constraint; Constraint.from_dict makes one of a dict")
    if check_expect(expect) in ("digit", "page") and constraint is not None:
        raise InkwiseError(f'a constraint describes one number, not expect="{expect}"')
