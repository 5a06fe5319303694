"""How often something was right."""

import math
from dataclasses import dataclass
from typing import Any

from inkwise.intervals import wilson_interval


@dataclass(frozen=True)
class Accuracy:
    """Of n samples with an answer and a label, `right` were answered right."""

    right: int
    n: int

    @property
    def share(self) -> float:
        """In 0 to 1, nan where there is no sample."""
        return self.right / self.n if self.n else math.nan

    @property
    def misses(self) -> int:
        """How many were answered wrong."""
        return self.n - self.right

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the share, None where there is no sample."""
        return wilson_interval(self.right, self.n) if self.n else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        low, high = self.interval or (None, None)
        return {"right": self.right, "n": self.n, "low": low, "high": high}
