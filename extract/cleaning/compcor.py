"""Principal components of the noise in a tissue (aCompCor)."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["LONGEST_PERIOD", "noise_components", "sound_parts"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

LONGEST_PERIOD = 128.0
"""Seconds; slower fluctuations are taken out first, as by fMRIPrep."""
_AT_A_TIME = 4096
"""Voxels that are worked on in double precision at a time."""
_NOTHING = 1e-12


def noise_components(
    voxels: Any, *, t_r: float, n_components: int = 5, unsteady: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Return the first principal components of the voxels of a tissue.

    Parameters
    ----------
    voxels : array, shape (n_volumes, n_voxels)
        Their series. Volumes without numbers, and voxels that lack one in the others or never change, do not enter.
    t_r : float
        Seconds from volume to volume.
    n_components : int
        How many are wanted.
    unsteady : int
        Volumes at the beginning that do not enter.

    Returns
    -------
    components : ndarray, shape (n_volumes, n_found)
        Orthonormal, by falling variance, the largest value of each positive; 0 in the volumes before the steady state, NaN in those
        without numbers. Fewer than wanted where the voxels have no more.
    share : ndarray, shape (n_found,)
        Share of the variance that each explains.

    Notes
    -----
    As fMRIPrep does it: mean and cosines with periods down to 128 s are taken out of each voxel, what is left is divided by its
    standard deviation, and the left singular vectors of volumes by voxels are the components. They are found as eigenvectors of
    volumes by volumes.

    References
    ----------
    Behzadi Y et al. NeuroImage 2007;37:90-101. https://doi.org/10.1016/j.neuroimage.2007.04.042
    """
    from scipy.linalg import eigh

    values = np.asarray(voxels)
    held, usable = sound_parts(values)
    used = np.flatnonzero(held & (np.arange(len(values)) >= unsteady))
    sound = np.flatnonzero(usable)
    if not used.size or not sound.size:
        return np.empty((len(values), 0)), np.empty(0)
    drift = _drift(used, unsteady, len(values), t_r)
    product = np.zeros((used.size, used.size))
    for start in range(0, sound.size, _AT_A_TIME):
        chunk = _normalised(values[np.ix_(used, sound[start : start + _AT_A_TIME])].astype("float64"), drift)
        product += chunk @ chunk.T
    power, vectors = eigh(product)
    wanted = np.flatnonzero(power > _NOTHING * max(power.sum(), _NOTHING))[::-1][:n_components]
    chosen = vectors[:, wanted]
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(wanted.size)])
    found = np.full((len(values), wanted.size), np.nan)
    found[:unsteady] = 0.0
    found[used] = chosen
    return found, power[wanted] / max(power.sum(), _NOTHING)


def sound_parts(voxels: Any) -> tuple[BoolArray, BoolArray]:
    """Tell the volumes in which a voxel has a number, and the voxels that have one in each of them."""
    finite = np.isfinite(voxels)
    held = finite.any(axis=1)
    return held, finite[held].all(axis=0) & held.any()


def _drift(used: Any, unsteady: int, n_volumes: int, t_r: float) -> FloatArray:
    """Return orthonormal mean and cosines of the volumes in use, shape (n_used, n_terms)."""
    length = n_volumes - unsteady
    order = max(int(2 * length * t_r / LONGEST_PERIOD), 1)
    phase = np.pi / length * (used - unsteady + 0.5)
    return np.asarray(np.linalg.qr(np.cos(np.outer(phase, np.arange(order))))[0])


def _normalised(values: FloatArray, drift: FloatArray) -> FloatArray:
    """Return voxels without drift and with a standard deviation of 1, or 0 where nothing is left of one."""
    before = np.linalg.norm(values, axis=0)
    values = values - values.mean(axis=0)
    values -= drift @ (drift.T @ values)
    size = np.linalg.norm(values, axis=0)
    alive = size > _NOTHING * before
    return np.asarray(values[:, alive] / size[alive] * np.sqrt(len(values)))
