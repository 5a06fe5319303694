"""Confidence intervals of proportions."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054  # the normal quantile that leaves 2.5 % on each side


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of the proportion `hits / n`, n >= 1, within 0..1.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927). Unlike
    p ± 1.96 s it stays valid near 100 %, where the accuracy of digit recognizers lies.
    """
    share, z2 = hits / n, Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
