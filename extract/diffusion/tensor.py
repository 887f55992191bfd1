"""The diffusion tensor of a scan: its scalars, and what the fit leaves unexplained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError, Problem
from neurotrial.extract.diffusion.gradients import ALL_SHELLS, LARGEST_B, Sources, check_gradients
from neurotrial.extract.diffusion.linear_fit import DIRECTION, REWEIGHTINGS, fit_linear
from neurotrial.extract.diffusion.samples import voxel_samples
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neurotrial.extract.diffusion.gradients import Gradients

__all__ = ["METHODS", "TensorFit", "fit_scan", "fit_tensor"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

METHODS = (*REWEIGHTINGS, "nlls", "restore", *ALL_SHELLS)
"""Estimators that `fit_tensor` knows."""

_AXES = 3


@dataclass(frozen=True, slots=True, eq=False)
class TensorFit:
    """Fitted tensors.

    Attributes
    ----------
    fa, md, ad, rd : ndarray, shape (...)
        Fractional anisotropy in [0, 1]; mean, axial and radial diffusivity in um2/ms. NaN outside the mask, and where the
        good samples do not determine a tensor: fewer than 7, none of them unweighted, or too few directions.
    residual : ndarray, shape (...)
        Root mean square residual of the log signal over the good samples; NaN as above.
    n_bad : ndarray of int, shape (...)
        Samples of the voxel that are not positive or not finite; 0 outside the mask.
    residual_by_volume : ndarray, shape (volumes,)
        Root mean square over voxels of the residual of the signal, as a share of the voxel's unweighted signal; NaN for
        volumes that did not enter the fit.
    extra : mapping of str to ndarray, shape (...)
        ``mk``, ``ak``, ``rk``, ``kfa`` (mean, axial, radial kurtosis, anisotropy of the kurtosis) of ``dki``; ``free_water``,
        the share of freely diffusing water, of ``free_water``.
    gradients : Gradients
        What the fit made of the gradients.
    method : str
        The estimator.
    """

    fa: FloatArray
    md: FloatArray
    ad: FloatArray
    rd: FloatArray
    residual: FloatArray
    n_bad: Any
    residual_by_volume: FloatArray
    extra: Mapping[str, FloatArray]
    gradients: Gradients
    method: str

    @property
    def directions(self) -> FloatArray | None:
        """Direction of largest diffusivity, shape (..., 3), in the convention of the gradients; None if it was not asked for."""
        if DIRECTION[0] not in self.extra:
            return None
        return np.stack([self.extra[name] for name in DIRECTION], axis=-1)

    @property
    def scalars(self) -> dict[str, FloatArray]:
        """The maps of FA, MD, AD and RD by name."""
        return {"fa": self.fa, "md": self.md, "ad": self.ad, "rd": self.rd}


def fit_tensor(
    signal: Any,
    bvals: Any,
    bvecs: Any,
    mask: Any = None,
    method: str = "wls",
    *,
    b0_threshold: float = 50.0,
    max_b: float | None = None,
    min_signal: float | None = None,
    threads: int | None = None,
    directions: bool = False,
) -> TensorFit:
    """Fit the diffusion tensor in each voxel.

    Parameters
    ----------
    signal : array, shape (..., volumes)
        Diffusion signal.
    bvals : array, shape (volumes,)
        b-values in s/mm2.
    bvecs : array, shape (volumes, 3) or (3, volumes)
        Directions of unit length (within 5 %); those of unweighted volumes may be anything, also NaN.
    mask : array of bool, shape (...), optional
        Voxels that are wanted; all by default.
    method : {"wls", "ols", "iwls", "nlls", "restore", "dki", "free_water"}
        Weighted, ordinary or iteratively reweighted least squares on the log signal. By dipy, voxel by voxel: non-linear
        least squares, RESTORE [3]_, the tensor of the kurtosis model, the tensor beside freely diffusing water.
    b0_threshold : float
        Largest b-value, in s/mm2, that counts as unweighted (b = 0).
    max_b : float, optional
        Largest b-value, in s/mm2, that enters the fit: 1500 for the tensor, none for ``dki`` and ``free_water`` by default.
    min_signal : float, optional
        Samples below it, and those that are not finite, are raised to it; 1e-4 is what dipy does. By default samples
        that are not positive or not finite have no weight.
    threads : int, optional
        Chunks of voxels that are worked on at a time by the linear methods; by default as many as the linear algebra may
        use. The numbers do not depend on it.
    directions : bool
        Whether `TensorFit.directions` is wanted; of ``wls``, ``ols`` and ``iwls``.

    Returns
    -------
    TensorFit
        Maps of the shape of ``signal[..., 0]``.

    Raises
    ------
    InputError
        If the arguments do not fit together, or the gradients do not determine what the method estimates: 6
        directions for a tensor, two shells for ``free_water``, and 15 directions with 22 volumes for ``dki``.

    Notes
    -----
    Weights of ``wls`` are the squared signal that ordinary least squares predicts [1]_ [2]_. Eigenvalues below 1e-6 over
    the largest b-value, negative ones among them, are raised to it as in dipy [4]_, so that FA never exceeds 1.

    References
    ----------
    .. [1] Basser PJ, Mattiello J, LeBihan D. J Magn Reson B 1994;103:247-254. https://doi.org/10.1006/jmrb.1994.1037
    .. [2] Veraart J et al. NeuroImage 2013;81:335-346. https://doi.org/10.1016/j.neuroimage.2013.05.028
    .. [3] Chang LC, Jones DK, Pierpaoli C. Magn Reson Med 2005;53:1088-1095. https://doi.org/10.1002/mrm.20426
    .. [4] Garyfallidis E et al. Front Neuroinform 2014;8:8. https://doi.org/10.3389/fninf.2014.00008

    Examples
    --------
    >>> import numpy as np
    >>> axes = np.array([[1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1]]) / np.sqrt(2)
    >>> bvals, bvecs = np.repeat([0.0, 1000.0], [1, 6]), np.vstack([[0, 0, 0], axes])
    >>> signal = 500 * np.exp(-bvals * (0.3e-3 + 1.4e-3 * bvecs[:, 2] ** 2))
    >>> print(fit_tensor(signal, bvals, bvecs).fa.round(3))
    0.799
    """
    arrays = [np.asarray(item) for item in (signal, bvals, bvecs)]
    signal, vectors = arrays[0], arrays[2]
    if vectors.ndim == 2 and vectors.shape[0] == _AXES != vectors.shape[1]:  # noqa: PLR2004 - rows and columns
        vectors = vectors.T
    mask = None if mask is None else np.asarray(mask)
    problems = [
        *_array_problems(signal, arrays[1], vectors, mask),
        *_option_problems(method, min_signal, threads, directions=directions),
    ]
    if problems:
        raise InputError(problems)
    largest = max_b if max_b is not None else np.inf if method in ALL_SHELLS else LARGEST_B
    try:
        gradients = check_gradients(
            arrays[1].astype("float64"), vectors.astype("float64"), b0_threshold=b0_threshold, max_b=largest,
            sources=Sources(),
        )  # fmt: skip
        return fit_scan(
            signal,
            gradients,
            method,
            mask=mask,
            min_signal=min_signal,
            threads=threads,
            directions=directions,
        )
    except ScanFault as fault:
        raise InputError([fault.problem]) from None


def fit_scan(
    signal: Any,
    gradients: Gradients,
    method: str = "wls",
    *,
    mask: Any = None,
    min_signal: float | None = None,
    threads: int | None = None,
    directions: bool = False,
) -> TensorFit:
    """Fit the diffusion tensor with gradients that are checked; as `fit_tensor`.

    Raises
    ------
    ScanFault
        If the gradients do not determine what the method estimates.
    """
    samples = voxel_samples(signal, None if mask is None else mask.astype(bool), gradients.used)
    if method in REWEIGHTINGS:
        fits = fit_linear(samples, gradients, method, min_signal, threads, directions=directions)
    else:
        from neurotrial.extract.diffusion.dipy_fit import fit_by_dipy

        fits = fit_by_dipy(samples, gradients, method, min_signal)
    by_volume = np.full(len(gradients.bvals), np.nan)
    by_volume[gradients.used] = fits.by_volume
    fa, md, ad, rd, residual = (samples.map(values) for values in (*fits.scalars, fits.residual))
    n_bad = samples.map(fits.n_bad, 0)
    extra = {name: samples.map(values) for name, values in fits.extra.items()}
    return TensorFit(fa, md, ad, rd, residual, n_bad, by_volume, extra, gradients, method)


def _array_problems(signal: Any, bvals: Any, bvecs: Any, mask: Any) -> Iterator[Problem]:
    for name, array in (("signal", signal), ("bvals", bvals), ("bvecs", bvecs)):
        if array.dtype.kind not in "iuf":
            yield Problem(name, f"must hold real numbers, not {array.dtype}", "convert it")
    if signal.ndim == 0:
        yield Problem(
            "signal", "must have volumes along its last axis", "pass an array of shape (..., volumes)"
        )
        return
    volumes = signal.shape[-1]
    if bvals.shape != (volumes,):
        rule = (
            f"must have one value for each of the {volumes} volumes of `signal`, its shape is {bvals.shape}"
        )
        yield Problem("bvals", rule, "take the gradients that belong to this signal")
    if bvecs.shape != (volumes, _AXES):
        rule = f"must have shape ({volumes}, 3) or (3, {volumes}), it is {bvecs.shape}"
        yield Problem("bvecs", rule, "take the gradients that belong to this signal")
    if mask is not None and mask.shape != signal.shape[:-1]:
        rule = f"must have the shape of a volume, {signal.shape[:-1]}, it is {mask.shape}"
        yield Problem("mask", rule, "take a mask on the grid of the signal")


def _option_problems(
    method: str, min_signal: float | None, threads: int | None, *, directions: bool
) -> Iterator[Problem]:
    if method not in METHODS:
        yield Problem("method", f"is {method!r}, which is none of {', '.join(METHODS)}", "name one of them")
    if directions and method in METHODS and method not in REWEIGHTINGS:
        rule = f"come with {', '.join(REWEIGHTINGS)}, not with {method}"
        yield Problem("directions", rule, "fit the tensor by one of them besides")
    if min_signal is not None and not 0 < min_signal < np.inf:
        yield Problem(
            "min_signal", f"must be positive, it is {min_signal}", "leave it out, or give e.g. 1e-4"
        )
    if threads is not None and threads < 1:
        yield Problem("threads", f"must be 1 or more, it is {threads}", "leave it out")
