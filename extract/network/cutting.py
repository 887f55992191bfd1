"""Cutting a network: at a correlation, or at a share of its edges; what is left in each piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurotrial.errors import refuse

__all__ = [
    "cut_absolute",
    "cut_proportional",
    "density",
    "n_components",
    "positive_weights",
    "significant_share",
]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def positive_weights(r: FloatArray) -> FloatArray:
    """Return the positive part of correlations with a diagonal of 0, shape (n, n)."""
    weights = np.maximum(r, 0.0)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights)


def cut_absolute(weights: FloatArray, thresholds: Sequence[float]) -> FloatArray:
    """Keep edges from a weight on.

    Parameters
    ----------
    weights : ndarray, shape (n, n)
        As `positive_weights` gives them.
    thresholds : sequence of float
        Above 0.

    Returns
    -------
    ndarray, shape (thresholds, n, n)
    """
    return np.stack([np.where(weights >= threshold, weights, 0.0) for threshold in thresholds])


def cut_proportional(weights: FloatArray, densities: Sequence[float]) -> FloatArray:
    """Keep the strongest edges.

    Parameters
    ----------
    weights : ndarray, shape (n, n)
        As `positive_weights` gives them.
    densities : sequence of float
        Shares of all pairs, in (0, 1]. The number of edges is the nearest whole one; of equal edges the one whose nodes come
        first is kept. Pairs without a positive weight are never kept, so that there may be fewer.

    Returns
    -------
    ndarray, shape (densities, n, n)
    """
    first, second = np.triu_indices(len(weights), 1)
    order = np.argsort(-weights[first, second], kind="stable")
    found = np.zeros((len(densities), *weights.shape))
    for place, share in enumerate(densities):
        kept = order[: int(np.floor(share * len(order) + 1 / 2))]
        ends = np.concatenate([first[kept], second[kept]]), np.concatenate([second[kept], first[kept]])
        found[place][ends] = weights[ends]
    return found


def density(r: FloatArray, threshold: float, kind: str = "absolute") -> float:
    """Return the share of pairs whose correlation is at least a threshold.

    Parameters
    ----------
    r : ndarray, shape (n, n)
        Correlations.
    threshold : float
        Correlation.
    kind : {"absolute"}
        ``proportional`` is refused.

    Raises
    ------
    InputError
        For a proportional threshold, under which the density is what was asked for and carries no information.

    Examples
    --------
    >>> density(np.array([[1, 0.4, 0.1], [0.4, 1, 0.3], [0.1, 0.3, 1]]), 0.3)
    0.6666666666666666
    """
    if kind != "absolute":
        rule = f"density under a {kind} threshold is fixed by construction"
        raise refuse("kind", rule, "use an absolute threshold, or look at where the edges are")
    return float((r[np.triu_indices(len(r), 1)] >= threshold).mean())


def significant_share(r: FloatArray, effective_df: float, rate: float) -> float:
    """Return the share of pairs with a significantly positive correlation.

    Parameters
    ----------
    r : ndarray, shape (n, n)
        Correlations.
    effective_df : float
        Effective number of independent volumes, above 3: z has the variance 1/(effective_df - 3).
    rate : float
        False discovery rate by Benjamini and Hochberg over all pairs, two-sided tests.
    """
    from scipy.stats import false_discovery_control, norm

    from neurotrial.extract.network.edge_kinds import fisher_z

    own = r[np.triu_indices(len(r), 1)]
    p = 2 * norm.sf(np.abs(fisher_z(own)) * np.sqrt(effective_df - 3))
    return float(((false_discovery_control(p) <= rate) & (own > 0)).mean())


def n_components(weights: FloatArray) -> int:
    """Return the number of pieces of a network; a node without edges is one."""
    from scipy.sparse.csgraph import connected_components

    return int(connected_components(weights > 0, directed=False, return_labels=False))
