"""Estimators of dipy, voxel by voxel: non-linear and robust tensor fits, kurtosis, and free water."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.diffusion.gradients import Gradients, distinct_directions
from neurotrial.extract.diffusion.least_squares import log_design
from neurotrial.extract.diffusion.linear_fit import VoxelFits
from neurotrial.extract.diffusion.samples import clean_samples
from neurotrial.extract.diffusion.shells import find_shells
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from neurotrial.extract.diffusion.samples import Samples

__all__ = ["fit_by_dipy"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_UM2_PER_MS = 1000.0
"""From mm2/s to um2/ms."""

_KURTOSIS = ("mk", "ak", "rk", "kfa")


@dataclass(frozen=True, slots=True)
class _Needs:
    """What a method asks of a scan."""

    volumes: int = 7
    directions: int = 6
    shells: int = 1


_NEEDS = {
    "nlls": _Needs(),
    # residuals have to show which samples are outliers
    "restore": _Needs(volumes=8),
    "dki": _Needs(volumes=22, directions=15, shells=2),
    "free_water": _Needs(volumes=8, shells=2),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Fits of voxels that have the same good samples: scalars (4, n), log signal (n, volumes), and what else there is."""

    scalars: FloatArray
    predicted: FloatArray
    extra: dict[str, FloatArray]


def fit_by_dipy(samples: Samples, gradients: Gradients, method: str, min_signal: float | None) -> VoxelFits:
    """Fit a model of dipy.

    Parameters
    ----------
    samples : Samples
        Voxels and volumes that are wanted.
    gradients : Gradients
        Of all volumes.
    method : {"nlls", "restore", "dki", "free_water"}
        The estimator.
    min_signal : float or None
        As `clean_samples` has it. Samples that are left out are left out of the gradients of their voxel.

    Raises
    ------
    ScanFault
        If the scan lacks what the method needs.
    """
    own = _of_volumes(gradients, samples.volumes)
    lacking = _lacking(own, method)
    if lacking:
        remedy = "use `wls`, or raise `max_b` if that leaves volumes out"
        raise ScanFault("bvals", f"{method} needs {lacking}", remedy)
    signal = np.empty((len(samples.volumes), len(samples.voxels)))
    samples.read(0, signal)
    good, n_bad = clean_samples(signal, min_signal)
    names = {"dki": _KURTOSIS, "free_water": ("free_water",)}.get(method, ())
    scalars = np.full((4, signal.shape[1]), np.nan)
    predicted = np.full(signal.shape, np.nan)
    extra = {name: np.full(signal.shape[1], np.nan) for name in names}
    for volumes, voxels in _alike(good, signal.shape):
        part = _of_volumes(own, volumes)
        if _lacking(part, method):
            continue
        found = _FITS[method](np.ascontiguousarray(signal[np.ix_(volumes, voxels)].T), part, method)
        scalars[:, voxels] = found.scalars
        predicted[np.ix_(volumes, voxels)] = found.predicted.T
        for name, values in found.extra.items():
            extra[name][voxels] = values
    residual, by_volume = _residuals(signal, predicted)
    return VoxelFits(scalars, residual, n_bad, by_volume, extra)


def _of_volumes(gradients: Gradients, volumes: Any) -> Gradients:
    return Gradients(*(getattr(gradients, name)[volumes] for name in ("bvals", "bvecs", "b0", "used")))


def _alike(good: Any, shape: tuple[int, ...]) -> list[tuple[Any, Any]]:
    """Return volumes and voxels of each group of voxels with the same good samples."""
    if good is None:
        return [(np.arange(shape[0]), np.arange(shape[1]))]
    patterns, group = np.unique(good.T, axis=0, return_inverse=True)
    group = group.ravel()
    return [(np.flatnonzero(pattern), np.flatnonzero(group == k)) for k, pattern in enumerate(patterns)]


def _lacking(gradients: Gradients, method: str) -> str:
    """Return what a scan lacks for a method; empty where it lacks nothing."""
    needs = _NEEDS[method]
    if len(gradients.bvals) < needs.volumes:
        return f"{needs.volumes} volumes, there are {len(gradients.bvals)}"
    if not gradients.b0.any():
        return "an unweighted volume"
    shells = len(find_shells(gradients)) - 1
    if shells < needs.shells:
        return f"{needs.shells} shells beside b = 0, there are {shells}"
    directions = distinct_directions(gradients.bvecs[~gradients.b0])
    if directions < needs.directions:
        return f"{needs.directions} directions, there are {directions}"
    if np.linalg.matrix_rank(log_design(gradients.bvals, gradients.bvecs)) < 7:  # noqa: PLR2004 - S0 and a tensor
        return "directions that do not lie in a plane or on a cone"
    return ""


def _table(gradients: Gradients) -> Any:
    from dipy.core.gradients import gradient_table

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(b0_threshold|b-value|bvals).*", category=UserWarning)
        threshold = float(gradients.bvals[gradients.b0].max())
        return gradient_table(gradients.bvals, bvecs=gradients.bvecs, b0_threshold=threshold)


def _tensor(signal: FloatArray, gradients: Gradients, method: str) -> _Part:
    from dipy.reconst.dti import TensorModel

    table = _table(gradients)
    fit = TensorModel(table, fit_method=method.upper(), return_S0_hat=True).fit(signal)
    s0 = np.asarray(fit.S0_hat).reshape(-1)
    return _Part(_scalars(fit), _logs(fit.predict(table, S0=s0)), {})


def _kurtosis(signal: FloatArray, gradients: Gradients, method: str) -> _Part:
    from dipy.reconst.dki import DiffusionKurtosisModel

    del method
    table = _table(gradients)
    fit = DiffusionKurtosisModel(table, fit_method="WLS", return_S0_hat=True).fit(signal)
    s0 = np.asarray(fit.S0_hat).reshape(-1)
    values = (fit.mk(), fit.ak(), fit.rk(), fit.kfa)
    extra = {name: np.asarray(found, dtype="float64") for name, found in zip(_KURTOSIS, values, strict=True)}
    return _Part(_scalars(fit), _logs(fit.predict(table, S0=s0)), extra)


def _free_water(signal: FloatArray, gradients: Gradients, method: str) -> _Part:
    from dipy.reconst.fwdti import FreeWaterTensorModel

    del method
    table = _table(gradients)
    fit = FreeWaterTensorModel(table).fit(signal)
    scalars = _scalars(fit)
    # dipy has zeros where there is no tissue
    scalars[:, ~(scalars[1] > 0)] = np.nan
    s0 = signal[:, gradients.b0].mean(axis=1)
    return _Part(scalars, _logs(fit.predict(table, S0=s0)), {"free_water": np.asarray(fit.f)})


_FITS = {"nlls": _tensor, "restore": _tensor, "dki": _kurtosis, "free_water": _free_water}


def _scalars(fit: Any) -> FloatArray:
    diffusivities = (fit.md * _UM2_PER_MS, fit.ad * _UM2_PER_MS, fit.rd * _UM2_PER_MS)
    return np.stack([np.asarray(fit.fa, dtype="float64"), *diffusivities])


def _logs(predicted: Any) -> FloatArray:
    return np.asarray(np.log(np.maximum(predicted, np.finfo(float).tiny)))


def _residuals(signal: FloatArray, predicted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the root mean square residual of each voxel, and of each volume as a share of the voxel's S0."""
    squares = (np.log(signal) - predicted) ** 2
    highest = np.fmax.reduce(predicted, axis=0)
    shares = squares * np.exp(2 * (predicted - highest))
    return _root_mean(squares, 0), _root_mean(shares, 1)


def _root_mean(squares: FloatArray, axis: int) -> FloatArray:
    count = np.isfinite(squares).sum(axis=axis)
    total = np.nansum(squares, axis=axis)
    return np.asarray(np.sqrt(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)))
