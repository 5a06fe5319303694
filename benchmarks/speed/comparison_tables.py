"""Tables and statistics of the benchmark `comparison`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

from benchmarks.speed.baselines import TITLES, AccuracyCheckpoint
from inkwise._util.intervals import wilson_interval

ACCURACY_TARGETS = {"99.0 %": 100, "99.5 %": 50, "99.7 %": 30}  # misses of 10,000
Table = tuple[Sequence[str], Sequence[Sequence[str]]]
Curves = Mapping[str, list[list[AccuracyCheckpoint]]]  # of each seed


@dataclass(frozen=True)
class RecipeRuns:
    """Number of training images of a recipe, and seconds and misses of 10,000 for each seed."""

    images: int
    seconds: list[float]
    misses: list[int]


def first_reaching(checkpoints: Sequence[AccuracyCheckpoint], misses: int) -> AccuracyCheckpoint | None:
    """Return the first checkpoint with at most this number of misses."""
    return next((checkpoint for checkpoint in checkpoints if checkpoint.misses <= misses), None)


def shortest(ours: Mapping[str, RecipeRuns], misses: float) -> str | None:
    """Return the fastest recipe with at most this mean number of misses."""
    enough = [name for name, runs in ours.items() if statistics.mean(runs.misses) <= misses]
    return min(enough, key=lambda name: statistics.mean(ours[name].seconds), default=None)


def time_ratio(theirs: Sequence[float], ours: Sequence[float]) -> tuple[float, float, float]:
    """How many times `ours` fits into `theirs`, with its 95 % interval; not a number where nothing varies.

    Of geometric means: Welch's interval of a difference of logarithms. One value alone counts as exact.
    """
    logs = [[math.log(value) for value in values] for values in (theirs, ours)]
    middle = statistics.mean(logs[0]) - statistics.mean(logs[1])
    spreads = [(statistics.variance(side) / len(side), len(side) - 1) for side in logs if len(side) > 1]
    variance = sum(spread for spread, _ in spreads)
    if not variance:
        return math.exp(middle), math.nan, math.nan
    freedom = variance**2 / sum(spread**2 / more for spread, more in spreads)
    half = stats.t.ppf(0.975, freedom) * variance**0.5
    return math.exp(middle), math.exp(middle - half), math.exp(middle + half)


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Return the ratio of paired values and its 95 % interval."""
    return time_ratio([one / other for one, other in zip(ours, theirs, strict=True)], [1.0])


def times_as_fast(found: tuple[float, float, float]) -> str:
    """Format a ratio and its interval."""
    form = "{:,.0f}" if found[0] >= 100 else "{:.1f}" if found[0] >= 1 else "{:.2f}"
    middle, low, high = map(form.format, found)
    return middle if math.isnan(found[1]) else f"{middle} ({low} to {high})"


def spread(values: Sequence[float], form: str) -> str:
    """Format mean and standard deviation, or a single value."""
    if len(values) == 1:
        return form.format(values[0])
    return f"{form} ± {form}".format(statistics.mean(values), statistics.stdev(values))


def listed(numbers: Iterable[int]) -> str:
    return ", ".join(f"{number:,}" for number in numbers)


def recipes(ours: Mapping[str, RecipeRuns]) -> Table:
    """Return the table of recipes: time, images and misses."""
    head = (
        *("Inkwise, recipe", "images seen", "seconds, mean ± std", "misses of 10,000"),
        *("accuracy, mean ± std", "95 % interval, pooled"),
    )
    rows = []
    for name, runs in ours.items():
        n = 10_000 * len(runs.misses)
        low, high = wilson_interval(n - sum(runs.misses), n)
        accuracy = spread([100 - misses / 100 for misses in runs.misses], "{:.3f}")
        seconds = spread(runs.seconds, "{:.2f}")
        row = (f"`{name}`", f"{runs.images:,}", seconds, listed(runs.misses), f"{accuracy} %")
        rows.append((*row, f"{low:.2%} to {high:.2%}"))
    return head, rows


def times(ours: Mapping[str, RecipeRuns], curves: Curves) -> Table:
    """Return the table of time and images until the accuracy targets."""
    head = ("", *(f"until {mark}" for mark in ACCURACY_TARGETS), "whole training", "misses at its end")
    cells = []
    for misses in ACCURACY_TARGETS.values():
        name = shortest(ours, misses)
        cells.append(_taken(ours[name].seconds, ours[name].images) + f" (`{name}`)" if name else "never")
    rows: list[Sequence[str]] = [("Inkwise", *cells, "see above", "see above")]
    for key, seeds in curves.items():
        cells = [_until(seeds, misses) for misses in ACCURACY_TARGETS.values()]
        ends = [checkpoints[-1] for checkpoints in seeds]
        whole = _taken([end.seconds for end in ends], ends[0].images)
        rows.append((TITLES[key], *cells, whole, listed(end.misses for end in ends)))
    return head, rows


def _until(seeds: list[list[AccuracyCheckpoint]], misses: int) -> str:
    reached = _reached(seeds, misses)
    return _taken([checkpoint.seconds for checkpoint in reached], reached[0].images) if reached else "never"


def _reached(seeds: list[list[AccuracyCheckpoint]], misses: int) -> list[AccuracyCheckpoint]:
    """Return the first checkpoints that reach a target; empty if a seed does not reach it."""
    checkpoints = [first_reaching(checkpoints, misses) for checkpoints in seeds]
    found = [checkpoint for checkpoint in checkpoints if checkpoint]
    return found if len(found) == len(checkpoints) else []


def _taken(seconds: Sequence[float], images: int) -> str:
    return f"{spread(seconds, '{:.2f}')} s, {images:,} images"


def ratios(ours: Mapping[str, RecipeRuns], curves: Curves) -> Table:
    """Return the table of time ratios until the targets, against each baseline and the best."""
    columns = []
    for misses in ACCURACY_TARGETS.values():
        name = shortest(ours, misses)
        baselines = {
            key: [checkpoint.seconds for checkpoint in _reached(seeds, misses)]
            for key, seeds in curves.items()
        }
        column = [_against(ours[name].seconds if name else [], seconds) for seconds in baselines.values()]
        best = min(filter(None, baselines.values()), key=statistics.mean, default=[])
        columns.append([*column, _against(ours[name].seconds if name else [], best)])
    names = [*(TITLES[key] for key in curves), "the best of them"]
    return ("", *(f"to {mark}" for mark in ACCURACY_TARGETS)), list(zip(names, *columns, strict=True))


def _against(ours: Sequence[float], theirs: Sequence[float]) -> str:
    if ours and theirs:
        return times_as_fast(time_ratio(theirs, ours))
    if ours or theirs:
        return "it never gets there" if ours else "Inkwise never gets there"
    return "neither gets there"


def finals(ours: Mapping[str, RecipeRuns], curves: Curves) -> Table:
    """Return the table of times until each baseline's final accuracy."""
    head = (
        *("", "its misses at its end", "first as good after", "its end", "Inkwise"),
        *("times as fast, until as good", "times as fast, until its end"),
    )
    rows: list[Sequence[str]] = []
    for key, seeds in curves.items():
        ends = [checkpoints[-1] for checkpoints in seeds]
        misses = statistics.mean(checkpoint.misses for checkpoint in ends)
        firsts = [
            first_reaching(checkpoints, checkpoints[-1].misses) or checkpoints[-1] for checkpoints in seeds
        ]
        first, end = ([checkpoint.seconds for checkpoint in some] for some in (firsts, ends))
        row = [TITLES[key], listed(checkpoint.misses for checkpoint in ends)]
        row += [f"{spread(seconds, '{:.2f}')} s" for seconds in (first, end)]
        if name := shortest(ours, misses):
            seconds = ours[name].seconds
            row += [f"{spread(seconds, '{:.2f}')} s (`{name}`)"]
            row += [times_as_fast(time_ratio(theirs, seconds)) for theirs in (first, end)]
        else:
            row += ["never", "-", "-"]
        rows.append(row)
    return head, rows


Rates = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class OperationCount:
    """Operations for each glyph and their main data type."""

    operations: float
    kind: str = "float32"


def rates(
    found: Mapping[str, Rates], counts: Mapping[str, OperationCount], names: Mapping[str, str]
) -> Table:
    """Return the table of throughput and shares of the peak for each number of threads.

    Args:
        found: by number of threads, rates of each round: glyphs a second of each contestant, operations
            a second of a matrix product for each data type.
        counts: operations of each contestant.
        names: names of the contestants in the order of rows; the others are compared with the first.
    """
    ours, *_ = names
    head, rows = ["", "operations a glyph"], []
    for threads in found:
        head += [f"glyphs/s, {threads}", "share of the peak", f"{names[ours]} is faster by"]
    for key, name in names.items():
        row = [name, f"{counts[key].operations / 1e6:.1f} million, {counts[key].kind}"]
        for rounds in found.values():
            rate = statistics.median(rounds[key])
            row += [f"{rate:,.0f}", f"{rate * counts[key].operations / max(rounds[counts[key].kind]):.0%}"]
            row.append("-" if key == ours else times_as_fast(paired_ratio(rounds[ours], rounds[key])))
        rows.append(row)
    return head, rows


def peaks(found: Mapping[str, Rates]) -> str:
    """Return a sentence with the peaks."""
    tops = (
        f"{name} {max(rounds['float32']) / 1e9:,.0f}, in bfloat16 {max(rounds['bfloat16']) / 1e9:,.0f}"
        for name, rounds in found.items()
    )
    return f"The peak, billion operations a second: {'; '.join(tops)}."


def shares(found: Mapping[str, float], most: int = 5) -> str:
    """Return a clause with the largest shares."""
    first = list(found.items())[:most]
    rest = max(1 - sum(share for _, share in first), 0)
    return ", ".join([*(f"`{name}` {share:.0%}" for name, share in first), f"all else {rest:.0%}"])


def accuracy(name: str, sets: Iterable[tuple[int, int] | None]) -> Sequence[str]:
    """Return misses and accuracy with its interval on each set; a dash if it was not evaluated."""
    row = [name]
    for found in sets:
        if found is None:
            row += ["-", "-"]
            continue
        misses, n = found
        low, high = wilson_interval(n - misses, n)
        row += [f"{misses:,} of {n:,}", f"{1 - misses / n:.2%} ({low:.2%} to {high:.2%})"]
    return row
