"""What differs between the generations: PyMC 5 with ArviZ 0.23 (Python 3.11) and PyMC 6 with ArviZ 1 (newer Pythons)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["STATISTICS", "array_statistics", "as_arviz", "read_trace"]

STATISTICS = {
    "energy": ("energy",),
    "diverging": ("diverging",),
    "depth": ("depth", "tree_depth"),
    "deepest": ("maxdepth_reached", "reached_max_treedepth"),
}
"""Statistics of the sampler that are kept, with the names that nutpie and PyMC give them."""


def read_trace(trace: Any) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Return the draws of each variable and the statistics of the sampler.

    Parameters
    ----------
    trace : arviz.InferenceData or xarray.DataTree
        The older generation's samplers return the first, the newer one's the second.

    Returns
    -------
    tuple of dict
        Variables, and the statistics of `STATISTICS`; arrays of shape (chains, draws, ...).
    """
    posterior, stats = trace["posterior"], trace["sample_stats"]
    values = {str(name): np.asarray(posterior[name]) for name in posterior.data_vars}
    found = {}
    for name, known in STATISTICS.items():
        there = next(other for other in known if other in stats.data_vars)
        found[name] = np.asarray(stats[there], dtype="float64")
    return values, found


def array_statistics() -> Any:
    """Return ArviZ's statistics of arrays: one set of calls in both generations, which neither has types for."""
    import arviz_stats.base

    return arviz_stats.base.array_stats  # type: ignore[attr-defined]


def as_arviz(groups: Mapping[str, Any]) -> Any:
    """Return data sets as the object that this generation's ArviZ works with.

    Parameters
    ----------
    groups : mapping of str to xarray.Dataset
        By the name of the group, e.g. ``posterior``.

    Returns
    -------
    arviz.InferenceData or xarray.DataTree
        The first in the older generation.
    """
    import arviz
    import xarray as xr

    if arviz.__version__.startswith("0."):
        return arviz.InferenceData(**groups)
    return xr.DataTree.from_dict({f"/{name}": group for name, group in groups.items()})
