"""Edges of a network: how the dependence of two time series is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from neurotrial.extract.cleaning.cleaned import Cleaned

__all__ = ["Kind", "edges", "fisher_z"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Kind = Literal["pearson", "ledoit_wolf", "partial", "tangent"]
_LARGEST_R = 1 - 1e-7
_FEWEST_VOLUMES = 3


def edges(
    series: FloatArray | Cleaned | Sequence[FloatArray | Cleaned], kind: Kind = "pearson"
) -> FloatArray:
    """Measure the dependence between the time series of each two nodes.

    Parameters
    ----------
    series : ndarray of shape (n_volumes, n_nodes), Cleaned, or a sequence of such
        Cleaned series. A node whose series is not finite or does not vary has no edges. A sequence is for ``tangent`` only,
        which needs a group of scans.
    kind : {"pearson", "ledoit_wolf", "partial", "tangent"}
        ``pearson``: the sample correlation, without shrinkage. ``ledoit_wolf``: from a covariance that is shrunk towards a
        multiple of the identity [1]_, more for fewer volumes, so that censoring leaks into it. ``partial``: partial correlation
        from the inverse of that shrunken covariance. ``tangent``: deviation of each scan from the group's geometric mean [2]_;
        no correlation, and it depends on all scans of the group. All but the first by nilearn.

    Returns
    -------
    ndarray, shape (n_nodes, n_nodes); for ``tangent`` (n_scans, n_nodes, n_nodes)
        1 on the diagonal but for ``tangent``; NaN for nodes without edges.

    Raises
    ------
    InputError
        If there are fewer than 3 volumes, or ``tangent`` is asked of a single scan or of scans that have lost nodes.

    References
    ----------
    .. [1] Ledoit O, Wolf M. J Multivar Anal 2004;88:365-411. https://doi.org/10.1016/S0047-259X(03)00096-4
    .. [2] Varoquaux G et al. MICCAI 2010, 200-208. https://doi.org/10.1007/978-3-642-15705-9_25

    Examples
    --------
    >>> time = np.arange(6.0)
    >>> edges(np.column_stack([time, -time])).round(6).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    if kind not in get_args(Kind):
        raise refuse("kind", f"{kind!r} is no measure of dependence", f"use {', '.join(get_args(Kind))}")
    if kind == "tangent":
        return _tangent(series)
    values = _values(series)
    usable = _usable(values)
    found = np.full((values.shape[1],) * 2, np.nan)
    if usable.any():
        own = values[:, usable]
        found[np.ix_(usable, usable)] = _pearson(own) if kind == "pearson" else _by_nilearn(own, kind)
    return found


def fisher_z(r: Any) -> FloatArray:
    """Return Fisher's z of correlations.

    Parameters
    ----------
    r : array
        Correlations; they are kept 1e-7 away from -1 and 1.

    Returns
    -------
    ndarray
        Of the same shape.

    Examples
    --------
    >>> fisher_z(np.array([0.0, 0.5])).round(4).tolist()
    [0.0, 0.5493]
    """
    return np.asarray(np.arctanh(np.clip(r, -_LARGEST_R, _LARGEST_R)))


def _values(series: Any) -> FloatArray:
    values = np.asarray(getattr(series, "series", series), dtype="float64")
    if values.ndim != 2 or len(values) < _FEWEST_VOLUMES:  # noqa: PLR2004 - volumes and nodes
        rule = f"has the shape {values.shape}; at least {_FEWEST_VOLUMES} volumes by nodes are needed"
        raise refuse("series", rule, "give a matrix of volumes by nodes of one scan")
    return values


def _usable(values: FloatArray) -> Any:
    finite = np.isfinite(values).all(axis=0)
    spread = np.ptp(np.where(finite, values, 0.0), axis=0)
    return finite & (spread > np.finfo(float).eps * np.abs(np.where(finite, values, 0.0)).max(axis=0))


def _pearson(values: FloatArray) -> FloatArray:
    return np.atleast_2d(np.corrcoef(values, rowvar=False))


def _by_nilearn(values: FloatArray, kind: str) -> FloatArray:
    from nilearn.connectome import ConnectivityMeasure

    named: Any = {"ledoit_wolf": "correlation", "partial": "partial correlation"}[kind]
    measure = ConnectivityMeasure(_covariance(), kind=named, standardize=False)
    found: FloatArray = np.array(measure.fit_transform([values])[0], dtype="float64")
    np.fill_diagonal(found, 1.0)
    return found


def _covariance() -> Any:
    from importlib import import_module

    return import_module("sklearn.covariance").LedoitWolf(store_precision=False)


def _tangent(series: Any) -> FloatArray:
    from nilearn.connectome import ConnectivityMeasure

    if isinstance(series, np.ndarray) or not isinstance(series, Sequence) or len(series) < 2:  # noqa: PLR2004
        rule = "tangent compares each scan with the mean of a group, and one scan is none"
        raise refuse("series", rule, "give the series of all scans, or use pearson")
    scans = [_values(own) for own in series]
    if not all(_usable(own).all() for own in scans) or len({own.shape[1] for own in scans}) > 1:
        raise refuse("series", "tangent needs every node in every scan", "leave out nodes or scans")
    measure = ConnectivityMeasure(_covariance(), kind="tangent", standardize=False)
    return np.asarray(measure.fit_transform(scans), dtype="float64")
