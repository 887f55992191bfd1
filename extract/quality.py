"""Quality measures of a scan, and the flags that the limits of the plan put on them; a flag excludes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurotrial.extract.diffusion.volumes import outlier_volumes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from neurotrial.extract.diffusion.tensor import TensorFit
    from neurotrial.imaging_plan import QualityLimits

__all__ = ["Measure", "dwi_measures", "quality_table", "region_measures"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A quality measure of a scan.

    Attributes
    ----------
    name, unit : str
        What is measured.
    value : float
        NaN where it cannot be measured.
    limit : float
        NaN where there is none.
    worse : {"above", "below"}
        On which side of the limit a value is flagged.
    """

    name: str
    value: float
    unit: str = ""
    limit: float = float("nan")
    worse: Literal["above", "below"] = "above"

    @property
    def flagged(self) -> bool:
        """Whether the value lies beyond its limit."""
        return self.value > self.limit if self.worse == "above" else self.value < self.limit

    def __str__(self) -> str:
        sign = ">" if self.worse == "above" else "<"
        return f"{self.name} {self.value:.3g} {sign} {self.limit:g}"


def dwi_measures(signal: Any, fit: TensorFit, displacement: Any, limits: QualityLimits) -> list[Measure]:
    """Measure a diffusion scan.

    Parameters
    ----------
    signal : ndarray, shape (voxels, volumes)
        Signal inside the brain mask.
    fit : TensorFit
        Of that signal.
    displacement : ndarray, shape (volumes,), or None
        Framewise displacement in mm; None where it is not known.
    limits : QualityLimits
        Limits of signal-to-noise ratio, motion and outlier volumes.
    """
    b0 = fit.gradients.b0
    outliers = outlier_volumes(fit)
    judged = int(np.isfinite(outliers.z).sum())
    empty = int((~(signal > 0).any(axis=0)).sum())
    found = [
        Measure("n_volumes", signal.shape[1]),
        Measure("n_b0", int(b0.sum()), "", 2, "below"),
        Measure("snr", _snr(signal[:, b0]), "", limits.snr, "below"),
        Measure("bad_samples", float(fit.n_bad.sum() / signal.size), "share", limits.bad_samples),
        Measure("empty_volumes", empty, "", 0),
        Measure(
            "outlier_volumes", outliers.count / judged if judged else np.nan, "share", limits.share_outliers
        ),
        Measure("fa_median", float(np.nanmedian(fit.fa)), "FA"),
    ]
    if displacement is None:
        return found
    return [
        *found,
        Measure("fd_mean", float(np.nanmean(displacement)), "mm", limits.fd_mean),
        Measure("fd_max", float(np.nanmax(displacement)), "mm"),
    ]


def region_measures(
    regions: Mapping[tuple[str, str], Any],
    covered: Any,
    registration: Mapping[str, float],
    limits: QualityLimits,
) -> list[Measure]:
    """Measure how well regions cover a diffusion scan, and how well they were brought to it.

    Parameters
    ----------
    regions : mapping of (str, str) to ndarray, shape (x, y, z)
        Weight of each voxel by region and hemisphere.
    covered : ndarray of bool, shape (x, y, z)
        What every visit measured.
    registration : mapping of str to float
        Quality of the registration that brought the regions; empty where none was made.
    limits : QualityLimits
        Limits of coverage and registration.
    """
    shares = [float(weights[covered].sum() / weights.sum()) for weights in regions.values()]
    found = [Measure("min_region_coverage", min(shares), "share", limits.coverage, "below")]
    bounds: dict[str, tuple[str, float, Literal["above", "below"]]] = {
        "dice": ("", limits.registration_dice, "below"),
        "correlation": ("", float("nan"), "below"),
        "jacobian_min": ("", 0.0, "below"),
        "jacobian_max": ("", float("nan"), "above"),
        "folded": ("share", 0.0, "above"),
    }
    return found + [
        Measure(f"registration_{name}", registration[name], *bounds[name])
        for name in bounds
        if name in registration
    ]


def _snr(unweighted: Any) -> float:
    """Return the median over voxels of mean over SD between unweighted volumes; NaN for a single one.

    The SD of two volumes is their difference over the root of 2, whose median is 0.6745 SD: the noise is estimated over
    all voxels together, so that few volumes do not bias it.
    """
    if unweighted.shape[1] < 2:  # noqa: PLR2004 - a difference needs two
        return float("nan")
    noise = np.sqrt(np.mean(np.var(unweighted, axis=1, ddof=1)))
    return float(np.median(unweighted) / noise) if noise > 0 else float("inf")


def quality_table(measures: Iterable[Measure], identity: dict[str, Any]) -> pd.DataFrame:
    """Return the rows of the table `quality` of a scan."""
    import pandas as pd

    return pd.DataFrame([
        {
            **identity, "measure": item.name, "value": item.value, "unit": item.unit or None, "threshold": item.limit,
            "flagged": item.flagged,
        }
        for item in measures
    ])  # fmt: skip
