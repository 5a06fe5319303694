"""Segmentation of ink into characters, in reading order."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the image."""

_MAX_COMPONENTS = 1000  # maximum number of components that may be characters; the largest are kept
_PALE_INK = 64  # ink that may be a mark paler than the character, of 255
_SAME_LINE_DISTANCE = 0.6  # maximum distance of centres on a text line, in character heights


@dataclass(frozen=True)
class Character:
    """The ink (h, w) uint8 of one character alone, and its box in the image."""

    ink: NDArray[np.uint8]
    box: Box


@dataclass(frozen=True)
class _Component:
    """A connected component of ink."""

    label: int
    box: Box
    area: int
    at_border: bool

    @property
    def size(self) -> int:
        return max(self.box[2], self.box[3])


def main_character(ink: NDArray[np.uint8]) -> Character | None:
    """The most prominent character of an image, or None without ink.

    Specks, ruling lines and ink that touches the border are excluded if there are better candidates.

    Args:
        ink: (H, W) uint8, 128 the edge of ink.
    """
    labels, components = _components(ink)
    if not components:
        return None
    centre = np.array([ink.shape[1], ink.shape[0]]) / 2
    main = max(components, key=lambda component: _prominence(component, centre, ink.shape))
    chosen, rest = [main], [part for part in components if part is not main]
    while near := _nearby_parts(chosen, rest):
        chosen += near
        taken = {part.label for part in near}
        rest = [part for part in rest if part.label not in taken]
    return _extract(ink, labels, chosen)


def lone_character(ink: NDArray[np.uint8]) -> Character | None:
    """The character of an image whose ink is one component; None if it has more, pale ink elsewhere, or none.

    Args:
        ink: (H, W) uint8, 128 the edge of ink.
    """
    labels, components = _components(ink)
    if len(components) != 1:
        return None
    around = cv2.dilate((labels > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
    if ((cv2.medianBlur(ink, 3) >= _PALE_INK) & (around == 0)).any():
        return None
    return _extract(ink, labels, components)


def segment_characters(ink: NDArray[np.uint8]) -> list[list[Character]]:
    """All characters of an image: text lines from the top, characters from the left.

    Components above one another, such as the bar of a 5, are merged; touching digits are not split.

    Args:
        ink: (H, W) uint8, 128 the edge of ink.
    """
    labels, components = _components(ink)
    if not components:
        return []
    largest = max(part.size for part in components)
    height = float(median(part.box[3] for part in components if part.size >= 0.4 * largest))
    labels, components = _components(ink, round(0.04 * height))  # the two strokes of a 4 need not quite meet
    groups = _group_stacked([part for part in components if part.size >= 0.1 * height], height)
    tall = [group for group in groups if max(part.box[3] for part in group) >= 0.4 * height]
    characters = [_extract(ink, labels, group) for group in tall]
    lines = group_into_lines(np.array([character.box for character in characters]).reshape(-1, 4), height)
    return [[characters[index] for index in line] for line in lines]


def group_into_lines(
    boxes: NDArray[np.int64] | NDArray[np.float64], height: float | None = None
) -> list[list[int]]:
    """Sort boxes (n, 4) into text lines from the top, each from the left; return their indices.

    Args:
        boxes: x, y, width, height.
        height: height of characters; by default that of the box or the median of the line, if larger.
    """
    lines: list[list[int]] = []
    middles, heights = (boxes[:, 1] + boxes[:, 3] / 2).tolist(), boxes[:, 3].tolist()
    for index in sorted(range(len(boxes)), key=middles.__getitem__):
        if lines:
            last = lines[-1]
            reference = height or max(heights[index], median(heights[part] for part in last))
            if middles[index] - fmean(middles[part] for part in last) < _SAME_LINE_DISTANCE * reference:
                last.append(index)
                continue
        lines.append([index])
    return [sorted(line, key=lambda index: boxes[index, 0]) for line in lines]


def _components(ink: NDArray[np.uint8], reach: int = 0) -> tuple[NDArray[np.int32], list[_Component]]:
    """Components without specks, and their labels (H, W) int32; gaps up to twice `reach` are closed."""
    mask = ink >= 128
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    joined = cv2.dilate(mask.astype(np.uint8), kernel)
    # The fastest algorithm of OpenCV for sparse ink.
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(joined, 8, cv2.CV_32S, cv2.CCL_GRANA)
    height, width = ink.shape
    areas = np.bincount(labels[mask], minlength=len(stats))
    areas[0] = 0
    chosen = np.flatnonzero(areas >= max(1, 0.02 * areas.max()))
    if len(chosen) > _MAX_COMPONENTS:
        chosen = np.sort(chosen[np.argsort(-areas[chosen], kind="stable")[:_MAX_COMPONENTS]])
    components = []
    for label, (x, y, w, h, _), area in zip(
        chosen.tolist(), stats[chosen].tolist(), areas[chosen].tolist(), strict=True
    ):
        at_border = x == 0 or y == 0 or x + w == width or y + h == height
        components.append(_Component(label, (x, y, w, h), area, at_border))
    return labels, components


def _prominence(component: _Component, centre: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Score of a component as the main digit: large, off the border, near the centre, not a flat line."""
    x, y, w, h = component.box
    distance = float(np.abs((np.array([x + w / 2, y + h / 2]) - centre) / centre).max())
    flat = w > 0.8 * shape[1] and h < 0.15 * w
    weight = (0.25 if component.at_border else 1.0) * (0.1 if flat else 1.0)
    return component.area * component.size * weight * (1.2 - distance)


def _nearby_parts(chosen: list[_Component], rest: list[_Component]) -> list[_Component]:
    """Components of the rest that belong to the digit of the chosen ones: near it, and not at the border."""
    x, y, w, h = _union_box(chosen)
    largest, at_border = max(part.area for part in chosen), any(part.at_border for part in chosen)

    def belongs(component: _Component) -> bool:
        mx, my, mw, mh = component.box
        gap = max(mx - x - w, x - mx - mw, my - y - h, y - my - mh)
        inside = at_border or not component.at_border
        return inside and gap <= 0.25 * max(w, h) and component.area >= 0.04 * largest

    return [part for part in rest if belongs(part)]


def _group_stacked(components: list[_Component], height: float) -> list[list[_Component]]:
    """Merge components that overlap horizontally by half the width of the narrower and fit one height."""
    groups: list[list[_Component]] = []
    boxes: list[Box] = []
    for component in sorted(components, key=lambda component: -component.area):
        x, y, w, h = component.box
        for number, (gx, gy, gw, gh) in enumerate(boxes):
            overlap = min(x + w, gx + gw) - max(x, gx)
            joined = max(y + h, gy + gh) - min(y, gy)
            if overlap >= 0.5 * min(w, gw) and joined <= 1.4 * max(height, gh):
                groups[number].append(component)
                boxes[number] = _union_box(groups[number])
                break
        else:
            groups.append([component])
            boxes.append(component.box)
    return groups


def _union_box(components: list[_Component]) -> Box:
    boxes = np.array([part.box for part in components])
    x, y = boxes[:, :2].min(0)
    right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(0)
    return int(x), int(y), int(right - x), int(bottom - y)


def _extract(ink: NDArray[np.uint8], labels: NDArray[np.int32], components: list[_Component]) -> Character:
    """The ink of these components alone, with its soft edge."""
    x, y, w, h = _union_box(components)
    top, left = max(y - 1, 0), max(x - 1, 0)
    window = np.s_[top : y + h + 1, left : x + w + 1]
    near = labels[window]
    is_own = np.zeros(near.max() + 1, np.uint8)
    is_own[[part.label for part in components]] = 1
    own = is_own[near]
    reach = cv2.dilate(own, np.ones((3, 3), np.uint8))
    alone = ink[window] * np.where(near > 0, own, reach)
    tight_x, tight_y, w, h = cv2.boundingRect((alone >= 128).astype(np.uint8))
    return Character(alone, (left + tight_x, top + tight_y, w, h))
