"""Opening the models of versions: a damaged one is named, and the base model takes its place."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from inkwise._util.errors import ModelError
from inkwise.corrections.versions import VersionStore
from inkwise.preprocessing import GLYPH_SIDE
from inkwise.recognition import Model

_logger = logging.getLogger("inkwise.corrections")


def open_version(versions: VersionStore, number: int, *, threads: int) -> Model:
    """Open the model of a version, and try it on an empty glyph.

    Args:
        versions: the versions of an open store.
        number: of the version, from 1.
        threads: processor threads to use; 0 takes one a core.

    Raises:
        ModelError: the version is damaged; the message names it.
        StoreError: there is no such version, or the database cannot be used.
    """
    onnx = versions.weights(number)
    try:
        model = Model(onnx, threads=threads)
        _try(model)
    except ModelError as error:
        raise ModelError(f"version {number} is damaged ({error})") from None
    return model


def damaged_versions(versions: VersionStore) -> Iterator[str]:
    """Open the models of all versions, and name each that is damaged in one line.

    Raises:
        StoreError: the database cannot be used.
    """
    for number in versions.numbers():
        try:
            open_version(versions, number, threads=1)
        except ModelError as error:
            yield str(error)


def version_or_base(
    versions: VersionStore, number: int, base: Model, *, threads: int
) -> tuple[Model, str | None]:
    """Open the model of a version, 0 for the base model, or fall back to that where the version is damaged.

    Returns:
        The model, and None or one line, which is also logged, that says why it is not that of the version.

    Raises:
        StoreError: the database cannot be used.
    """
    if not number:
        return base, None
    try:
        return open_version(versions, number, threads=threads), None
    except ModelError as error:
        damage = f"{error}: the base model is used instead"
        _logger.warning("%s", damage)
        return base, damage


def _try(model: Model) -> None:
    """Run a model once: a damaged graph may open all the same.

    Raises:
        ModelError: it cannot be run, or its answers are no probabilities and embeddings.
    """
    try:
        probabilities, embeddings = model.run(np.zeros((1, GLYPH_SIDE, GLYPH_SIDE), np.uint8))
    except Exception:  # onnxruntime raises classes of its own, by kind of damage
        raise ModelError("the model: cannot be run") from None
    shapes = probabilities.shape == (1, len(model.labels)) and embeddings.ndim == 2
    if not (shapes and np.isfinite(probabilities).all() and np.isfinite(embeddings).all()):
        raise ModelError("the model: its answers are not those of an Inkwise model")
