"""Everything that is measured in a series, in one reading of the file: means of nodes, noise of voxels, DVARS, kept series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from neurotrial.extract.bold.volumes import VolumeStream

__all__ = ["OnePass", "read_pass"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class OnePass:
    """What one reading of a series gives.

    Attributes
    ----------
    nodes : dict of str to ndarray, shape (n_volumes, n_nodes)
        Mean over the voxels of each node; NaN for a node without a voxel, and in volumes that are not finite.
    kept : dict of str to ndarray of float32, shape (n_volumes, n_voxels)
        Series of the voxels that were asked for, in the order of ``mask.ravel()``; voxels that are not finite are left out.
    mean, sd : ndarray of float32, shape (x, y, z)
        Mean and SD in time of the voxels that were read, NaN elsewhere.
    means : dict of str to ndarray, shape (n_volumes,)
        Mean over each mask that was asked for.
    global_signal : ndarray, shape (n_volumes,)
        Mean over the brain mask; NaN without one.
    dvars : ndarray, shape (n_volumes,)
        Root mean square over the brain mask of the difference from the volume before [1]_, in units of the image; NaN for
        the first volume, beside a volume that is not finite, and without a mask.
    finite : ndarray of bool, shape (x, y, z)
        Voxels that were read and hold numbers.
    broken : ndarray of bool, shape (n_volumes,)
        Volumes with values that are no numbers where other volumes have them.

    References
    ----------
    .. [1] Power JD et al. NeuroImage 2012;59:2142-2154. https://doi.org/10.1016/j.neuroimage.2011.10.018
    """

    nodes: dict[str, FloatArray]
    kept: dict[str, Any]
    mean: Any
    sd: Any
    means: dict[str, FloatArray]
    global_signal: FloatArray
    dvars: FloatArray
    finite: BoolArray
    broken: BoolArray

    @property
    def tsnr(self) -> Any:
        """Temporal signal-to-noise ratio of the voxels, NaN where the signal does not vary, shape (x, y, z)."""
        ratio = np.full(self.mean.shape, np.nan)
        np.divide(self.mean, self.sd, out=ratio, where=self.sd > 0)
        return np.maximum(ratio, 0.0)

    @property
    def dvars_percent(self) -> FloatArray:
        """DVARS in percent of the mean of the global signal, shape (n_volumes,)."""
        level = np.nanmean(self.global_signal) if np.isfinite(self.global_signal).any() else np.nan
        return np.asarray(100 * self.dvars / level)


def read_pass(
    stream: VolumeStream,
    nodes: Mapping[str, Sequence[IntArray]],
    *,
    brain: BoolArray | None = None,
    keep: Mapping[str, BoolArray] | None = None,
    average: Mapping[str, BoolArray] | None = None,
) -> OnePass:
    """Read a series once.

    Parameters
    ----------
    stream : VolumeStream
        As `neurotrial.extract.bold.volumes.open_volumes` gives it.
    nodes : mapping of str to sequence of ndarray
        Sets of nodes, each node by its voxels: flat indices of the grid in C order. Nodes may share voxels.
    brain : ndarray of bool, shape (x, y, z), optional
        Where DVARS, global signal, mean and SD are measured.
    keep : mapping of str to ndarray of bool, shape (x, y, z), optional
        Masks whose voxels are kept, volume by volume.
    average : mapping of str to ndarray of bool, shape (x, y, z), optional
        Large masks of which the mean is wanted.

    Returns
    -------
    OnePass

    Raises
    ------
    ScanFault
        If the file is cut off or damaged, or no volume holds numbers.

    Notes
    -----
    Memory is that of one volume, of some five values for each voxel that is read, and of the kept series.
    """
    wanted = _Wanted(stream, nodes, brain, dict(keep or {}), dict(average or {}))
    reader = _Reader(stream, wanted)
    for number, volume in enumerate(stream.volumes()):
        reader.add(number, volume)
    return reader.result()


class _Wanted:
    """Which voxels are read: those of the brain first, then the others, each as they lie in the file."""

    def __init__(
        self, stream: VolumeStream, nodes: Mapping[str, Sequence[IntArray]], brain: BoolArray | None,
        keep: dict[str, BoolArray], average: dict[str, BoolArray],
    ) -> None:  # fmt: skip
        self.nodes, self.keep, self.average = nodes, keep, average
        places = stream.places.ravel()
        self.brain = _in_file_order(places, [] if brain is None else [np.flatnonzero(brain)])
        every = [
            *(voxels for group in nodes.values() for voxels in group),
            *map(np.flatnonzero, (*keep.values(), *average.values())),
        ]
        rest = _in_file_order(places, every, without=self.brain)
        self.places = np.concatenate([self.brain, rest])
        self._column = np.zeros(places.size, dtype=np.int32)
        self._column[self.places] = np.arange(len(self.places))
        self._place_of = places

    def columns(self, voxels: IntArray, usable: BoolArray) -> IntArray:
        """Return where usable voxels stand among those that are read."""
        found = self._column[self._place_of[voxels]]
        return np.asarray(found[usable[found]])

    def on_grid(self, values: Any, usable: BoolArray, shape: tuple[int, ...], missing: Any) -> Any:
        """Return values of the voxels that are read as a volume of the grid."""
        stored = np.full(self._place_of.size, missing, dtype=np.asarray(values).dtype)
        stored[self.places[usable]] = values[usable]
        return stored[self._place_of].reshape(shape)


def _in_file_order(places: IntArray, voxels: list[IntArray], without: Any = ()) -> IntArray:
    """Return where voxels stand in the file, each once, ascending."""
    wanted = np.zeros(places.size, dtype=bool)
    for own in voxels:
        wanted[places[own]] = True
    wanted[np.asarray(without, dtype=np.int64)] = False
    return np.flatnonzero(wanted)


class _Reader:
    """Takes the wanted voxels of each volume; sums begin with the first volume that holds numbers."""

    def __init__(self, stream: VolumeStream, wanted: _Wanted) -> None:
        self.stream, self.wanted = stream, wanted
        self.broken = np.zeros(stream.n_volumes, dtype=bool)
        self.values = np.zeros(len(wanted.places), np.float32)
        self.sums: _Sums | None = None

    def add(self, number: int, volume: Any) -> None:
        """Add a volume."""
        if volume.dtype == np.float32 and volume.dtype.isnative:
            np.take(volume, self.wanted.places, out=self.values, mode="clip")
        else:
            np.copyto(self.values, volume[self.wanted.places], casting="unsafe")
        if self.sums is None and np.isfinite(self.values).any():
            self.sums = _Sums(self.stream.n_volumes, self.wanted, self.values)
        self.broken[number] = self.sums is None or not self.sums.add(number, self.values)

    def result(self) -> OnePass:
        """Return what was found, in the units of the image."""
        if self.sums is None:
            raise ScanFault(self.stream.name, "no volume holds numbers", "make the file again")
        return self.sums.result(self.stream, self.broken)


class _Sums:
    """Running sums over the volumes, of differences from the first one, for which single precision is enough."""

    def __init__(self, n_volumes: int, wanted: _Wanted, values: Any) -> None:
        self.n_volumes, self.wanted = n_volumes, wanted
        self.usable = np.isfinite(values)
        self.all_usable = bool(self.usable.all())
        self.first = np.where(self.usable, values, 0)
        self.total, self.squares = np.zeros_like(self.first), np.zeros_like(self.first)
        self.away, self.before = np.zeros_like(self.first), np.zeros_like(self.first)
        self.scratch, self.ones = np.empty_like(self.first), np.ones_like(self.first)
        self.count, self.after_whole = 0, False
        n_brain = len(wanted.brain)
        self.n_usable = int(self.usable[:n_brain].sum())
        self.level = self.first[:n_brain].sum(dtype=np.float64)
        self.global_signal, self.dvars = np.full(n_volumes, np.nan), np.full(n_volumes, np.nan)
        self.nodes = _NodeMeans(n_volumes, wanted, self.usable)
        self.averages = {name: self._average(np.flatnonzero(mask)) for name, mask in wanted.average.items()}
        self.kept = {name: self._kept(np.flatnonzero(mask)) for name, mask in wanted.keep.items()}

    def _average(self, voxels: IntArray) -> tuple[Any, float, FloatArray]:
        """Return the weight of each voxel in a mean, the mean in the first volume, and room for all volumes."""
        own = self.wanted.columns(voxels, self.usable)
        weights = np.zeros_like(self.first)
        weights[own] = 1 / max(len(own), 1)
        start = float(self.first[own].mean(dtype=np.float64)) if own.size else np.nan
        return weights, start, np.full(self.n_volumes, np.nan)

    def _kept(self, voxels: IntArray) -> tuple[IntArray, Any]:
        own = self.wanted.columns(voxels, self.usable)
        return own, np.full((self.n_volumes, len(own)), np.nan, np.float32)

    def add(self, number: int, values: Any) -> bool:
        """Add a volume; tell whether it holds numbers."""
        if not self.all_usable:
            values[~self.usable] = 0
        self.away, self.before = self.before, self.away
        np.subtract(values, self.first, out=self.away)
        if not np.isfinite(np.dot(self.away, self.ones)):
            self.after_whole = False
            return False
        self._measure_brain(number)
        for weights, start, series in self.averages.values():
            series[number] = start + np.dot(self.away, weights)
        for columns, series in self.kept.values():
            np.take(values, columns, out=series[number])
        self.nodes.add(number, values)
        self.total += self.away
        np.multiply(self.away, self.away, out=self.scratch)
        self.squares += self.scratch
        self.count, self.after_whole = self.count + 1, True
        return True

    def _measure_brain(self, number: int) -> None:
        n_brain = len(self.wanted.brain)
        if not self.n_usable:
            return
        away = self.away[:n_brain]
        self.global_signal[number] = (self.level + np.dot(away, self.ones[:n_brain])) / self.n_usable
        if self.after_whole:
            step = np.subtract(away, self.before[:n_brain], out=self.scratch[:n_brain])
            self.dvars[number] = np.sqrt(np.dot(step, step) / self.n_usable)

    def result(self, stream: VolumeStream, broken: BoolArray) -> OnePass:
        """Return what was found, in the units of the image."""
        slope, intercept = stream.slope, stream.intercept
        mean = self.first + self.total / self.count
        variance = np.maximum(self.squares - self.total**2 / self.count, 0) / max(self.count - 1, 1)

        def on_grid(values: Any, missing: Any = np.nan) -> Any:
            return self.wanted.on_grid(values, self.usable, stream.shape, missing)

        return OnePass(
            {name: slope * series + intercept for name, series in self.nodes.by_set().items()},
            {name: slope * series + intercept for name, (_, series) in self.kept.items()},
            on_grid(slope * mean + intercept), on_grid(abs(slope) * np.sqrt(variance)),
            {name: slope * series + intercept for name, (_, _, series) in self.averages.items()},
            slope * self.global_signal + intercept, abs(slope) * self.dvars,
            on_grid(self.usable, missing=False), broken,
        )  # fmt: skip


class _NodeMeans:
    """Means over the voxels of every node of every set."""

    def __init__(self, n_volumes: int, wanted: _Wanted, usable: BoolArray) -> None:
        self.sets = {name: len(group) for name, group in wanted.nodes.items()}
        groups = [voxels for group in wanted.nodes.values() for voxels in group]
        columns = [wanted.columns(voxels, usable) for voxels in groups]
        sizes = np.array([len(own) for own in columns], dtype=np.int64)
        whole = np.concatenate([*columns, np.zeros(0, dtype=np.int64)])
        self.columns, inverse = np.unique(whole, return_inverse=True)
        weights = np.repeat(1 / np.maximum(sizes, 1), sizes)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self.average = csr_array((weights, inverse, starts), shape=(len(groups), len(self.columns)))
        self.empty = sizes == 0
        self.means = np.full((n_volumes, len(groups)), np.nan)

    def add(self, number: int, values: Any) -> None:
        """Add a volume."""
        self.means[number] = self.average @ values[self.columns].astype(np.float64)
        self.means[number, self.empty] = np.nan

    def by_set(self) -> dict[str, FloatArray]:
        """Return the means of each set, shape (n_volumes, n_nodes)."""
        ends = np.cumsum(list(self.sets.values()))[:-1]
        return dict(zip(self.sets, np.split(self.means, ends, axis=1), strict=True)) if self.sets else {}
