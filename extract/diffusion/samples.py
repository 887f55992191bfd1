"""The samples of a scan, read in chunks of voxels without a copy of the whole, and which of them can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Samples", "clean_samples", "voxel_samples"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The voxels of a scan that are wanted, in whatever order of memory it has.

    Attributes
    ----------
    columns : ndarray, shape (volumes, all voxels)
        A view of the signal.
    voxels : ndarray of int, shape (voxels,)
        Those that are wanted.
    volumes : ndarray of int
        Those that are wanted.
    shape : tuple of int
        Of a map.
    order : {"C", "F"}
        Order of memory.
    """

    columns: Any
    voxels: Any
    volumes: Any
    shape: tuple[int, ...]
    order: Any

    def read(self, start: int, out: FloatArray) -> None:
        """Copy samples of as many voxels as there is room for in `out`, shape (volumes, voxels)."""
        part = self.columns[:, self.voxels[start : start + out.shape[1]]]
        np.copyto(out, part if len(part) == len(self.volumes) else part[self.volumes])

    def map(self, values: Any, fill: float = np.nan) -> Any:
        """Return values of the voxels as a map that has `fill` elsewhere."""
        flat = np.full(self.columns.shape[1], fill, dtype=np.asarray(values).dtype)
        flat[self.voxels] = values
        return flat.reshape(self.shape, order=self.order)


def voxel_samples(signal: Any, mask: BoolArray | None, used: BoolArray) -> Samples:
    """Return the voxels of a mask.

    Parameters
    ----------
    signal : ndarray, shape (..., volumes)
        Any real type.
    mask : ndarray of bool, shape (...), or None
        None for every voxel.
    used : ndarray of bool, shape (volumes,)
        Volumes that are wanted.
    """
    shape, volumes = signal.shape[:-1], signal.shape[-1]
    order: Any = "F" if signal.flags.f_contiguous and not signal.flags.c_contiguous else "C"
    count = int(np.prod(shape))
    columns = signal.T.reshape(volumes, count) if order == "F" else signal.reshape(count, volumes).T
    voxels = np.arange(count) if mask is None else np.flatnonzero(mask.ravel(order=order))
    return Samples(columns, voxels, np.flatnonzero(used), shape, order)


def clean_samples(samples: FloatArray, min_signal: float | None) -> tuple[BoolArray | None, Any]:
    """Replace, in place, the samples that have no logarithm.

    Parameters
    ----------
    samples : ndarray, shape (volumes, voxels)
        Signal.
    min_signal : float or None
        What every sample is at least: all count then. None to leave out samples that are not positive or not finite.

    Returns
    -------
    good : ndarray of bool, shape (volumes, voxels), or None
        Samples that count; None where all do.
    n_bad : ndarray of int, shape (voxels,)
        Samples without a logarithm.
    """
    if samples.size and samples.min() > (min_signal or 0) and samples.max() < np.inf:
        return None, np.zeros(samples.shape[1], dtype=np.int32)
    good = np.isfinite(samples) & (samples > 0)
    n_bad = np.count_nonzero(~good, axis=0).astype(np.int32)
    samples[~good] = min_signal or 1.0
    if min_signal is None:
        return good, n_bad
    np.maximum(samples, min_signal, out=samples)
    return None, n_bad
