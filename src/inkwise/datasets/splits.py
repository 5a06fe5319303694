"""Splits of data sets by the people who wrote them."""

import hashlib

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")

_SAME_PERSON = {
    **{69: 26, 70: 28, 71: 30, 91: 32, 74: 41, 75: 42, 98: 47, 80: 50, 83: 54, 84: 57, 87: 60},
    **{144: 127, 152: 130},
}  # second numbers of UNIPEN writers that have two


def unipen_people(writers: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the numbers of UNIPEN writers (n,), of people with two numbers always the first."""
    return np.array([_SAME_PERSON.get(number, number) for number in writers.tolist()], np.int64)


def split_by_writer(writers: NDArray[np.integer]) -> NDArray[np.str_]:
    """Assign each sample (n,) to 'train', 'validation' or 'test' by a hash of its writer's number.

    All samples of a writer get the same split, in every file and release.
    """
    numbers, positions = np.unique(writers, return_inverse=True)
    digests = [hashlib.sha256(f"inkwise-writer-{number}".encode()).digest() for number in numbers.tolist()]
    splits = [SPLITS[int.from_bytes(digest[:8], "big") % len(SPLITS)] for digest in digests]
    return np.array(splits, dtype="<U10")[positions]


def choose_writers(writers: NDArray[np.integer], share: float) -> NDArray[np.bool_]:
    """Choose all samples (n,) of about this share of the writers, by a hash of the writer's number."""
    numbers, positions = np.unique(writers, return_inverse=True)
    digests = [hashlib.sha256(f"inkwise-share-{number}".encode()).digest() for number in numbers.tolist()]
    return np.array([int.from_bytes(digest[:8], "big") < share * 2**64 for digest in digests])[positions]
