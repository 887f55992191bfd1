"""The tensor by least squares on the log signal, in chunks of voxels that threads share."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.diffusion.least_squares import make_design, make_room, solve_logs
from neurotrial.extract.diffusion.samples import clean_samples
from neurotrial.extract.diffusion.scalars import principal_directions, tensor_scalars

if TYPE_CHECKING:
    from neurotrial.extract.diffusion.gradients import Gradients
    from neurotrial.extract.diffusion.least_squares import Design, Room
    from neurotrial.extract.diffusion.samples import Samples

__all__ = ["DIRECTION", "REWEIGHTINGS", "VoxelFits", "fit_linear"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

REWEIGHTINGS = {"ols": 0, "wls": 1, "iwls": 3}
"""How often the weights are taken from the last fit: `iwls` does it twice after `wls`, as MRtrix3 does after its first fit."""

DIRECTION = ("direction_x", "direction_y", "direction_z")
"""Parts of the direction of largest diffusivity."""

_CHUNK = 5000
"""Voxels at a time: the arrays of a chunk stay in the cache of a processor. The same for any number of threads, so that the
numbers are the same."""


@dataclass(frozen=True, slots=True, eq=False)
class VoxelFits:
    """Fits of the voxels of a mask.

    Attributes
    ----------
    scalars : ndarray, shape (4, voxels)
        FA, MD, AD, RD; NaN where the good samples do not determine a tensor.
    residual : ndarray, shape (voxels,)
        Root mean square residual of the log signal; NaN as above.
    n_bad : ndarray of int, shape (voxels,)
        Samples that are not positive or not finite.
    by_volume : ndarray, shape (volumes,)
        Root mean square over voxels of the residual of the signal, as a share of the voxel's predicted S0.
    extra : dict of str to ndarray, shape (voxels,)
        What else an estimator gives.
    """

    scalars: FloatArray
    residual: FloatArray
    n_bad: Any
    by_volume: FloatArray
    extra: dict[str, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    scalars: FloatArray
    residual: FloatArray
    squares: FloatArray
    counts: Any
    n_bad: Any
    directions: FloatArray | None


def fit_linear(
    samples: Samples,
    gradients: Gradients,
    method: str,
    min_signal: float | None,
    threads: int | None,
    *,
    directions: bool = False,
) -> VoxelFits:
    """Fit the tensor by a method of `REWEIGHTINGS`.

    Parameters
    ----------
    samples : Samples
        Voxels and volumes that are wanted.
    gradients : Gradients
        Of all volumes.
    method : {"ols", "wls", "iwls"}
        Weights of the samples.
    min_signal : float or None
        As `clean_samples` has it.
    threads : int or None
        Chunks that are worked on at a time; None for as many as the linear algebra may use.
    directions : bool
        Whether the direction of largest diffusivity is wanted: in `VoxelFits.extra`, by the names of `DIRECTION`.
    """
    from threadpoolctl import ThreadpoolController

    design = make_design(gradients.bvals[samples.volumes], gradients.bvecs[samples.volumes])
    task = _Task(samples, design, gradients.b0[samples.volumes], REWEIGHTINGS[method], min_signal, directions)
    starts = range(0, max(len(samples.voxels), 1), _CHUNK)
    blas = ThreadpoolController().select(user_api="blas")
    threads = threads or max((library["num_threads"] for library in blas.info()), default=1)
    with blas.limit(limits=1), ThreadPoolExecutor(threads) as pool:
        shares = pool.map(task.work, [starts[k::threads] for k in range(min(threads, len(starts)))])
        chunks = dict(itertools.chain.from_iterable(shares))
    return _joined([chunks[start] for start in starts])


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    samples: Samples
    design: Design
    unweighted: Any
    reweightings: int
    min_signal: float | None
    directions: bool

    def work(self, starts: range) -> list[tuple[int, _Chunk]]:
        room = make_room(len(self.design.matrix), min(_CHUNK, len(self.samples.voxels)))
        return [(start, self.fit(room, start)) for start in starts]

    def fit(self, room: Room, start: int) -> _Chunk:
        room = room.part(len(self.samples.voxels) - start)
        self.samples.read(start, room.logs)
        good, n_bad = clean_samples(room.logs, self.min_signal)
        np.log(room.logs, out=room.logs)
        solution = solve_logs(room, self.design, good, self.reweightings)
        solved = solution.solved
        if good is not None:
            solved &= good[self.unweighted].any(axis=0)
        scalars = tensor_scalars(solution.coefficients[1:], self.design.lowest)
        scalars[:, ~solved] = np.nan
        directions = None
        if self.directions:
            directions = principal_directions(solution.coefficients[1:])
            directions[:, ~solved] = np.nan
        residuals = _residuals(room, self.design, solution.coefficients, good, solved)
        return _Chunk(scalars, *residuals, n_bad, directions)


def _residuals(
    room: Room, design: Design, coefficients: FloatArray, good: Any, solved: Any
) -> tuple[FloatArray, FloatArray, Any]:
    """Return the residual of each voxel, the sum of weighted squares of each volume, and the samples in that sum.

    Single precision is enough for the predicted signal over S0, and takes an eighth of the time.
    """
    squares = np.subtract(room.logs, coefficients[0], out=room.scratch)
    squares -= design.matrix[:, 1:].astype("float32") @ coefficients[1:].astype("float32")
    squares *= squares
    if good is None:
        counts, used = len(squares), np.full(len(squares), solved.sum())
    else:
        squares *= good
        counts, used = np.maximum(good.sum(axis=0), 1), (good & solved).sum(axis=1)
    residual = np.sqrt(squares.sum(axis=0) / counts)
    residual[~solved] = np.nan
    if not solved.all():
        room.weights[:, ~solved] = 0
    return residual, np.einsum("vn,vn->v", room.weights, squares), used


def _joined(chunks: list[_Chunk]) -> VoxelFits:
    squares = np.sum([chunk.squares for chunk in chunks], axis=0)
    counts = np.sum([chunk.counts for chunk in chunks], axis=0)
    by_volume = np.sqrt(np.divide(squares, counts, out=np.full_like(squares, np.nan), where=counts > 0))
    scalars = np.concatenate([chunk.scalars for chunk in chunks], axis=1)
    residual = np.concatenate([chunk.residual for chunk in chunks])
    n_bad = np.concatenate([chunk.n_bad for chunk in chunks])
    found = [chunk.directions for chunk in chunks if chunk.directions is not None]
    extra = dict(zip(DIRECTION, np.concatenate(found, axis=1), strict=True)) if found else {}
    return VoxelFits(scalars, residual, n_bad, by_volume, extra)
