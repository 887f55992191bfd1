"""Local cross-correlation that hears nothing where there is nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["correlation_metric"]

_SILENT = 1e-5
"""Sum of squared deviations in a window, of images scaled to 0 to 1, below which it has no contrast."""
_SUMS = 3
"""Place from which the factors of a window are its sums of squares, of the static and of the moving image."""


def correlation_metric(sigma_diff: float) -> Any:
    """Return dipy's cross-correlation metric, with windows of no contrast left out.

    Parameters
    ----------
    sigma_diff : float
        Smoothing of the updates, in voxels.

    Notes
    -----
    dipy sums along running windows. Behind bright tissue rounding leaves a little contrast in an empty background, which the
    correlation takes for structure; it lies on one side only, so that a mirrored image would be deformed differently.
    """
    return _metric_class()(3, sigma_diff=sigma_diff)


@lru_cache(maxsize=1)
def _metric_class() -> Any:
    from dipy.align.metrics import CCMetric

    class Heard(CCMetric):
        """Cross-correlation where both images have contrast."""

        def initialize_iteration(self) -> None:
            """Compute the factors of every window, and silence those of none."""
            super().initialize_iteration()  # type: ignore[no-untyped-call]
            factors = np.asarray(self.factors)
            factors[(factors[..., _SUMS:] < _SILENT).any(axis=-1)] = 0

    return Heard
