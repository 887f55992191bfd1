"""Quality of a resting-state scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.quality import Measure

if TYPE_CHECKING:
    from neurotrial.extract.bold.reading import ReadBold
    from neurotrial.extract.cleaning.cleaned import Cleaned
    from neurotrial.imaging_plan import QualityLimits

__all__ = ["bold_measures", "kept_measures"]


def bold_measures(
    read: ReadBold, displacement: Any, cleaned: Cleaned, lost: Any, lags: Any, limits: QualityLimits
) -> list[Measure]:
    """Measure a scan.

    Parameters
    ----------
    read : ReadBold
        What was read of it.
    displacement : ndarray, shape (n_volumes,)
        Framewise displacement in mm.
    cleaned : Cleaned
        What the cleaning left.
    lost : ndarray of bool, shape (n_nodes,)
        Nodes that are lost.
    lags : ndarray, shape (n_nodes,)
        Lag of each node in s.
    limits : QualityLimits
        Limits of motion, time, signal-to-noise ratio and lag.
    """
    from neurotrial.extract.nodes.series import node_tsnr

    voxels, found = read.voxels[0], read.found
    inside = found.tsnr[read.opened.brain]
    tsnr = node_tsnr(found, voxels)
    return [
        Measure("n_volumes", len(displacement)),
        Measure("fd_mean", float(np.nanmean(displacement)), "mm", limits.fd_mean),
        Measure("fd_max", float(np.nanmax(displacement)), "mm"),
        Measure("dvars_mean", _mean(found.dvars_percent), "%"),
        *kept_measures(cleaned, limits),
        Measure("tsnr", _median(inside), "", limits.tsnr, "below"),
        Measure("min_node_tsnr", _least(tsnr)),
        Measure("min_node_coverage", float(voxels.coverage.min()), "share"),
        Measure("nodes_lost", int(lost.sum()), "", 0),
        Measure("lesioned_nodes", int((np.nan_to_num(voxels.lesion_fraction) > 0).sum())),
        Measure("largest_lag", _largest(lags), "s", limits.lag_s),
    ]


def kept_measures(cleaned: Cleaned, limits: QualityLimits) -> list[Measure]:
    """Measure what the cleaning left."""
    return [
        Measure("share_censored", float(cleaned.censored.mean()), "share", limits.share_censored),
        Measure("volumes_kept", cleaned.n_volumes),
        Measure("minutes_kept", cleaned.minutes, "min", limits.minutes, "below"),
        Measure("effective_df", cleaned.effective_df, "", limits.effective_df, "below"),
    ]


def _finite(values: Any) -> Any:
    return values[np.isfinite(values)]


def _mean(values: Any) -> float:
    own = _finite(values)
    return float(own.mean()) if own.size else float("nan")


def _median(values: Any) -> float:
    own = _finite(values)
    return float(np.median(own)) if own.size else float("nan")


def _least(values: Any) -> float:
    own = _finite(values)
    return float(own.min()) if own.size else float("nan")


def _largest(values: Any) -> float:
    own = np.abs(_finite(values))
    return float(own.max()) if own.size else float("nan")
