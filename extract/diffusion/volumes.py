"""Volumes that do not belong: those that the tensor explains worse than the others, and unlike their neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.diffusion.least_squares import log_design

if TYPE_CHECKING:
    from neurotrial.extract.diffusion.gradients import Gradients
    from neurotrial.extract.diffusion.tensor import TensorFit

__all__ = ["OutlierVolumes", "neighbour_correlation", "outlier_volumes"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_SD_OF_MAD = 1.4826
_LEAST_FREEDOM = 0.05
"""Share of its noise that the residual of a volume must keep for it to be judged: a single unweighted volume keeps none."""
_LEAST_SPREAD = 0.02
"""Spread between volumes, as a share of their residual, that is no reason to call one of them an outlier."""


@dataclass(frozen=True, slots=True, eq=False)
class OutlierVolumes:
    """Volumes by how badly the tensor explains them.

    Attributes
    ----------
    z : ndarray, shape (volumes,)
        Residual of the volume in robust standard deviations from the median of all; NaN where it cannot be judged.
    outlier : ndarray of bool, shape (volumes,)
        Whether z lies above the threshold.
    """

    z: FloatArray
    outlier: BoolArray

    @property
    def count(self) -> int:
        """Number of outlier volumes."""
        return int(self.outlier.sum())


def outlier_volumes(fit: TensorFit, threshold: float = 3.5) -> OutlierVolumes:
    """Tell the volumes whose residual is larger than those of the others.

    Parameters
    ----------
    fit : TensorFit
        Of one scan.
    threshold : float
        Robust z from which a volume is an outlier.

    Returns
    -------
    OutlierVolumes
        For every volume of the scan; those that did not enter the fit cannot be judged.

    Notes
    -----
    The residual of a volume is `TensorFit.residual_by_volume` over the share of the noise that the fit leaves in it, which is
    least for a volume unlike all others. z is its distance from the median over 1.4826 times the median absolute distance, or over
    2 % of the median where that is more.

    References
    ----------
    Iglewicz B, Hoaglin DC. How to detect and handle outliers. ASQC Quality Press, 1993.
    """
    used = fit.gradients.used
    freedom = np.full(len(used), np.nan)
    freedom[used] = _freedom(fit.gradients, float(np.nanmedian(fit.md)), weighted=fit.method != "ols")
    freedom[~(freedom > _LEAST_FREEDOM)] = np.nan
    noise = fit.residual_by_volume / np.sqrt(freedom)
    distance = noise - np.nanmedian(noise)
    spread = _SD_OF_MAD * np.nanmedian(np.abs(distance))
    z = distance / max(spread, _LEAST_SPREAD * float(np.nanmedian(noise)), np.finfo(float).tiny)
    return OutlierVolumes(z, z > threshold)


def _freedom(gradients: Gradients, md: float, *, weighted: bool) -> FloatArray:
    """Return the share of the noise variance of each used volume that stays in its residual, for a ball of the scan's MD."""
    design = log_design(gradients.bvals[gradients.used], gradients.bvecs[gradients.used])
    signal = np.exp(-np.where(gradients.b0, 0.0, gradients.bvals)[gradients.used] / 1000 * max(md, 0.0))
    roots = signal if weighted else np.ones_like(signal)
    left = np.eye(len(design)) - design @ np.linalg.pinv(roots[:, None] * design) * roots
    return np.asarray(((left / signal) ** 2).sum(axis=1) * signal**2)


def neighbour_correlation(signal: Any, gradients: Gradients) -> FloatArray:
    """Correlate each volume with the one whose weighting is nearest.

    Parameters
    ----------
    signal : array, shape (voxels, volumes)
        Signal inside the brain mask.
    gradients : Gradients
        Of all volumes.

    Returns
    -------
    ndarray, shape (volumes,)
        Pearson's r; NaN for a scan of one volume and volumes without variance.

    Notes
    -----
    The distance of two volumes is that of their directions, opposite ones being the same, scaled by the root of b [1]_.

    References
    ----------
    .. [1] Yeh FC et al. NeuroImage 2019;202:116131. https://doi.org/10.1016/j.neuroimage.2019.116131
    """
    points = gradients.bvecs * np.sqrt(gradients.bvals)[:, None]
    distances = np.minimum(*(np.linalg.norm(points[:, None] - sign * points, axis=2) for sign in (1, -1)))
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    values = np.asarray(signal, dtype="float64")
    values = values - values.mean(axis=0)
    length = np.linalg.norm(values, axis=0)
    product = np.einsum("nv,nv->v", values, values[:, nearest])
    scale = length * length[nearest]
    r = np.divide(product, scale, out=np.full(len(scale), np.nan), where=scale > 0)
    return np.asarray(r if len(nearest) > 1 else np.full(len(nearest), np.nan))
