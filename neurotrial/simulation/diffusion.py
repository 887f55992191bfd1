"""Diffusion-weighted signal of the simulated head, with Rician noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.simulation.tissue import S0, tissue

if TYPE_CHECKING:
    from neurotrial.simulation.anatomy import Head
    from neurotrial.simulation.protocols import DwiProtocol
    from neurotrial.simulation.tissue import Pathology, Tissue

__all__ = ["diffusion_signal", "noise_sd", "rician", "roi_voxels", "simulate_dwi"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Stored = np.ndarray[Any, np.dtype[np.int16]]
Rng = np.random.Generator


def roi_voxels(head: Head) -> Ints:
    """Return the rows of the head that lie in any of its regions, shape (n,)."""
    return np.flatnonzero(np.any(list(head.regions.values()), axis=0))


def diffusion_signal(of: Tissue, protocol: DwiProtocol) -> Floats:
    """Return the signal without noise, shape (..., n, n_volumes).

    Parameters
    ----------
    of : Tissue
        Diffusion properties of n voxels.
    protocol : DwiProtocol
        Gradients.

    Notes
    -----
    S = S0 [sum_k f_k exp(-b (l2 + (l1 - l2) (g . v_k)^2)) + (1 - sum_k f_k) exp(-b D)]: slow exchange between bundles of
    axially symmetric tensors and freely diffusing water [1]_.

    References
    ----------
    .. [1] Behrens TEJ et al. (2003). Characterization and propagation of uncertainty in diffusion-weighted MR imaging.
       Magn Reson Med 50:1077-1088. https://doi.org/10.1002/mrm.10609
    """
    b = protocol.bvals / 1000
    rest = 1 - of.fractions.sum(axis=1)
    signal = rest[:, None] * np.exp(-b * of.free[..., None])
    for k in range(of.fractions.shape[1]):
        here = np.flatnonzero(of.fractions[:, k])
        along = (of.directions[here, k] @ protocol.bvecs.T) ** 2
        axial, radial = (
            np.broadcast_to(values, (*of.free.shape, values.shape[-1]))[..., here, k, None]
            for values in (of.axial, of.radial)
        )
        signal[..., here, :] += of.fractions[here, k, None] * np.exp(-b * (radial + (axial - radial) * along))
    return np.asarray(of.s0[..., None] * signal)


def noise_sd(protocol: DwiProtocol) -> float:
    """Return the standard deviation of the noise of each channel, in units of the signal."""
    return S0.white / protocol.snr


def rician(signal: Floats, sd: float, rng: Rng) -> Floats:
    """Return the magnitude of a signal with Gaussian noise in its real and its imaginary channel.

    Parameters
    ----------
    signal : ndarray
        Magnitude without noise.
    sd : float
        Standard deviation of the noise of each channel.
    rng : Generator

    Returns
    -------
    ndarray
        Of the same shape.

    References
    ----------
    .. [1] Gudbjartsson H, Patz S (1995). The Rician distribution of noisy MRI data. Magn Reson Med 34:910-914.
       https://doi.org/10.1002/mrm.1910340618
    """
    real, imaginary = rng.standard_normal((2, *signal.shape), dtype=np.float32) * np.float32(sd)
    return np.asarray(np.hypot(signal + real, imaginary))


def simulate_dwi(
    head: Head, state: Pathology, protocol: DwiProtocol, rng: Rng, voxels: Ints | slice = slice(None)
) -> Stored:
    """Return what a scanner stores of the voxels of a head: whole numbers.

    Parameters
    ----------
    head : Head
        On the grid of the protocol.
    state : Pathology
        Of one brain, or of many.
    protocol : DwiProtocol
    rng : Generator
    voxels : ndarray of int, optional
        Rows of the head that are wanted, e.g. those of `roi_voxels`; all by default. The model is the same for every choice,
        the noise is drawn for the chosen voxels only.

    Returns
    -------
    ndarray of int16, shape (n_voxels, n_volumes) or (n_scans, n_voxels, n_volumes)
    """
    clean = diffusion_signal(tissue(head, state, voxels), protocol)
    return np.round(rician(clean, noise_sd(protocol), rng)).astype(np.int16)
