"""What differs between the generations: PyMC 5 with ArviZ 0.23 (Python 3.11) and PyMC 6 with ArviZ 1 (newer Pythons)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["array_statistics", "read_trace"]

_STATISTICS = ("energy", "diverging")


def read_trace(trace: Any) -> tuple[dict[str, FloatArray], Mapping[str, FloatArray]]:
    """Return the draws of each variable and the statistics of the sampler.

    Parameters
    ----------
    trace : arviz.InferenceData or xarray.DataTree
        The older generation's samplers return the first, the newer one's the second.

    Returns
    -------
    tuple of dict
        Variables, and the statistics ``energy`` and ``diverging``; arrays of shape (chains, draws, ...).
    """
    posterior, stats = trace["posterior"], trace["sample_stats"]
    values = {str(name): np.asarray(posterior[name]) for name in posterior.data_vars}
    return values, {name: np.asarray(stats[name]) for name in _STATISTICS}


def array_statistics() -> Any:
    """Return ArviZ's statistics of arrays: one set of calls in both generations, which neither has types for."""
    import arviz_stats.base

    return arviz_stats.base.array_stats  # type: ignore[attr-defined]
