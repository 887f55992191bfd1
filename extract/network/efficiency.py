"""Efficiency of a network: how short the ways between its nodes are, in the whole and among the neighbours of a node."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurotrial.errors import refuse

__all__ = ["global_efficiencies", "global_efficiency", "local_efficiencies", "local_efficiency"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
_SMALL = 64
"""Nodes up to which many networks at once are faster than one by one."""


def global_efficiency(weights: Any) -> float:
    """Return the global efficiency: the mean inverse length of the shortest way between two nodes.

    Parameters
    ----------
    weights : ndarray, shape (n_nodes, n_nodes)
        Symmetric, not negative; 0 where there is no edge, the diagonal does not count. An edge is as long as the inverse of
        its weight; pairs without a way count 0. Ones and zeros give the binary efficiency [1]_, others the weighted one [2]_.

    Returns
    -------
    float
        In [0, largest weight]; NaN for fewer than two nodes.

    Raises
    ------
    InputError
        If weights are negative, missing or not symmetric.

    References
    ----------
    .. [1] Latora V, Marchiori M. Phys Rev Lett 2001;87:198701. https://doi.org/10.1103/PhysRevLett.87.198701
    .. [2] Rubinov M, Sporns O. NeuroImage 2010;52:1059-1069. https://doi.org/10.1016/j.neuroimage.2009.10.003

    Examples
    --------
    >>> global_efficiency([[0, 0.5, 0], [0.5, 0, 0.25], [0, 0.25, 0]])  # the way from end to end is 2 + 4 long
    0.3055555555555555
    """
    return float(global_efficiencies(_checked(weights)[None])[0])


def local_efficiency(weights: Any) -> float:
    """Return the local efficiency: the mean over nodes of the efficiency among their neighbours.

    Parameters
    ----------
    weights : ndarray, shape (n_nodes, n_nodes)
        As for `global_efficiency`.

    Returns
    -------
    float
        For binary networks the mean global efficiency of the subgraph of neighbours, 0 for a node with fewer than two [1]_.
        For weighted ones the modified definition [2]_: pairs of neighbours weigh by the cube root of the product of their
        edges to the node, ways run along cube roots of weights; it equals the binary one where all weights are 1, which the
        original one [3]_ does not.

    Raises
    ------
    InputError
        As for `global_efficiency`.

    References
    ----------
    .. [1] Latora V, Marchiori M. Phys Rev Lett 2001;87:198701. https://doi.org/10.1103/PhysRevLett.87.198701
    .. [2] Wang Y, Ghumare E, Vandenberghe R, Dupont P. Neural Comput 2017;29:313-331. https://doi.org/10.1162/NECO_a_00914
    .. [3] Rubinov M, Sporns O. NeuroImage 2010;52:1059-1069. https://doi.org/10.1016/j.neuroimage.2009.10.003
    """
    return float(local_efficiencies(_checked(weights)[None])[0])


def global_efficiencies(stack: FloatArray) -> FloatArray:
    """Return the global efficiency of many networks of the same nodes.

    Parameters
    ----------
    stack : ndarray, shape (n_networks, n_nodes, n_nodes)
        Weights as for `global_efficiency`, with a diagonal of 0; they are not checked.
    """
    n = stack.shape[-1]
    if n < 2:  # noqa: PLR2004 - a way has two ends
        return np.full(len(stack), np.nan)
    return np.asarray(_nearness(stack).sum(axis=(1, 2)) / (n * (n - 1)))


def local_efficiencies(stack: FloatArray) -> FloatArray:
    """Return the local efficiency of many networks of the same nodes; see `global_efficiencies`."""
    n = stack.shape[-1]
    if n < 2:  # noqa: PLR2004 - a way has two ends
        return np.full(len(stack), np.nan)
    roots = np.cbrt(stack)
    found = np.empty((len(stack), n))
    for node in range(n):
        own = roots[:, node]
        near = own > 0
        among = roots * (near[:, :, None] & near[:, None, :])
        pairs = near.sum(axis=1) * (near.sum(axis=1) - 1.0)
        ways = np.einsum("ci,cij,cj->c", own, _nearness(among), own)
        found[:, node] = np.divide(ways, pairs, out=np.zeros(len(stack)), where=pairs > 0)
    return np.asarray(found.mean(axis=1))


def _checked(weights: Any) -> FloatArray:
    matrix = np.array(weights, dtype="float64")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:  # noqa: PLR2004 - a matrix has two axes
        raise refuse("weights", f"is no square matrix: {matrix.shape}", "give nodes by nodes")
    np.fill_diagonal(matrix, 0.0)
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        rule = "weights are numbers of at least 0"
        raise refuse("weights", rule, "drop lost nodes, and take the positive part of correlations")
    if not np.allclose(matrix, matrix.T, rtol=0, atol=1e-12):
        raise refuse("weights", "the weights are not symmetric", "give an undirected network")
    return matrix


def _nearness(stack: FloatArray) -> FloatArray:
    """Return the inverse length of the shortest way between each two nodes, 0 where there is none and on the diagonal."""
    lengths = np.divide(1.0, stack, out=np.full_like(stack, np.inf), where=stack > 0)
    away = _ways_by_scipy(lengths) if stack.shape[-1] > _SMALL else _ways(lengths)
    away[:, range(away.shape[1]), range(away.shape[1])] = np.inf
    return np.asarray(1.0 / away)


def _ways(lengths: FloatArray) -> FloatArray:
    """Return the lengths of shortest ways in many small networks at once, which SciPy takes one by one (Floyd, Warshall)."""
    away = lengths.copy()
    for node in range(away.shape[1]):
        np.minimum(away, away[:, :, node, None] + away[:, None, node, :], out=away)
    return away


def _ways_by_scipy(lengths: FloatArray) -> FloatArray:
    from scipy.sparse.csgraph import shortest_path

    return np.stack([shortest_path(own, method="FW", directed=False) for own in lengths])
