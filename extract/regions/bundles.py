"""A bundle of streamlines: on which side each lies, its points node by node, and how near each is to the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotrial.extract.scan_result import ScanFault

__all__ = ["Bundle", "core_weights", "one_sided", "resampled"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_NEAREST = 1e-8
"""Distances from the core, in standard deviations, are at least this: weights stay finite."""


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Streamlines of one hemisphere.

    Attributes
    ----------
    streamlines : list of ndarray, shape (n_points, 3)
        Those that lie in the hemisphere, in mm.
    n_other : int
        How many lie in the other one and are left out.
    """

    streamlines: list[FloatArray]
    n_other: int


def one_sided(streamlines: Sequence[FloatArray], hemisphere: str, where: str) -> Bundle:
    """Keep the streamlines whose mean point lies in a hemisphere.

    Parameters
    ----------
    streamlines : sequence of ndarray, shape (n_points, 3)
        Points in mm.
    hemisphere : {"left", "right"}
        Where they should lie.
    where : str
        What they are called, for the message.

    Returns
    -------
    Bundle
        The streamlines of the hemisphere.

    Raises
    ------
    ScanFault
        If more than half of them lie in the other hemisphere: mirrored, or named for the wrong side.
    """
    kept = [points for points in streamlines if (points[:, 0].mean() < 0) == (hemisphere == "left")]
    n_other = len(streamlines) - len(kept)
    if n_other > len(kept):
        rule = f"are of the {hemisphere} hemisphere, but {n_other} of {len(streamlines)} streamlines lie in the other"
        raise ScanFault(where, rule, "mend the header, or the name: left is negative")
    return Bundle(kept, n_other)


def resampled(streamlines: Sequence[FloatArray], nodes: int) -> FloatArray:
    """Return points at equal distances along each streamline, shape (n_streamlines, nodes, 3), the upper end first."""
    points = np.empty((len(streamlines), nodes, 3))
    for place, line in enumerate(streamlines):
        upward = line if line[0, 2] >= line[-1, 2] else line[::-1]
        along = np.r_[0, np.linalg.norm(np.diff(upward, axis=0), axis=1).cumsum()]
        at = np.linspace(0, along[-1], nodes)
        points[place] = np.column_stack([np.interp(at, along, axis) for axis in upward.T])
    return points


def core_weights(points: FloatArray) -> FloatArray:
    """Weight each streamline at each node by its nearness to the core of the bundle.

    Parameters
    ----------
    points : ndarray, shape (n_streamlines, nodes, 3)
        As `resampled` gives them.

    Returns
    -------
    ndarray, shape (n_streamlines, nodes)
        Inverse Mahalanobis distances from the mean point of the node; they sum to 1 in each node.

    References
    ----------
    Yeatman JD et al. PLoS One 2012;7:e49790. https://doi.org/10.1371/journal.pone.0049790
    """
    away = points - points.mean(axis=0)
    covariance = np.einsum("snj,snk->njk", away, away) / len(points)
    # a flat bundle has no inverse covariance: distances are then those in its plane
    inverse = np.linalg.pinv(covariance, hermitian=True)
    distance = np.sqrt(np.maximum(np.einsum("snj,njk,snk->sn", away, inverse, away), 0))
    nearness = 1 / np.maximum(distance, _NEAREST)
    weights: FloatArray = nearness / nearness.sum(axis=0)
    return weights
