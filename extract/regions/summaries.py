"""Statistics of the values of a region."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

__all__ = ["SUMMARIES", "TRIMMED", "weighted_mean"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

TRIMMED = 0.1
"""Share of the values that the trimmed mean leaves out at each end."""


def weighted_mean(values: FloatArray, weights: FloatArray) -> float:
    """Return the mean weighted by how much of a voxel belongs to the region.

    Parameters
    ----------
    values, weights : ndarray, shape (n,)
        Weights in (0, 1].
    """
    return float(values @ weights / weights.sum())


def _trimmed_mean(values: FloatArray) -> float:
    cut = int(TRIMMED * values.size)
    kept = np.partition(values, (cut, values.size - cut - 1))[cut : values.size - cut]
    return float(kept.mean())


def _sd(values: FloatArray) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else float("nan")


SUMMARIES: Mapping[str, Callable[[FloatArray], float]] = MappingProxyType(
    {
        "mean": lambda values: float(values.mean()),
        "median": lambda values: float(np.median(values)),
        "trimmed_mean": _trimmed_mean,
        "sd": _sd,
    }
)
"""Statistics without weights, of at least one value; the standard deviation of one value is NaN."""
