"""Resting-state signal of the simulated head: nodes with known correlations, motion that leaks in, and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.simulation.motion import in_mm
from neurotrial.simulation.nodes import sphere_voxels

if TYPE_CHECKING:
    from neurotrial.simulation.anatomy import Head
    from neurotrial.simulation.motion import Motion
    from neurotrial.simulation.protocols import BoldProtocol

__all__ = ["BAND_HZ", "node_signals", "simulate_bold", "simulate_node_series"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Stored = np.ndarray[Any, np.dtype[np.int16]]
Rng = np.random.Generator

BAND_HZ = (0.01, 0.1)
"""Where the fluctuations of the nodes are."""
_GREY, _WHITE, _VENTRICLE, _LESION = 400.0, 360.0, 450.0, 0.85
"""Mean signal, low enough that the whole numbers of all voxels differ in one byte only, so that files stay small; a lesion is
darker by a factor."""
_AMPLITUDE = 4.0
"""SD of the fluctuation of a node: 1 % of the signal."""
_NOISE = 4.8
"""SD of the noise of a voxel: with the fluctuations a temporal signal-to-noise ratio of about 65, as voxels of 3 mm have."""
_LEAK = 2.0
"""SD over voxels of the signal that 1 mm of shift, or of way on the surface of the head, makes."""
_FD_SIGNAL = 2.0
"""Signal of the whole brain for each mm of framewise displacement."""
_ROUNDING = 1 / 12
"""Variance that is added by storing whole numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sites:
    """Where signal is observed, voxels or means over voxels: mean signal, variance of noise, and SD of the leaks, shape (n,)."""

    baseline: Floats
    noise_variance: Floats
    leak_sd: Floats


def node_signals(correlation: Floats, n_volumes: int, t_r: float, rng: Rng, *, exact: bool = False) -> Floats:
    """Return fluctuations between 0.01 and 0.1 Hz with the given correlations.

    Parameters
    ----------
    correlation : ndarray, shape (k, k)
        Population correlations.
    n_volumes : int
    t_r : float
        Seconds from volume to volume.
    rng : Generator
    exact : bool
        Whether the sample, too, has exactly these correlations. Real scans do not: their correlations scatter about those
        of the population.

    Returns
    -------
    ndarray, shape (n_volumes, k)
        Population mean 0 and variance 1; a stretch of a longer series, so that its ends do not meet.

    Raises
    ------
    InputError
        If the matrix is no correlation matrix, or the scan too short or too slow for the band.
    """
    root = _root(correlation)
    length = 2 * n_volumes
    frequency = np.fft.rfftfreq(length, t_r)
    kept = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    power = (np.where(frequency < frequency[-1], 2, 1) * kept).sum() / length
    if not power:
        rule = f"{n_volumes} volumes every {t_r} s hold no frequency between {BAND_HZ[0]} and {BAND_HZ[1]} Hz"
        raise refuse("protocol", rule, "simulate more volumes, or faster ones")
    white = np.fft.rfft(rng.standard_normal((length, len(root))), axis=0)
    series = np.fft.irfft(white * kept[:, None], length, axis=0)[:n_volumes] / np.sqrt(power)
    return (_whitened(series) if exact else series) @ root.T


def _root(correlation: Floats) -> Floats:
    """Return the Cholesky factor of a correlation matrix."""
    remedy = "lower the correlations between hemispheres, or raise those within"
    symmetric = np.allclose(correlation, correlation.T, rtol=0, atol=1e-12)
    if not (symmetric and np.allclose(np.diag(correlation), 1, rtol=0, atol=1e-12)):
        raise refuse(
            "correlation", "a correlation matrix is symmetric with ones on its diagonal", "mend the matrix"
        )
    smallest = float(np.linalg.eigvalsh(correlation)[0])
    if smallest <= 0:
        rule = f"no signals have these correlations: the smallest eigenvalue is {smallest:.3g}, not above 0"
        raise refuse("correlation", rule, remedy)
    return np.asarray(np.linalg.cholesky(correlation))


def _whitened(series: Floats) -> Floats:
    """Return series whose sample means are 0, variances 1 and correlations 0."""
    rows, columns = series.shape
    left, values, _ = np.linalg.svd(series - series.mean(axis=0), full_matrices=False)
    if values[-1] < np.finfo(float).eps * rows * values[0]:
        raise refuse(
            "protocol", f"{rows} volumes are too few for {columns} signals in the band", "simulate more"
        )
    return np.asarray(left * np.sqrt(rows - 1))


def simulate_bold(
    head: Head,
    correlation: Floats,
    motion: Motion,
    protocol: BoldProtocol,
    rng: Rng,
    lesion: Bools | None = None,
) -> Stored:
    """Return what a scanner stores of all voxels of a head: whole numbers.

    Parameters
    ----------
    head : Head
        On the grid of the protocol.
    correlation : ndarray, shape (12, 12)
        Of the nodes, in the order of `neurotrial.simulation.nodes.node_table`.
    motion : Motion
        As long as the protocol.
    protocol : BoldProtocol
    rng : Generator
    lesion : ndarray of bool, shape (n_voxels,), optional
        Lesioned voxels are darker; their fluctuations stay, so that the true correlations are those put in.

    Returns
    -------
    ndarray of int16, shape (n_volumes, n_voxels)
    """
    signals = _AMPLITUDE * node_signals(correlation, protocol.n_volumes, protocol.t_r, rng)
    baseline = _baseline(head)
    if lesion is not None:
        baseline = np.where(lesion, _LESION * baseline, baseline)
    everywhere = np.ones_like(baseline)
    observed = _observed(_Sites(baseline, _NOISE**2 * everywhere, _LEAK * everywhere), motion, rng)
    for rows, signal in zip(sphere_voxels(head), signals.T, strict=True):
        observed[:, rows] += signal[:, None]
    stored: Stored = np.rint(observed).astype(np.int16)
    return stored


def simulate_node_series(
    head: Head, correlation: Floats, motion: Motion, protocol: BoldProtocol, rng: Rng
) -> Floats:
    """Return the mean signal of each node without making the voxels.

    Parameters
    ----------
    head, correlation, motion, protocol, rng
        As for `simulate_bold`.

    Returns
    -------
    ndarray, shape (n_volumes, 12)
        In distribution the means over the voxels that `simulate_bold` makes: noise and leaks of independent voxels average
        out with their number. Only the darker lesion, a constant, is left out.
    """
    signals = _AMPLITUDE * node_signals(correlation, protocol.n_volumes, protocol.t_r, rng)
    spheres = sphere_voxels(head)
    count = np.array([len(rows) for rows in spheres])
    voxels = _baseline(head)
    baseline = np.array([voxels[rows].mean() for rows in spheres])
    sites = _Sites(baseline, (_NOISE**2 + _ROUNDING) / count, _LEAK / np.sqrt(count))
    return np.asarray(_observed(sites, motion, rng) + signals)


def _baseline(head: Head) -> Floats:
    return np.where(head.ventricle, _VENTRICLE, np.where(head.white, _WHITE, _GREY))


def _observed(sites: _Sites, motion: Motion, rng: Rng) -> Any:
    """Return mean signal, motion and noise, shape (n_volumes, n), in single precision."""
    way = in_mm(motion.parameters)
    weights = rng.standard_normal((6, len(sites.baseline))) * sites.leak_sd
    leak = (way - way.mean(axis=0)).astype(np.float32) @ weights.astype(np.float32)
    noise = rng.standard_normal((len(way), len(sites.baseline)), dtype=np.float32)
    noise *= np.sqrt(sites.noise_variance).astype(np.float32)
    noise += leak
    noise += (_FD_SIGNAL * np.nan_to_num(motion.fd))[:, None].astype(np.float32)
    noise += sites.baseline.astype(np.float32)
    return noise
