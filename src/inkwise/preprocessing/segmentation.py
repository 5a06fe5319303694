"""Ink becomes characters: which marks belong together, and in which order they are read."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the picture."""


@dataclass(frozen=True)
class Character:
    """The ink of one character, alone: (h, w) uint8, and where it stood in the picture."""

    ink: NDArray[np.uint8]
    box: Box


@dataclass(frozen=True)
class _Component:
    """One connected piece of ink."""

    label: int
    box: Box
    area: int
    at_border: bool

    @property
    def size(self) -> int:
        return max(self.box[2], self.box[3])


def main_character(ink: NDArray[np.uint8]) -> Character | None:
    """The one character that a picture is expected to hold, or None where there is no ink.

    Specks, ruled lines and ink that reaches in from the border are left out if something better is there.

    Args:
        ink: (H, W) uint8, 128 the edge of ink.
    """
    labels, marks = _components(ink)
    if not marks:
        return None
    centre = np.array([ink.shape[1], ink.shape[0]]) / 2
    main = max(marks, key=lambda mark: _prominence(mark, centre, ink.shape))
    chosen, rest = [main], [mark for mark in marks if mark is not main]
    while near := _nearby_parts(chosen, rest):
        chosen += near
        taken = {mark.label for mark in near}
        rest = [mark for mark in rest if mark.label not in taken]
    return _extract(ink, labels, chosen)


def segment_characters(ink: NDArray[np.uint8]) -> list[list[Character]]:
    """All characters of a picture: lines from the top, characters from the left.

    Marks that stand over one another are one character (the bar of a 5); digits that touch are not cut apart.

    Args:
        ink: (H, W) uint8, 128 the edge of ink.
    """
    labels, marks = _components(ink)
    if not marks:
        return []
    largest = max(mark.size for mark in marks)
    height = float(np.median([mark.box[3] for mark in marks if mark.size >= 0.4 * largest]))
    labels, marks = _components(ink, round(0.04 * height))  # the two strokes of a 4 need not quite meet
    groups = _group_stacked([mark for mark in marks if mark.size >= 0.1 * height], height)
    tall = [group for group in groups if max(mark.box[3] for mark in group) >= 0.4 * height]
    return _group_into_lines([_extract(ink, labels, group) for group in tall], height)


def _components(ink: NDArray[np.uint8], reach: int = 0) -> tuple[NDArray[np.int32], list[_Component]]:
    """Pieces of ink that are no specks, and the picture of their labels; gaps up to twice `reach` join."""
    mask = ink >= 128
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    joined = cv2.dilate(mask.astype(np.uint8), kernel)
    # Of OpenCV's algorithms by far the fastest where there is little ink.
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(joined, 8, cv2.CV_32S, cv2.CCL_GRANA)
    height, width = ink.shape
    areas = np.bincount(labels[mask], minlength=len(stats)).tolist()
    least = 0.02 * max(areas[1:], default=0)
    marks = []
    for label, (x, y, w, h, _) in enumerate(stats.tolist()):
        if label and areas[label] >= least:
            at_border = x == 0 or y == 0 or x + w == width or y + h == height
            marks.append(_Component(label, (x, y, w, h), areas[label], at_border))
    return labels, marks


def _prominence(mark: _Component, centre: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """How likely a mark is the digit itself: large, away from the border, near the middle, no flat line."""
    x, y, w, h = mark.box
    distance = float(np.abs((np.array([x + w / 2, y + h / 2]) - centre) / centre).max())
    flat = w > 0.8 * shape[1] and h < 0.15 * w
    return (
        mark.area * mark.size * (0.25 if mark.at_border else 1.0) * (0.1 if flat else 1.0) * (1.2 - distance)
    )


def _nearby_parts(chosen: list[_Component], rest: list[_Component]) -> list[_Component]:
    """Which of the rest are parts of the digit made of chosen marks so far: near it, and not from outside."""
    x, y, w, h = _union_box(chosen)
    largest, at_border = max(mark.area for mark in chosen), any(mark.at_border for mark in chosen)

    def belongs(mark: _Component) -> bool:
        mx, my, mw, mh = mark.box
        gap = max(mx - x - w, x - mx - mw, my - y - h, y - my - mh)
        inside = at_border or not mark.at_border
        return inside and gap <= 0.25 * max(w, h) and mark.area >= 0.04 * largest

    return [mark for mark in rest if belongs(mark)]


def _group_stacked(marks: list[_Component], height: float) -> list[list[_Component]]:
    """Group marks whose columns overlap by half of the narrower one and that are close in height."""
    groups: list[list[_Component]] = []
    boxes: list[Box] = []
    for mark in sorted(marks, key=lambda mark: -mark.area):
        x, y, w, h = mark.box
        for number, (gx, gy, gw, gh) in enumerate(boxes):
            overlap = min(x + w, gx + gw) - max(x, gx)
            joined = max(y + h, gy + gh) - min(y, gy)
            if overlap >= 0.5 * min(w, gw) and joined <= 1.4 * max(height, gh):
                groups[number].append(mark)
                boxes[number] = _union_box(groups[number])
                break
        else:
            groups.append([mark])
            boxes.append(mark.box)
    return groups


def _union_box(marks: list[_Component]) -> Box:
    boxes = np.array([mark.box for mark in marks])
    x, y = boxes[:, :2].min(0)
    right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(0)
    return int(x), int(y), int(right - x), int(bottom - y)


def _extract(ink: NDArray[np.uint8], labels: NDArray[np.int32], marks: list[_Component]) -> Character:
    """The ink of these marks alone, with the soft edge around it."""
    x, y, w, h = _union_box(marks)
    top, left = max(y - 1, 0), max(x - 1, 0)
    window = np.s_[top : y + h + 1, left : x + w + 1]
    near = labels[window]
    is_own = np.zeros(near.max() + 1, np.uint8)
    is_own[[mark.label for mark in marks]] = 1
    own = is_own[near]
    reach = cv2.dilate(own, np.ones((3, 3), np.uint8))
    alone = ink[window] * np.where(near > 0, own, reach)
    tight_x, tight_y, w, h = cv2.boundingRect((alone >= 128).astype(np.uint8))
    return Character(alone, (left + tight_x, top + tight_y, w, h))


def _group_into_lines(found: list[Character], height: float) -> list[list[Character]]:
    """Sort characters into lines by the height of their middles."""
    lines: list[list[Character]] = []
    for character in sorted(found, key=lambda c: c.box[1] + c.box[3] / 2):
        middle = character.box[1] + character.box[3] / 2
        if lines:
            last = float(np.mean([c.box[1] + c.box[3] / 2 for c in lines[-1]]))
            if middle - last < 0.6 * height:
                lines[-1].append(character)
                continue
        lines.append([character])
    return [sorted(line, key=lambda c: c.box[0]) for line in lines]
