"""Diffusion gradients: reading bval and bvec files, and the volumes that enter a tensor fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from neurotrial.imaging_plan import TensorPlan

__all__ = ["Gradients", "read_gradients"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_AXES = 3
_FEWEST_DIRECTIONS = 6
_LENGTH_TOLERANCE = 0.05
_SAME_DIRECTION = 0.999


@dataclass(frozen=True, slots=True)
class Gradients:
    """Gradients of the volumes of a scan.

    Attributes
    ----------
    bvals : ndarray, shape (volumes,)
        b-values in s/mm2.
    bvecs : ndarray, shape (volumes, 3)
        Unit directions; zero for unweighted volumes.
    b0 : ndarray of bool, shape (volumes,)
        Volumes that count as unweighted.
    used : ndarray of bool, shape (volumes,)
        Volumes that enter the fit.
    """

    bvals: FloatArray
    bvecs: FloatArray
    b0: BoolArray
    used: BoolArray


def read_gradients(bval: Path, bvec: Path, volumes: int, plan: TensorPlan) -> Gradients:
    """Read and check the gradients of a scan.

    Parameters
    ----------
    bval, bvec : Path
        Files of FSL's format.
    volumes : int
        Volumes of the image.
    plan : TensorPlan
        Thresholds of b-values.

    Returns
    -------
    Gradients
        Directions of unweighted volumes are set to zero, whatever the file says; the others, which may differ from unit
        length by 5 % in the file, have it exactly.

    Raises
    ------
    ScanFault
        If the files cannot be read, their counts differ from the volumes, directions have no unit length, there is no
        unweighted volume or there are fewer than 6 directions.
    """
    bvals = _numbers(bval).ravel()
    vectors = _numbers(bvec)
    vectors = vectors.T if vectors.shape[0] == _AXES and vectors.shape[1] != _AXES else vectors
    for path, count in ((bval, bvals.size), (bvec, vectors.shape[0])):
        if count != volumes:
            rule = f"has {count} entries, the image has {volumes} volumes"
            raise ScanFault(path.name, rule, "take the gradients that belong to this image")
    if vectors.shape[1] != _AXES:
        raise ScanFault(bvec.name, "must have 3 numbers a volume", "use FSL's format: 3 lines")
    if not np.isfinite(bvals).all() or (bvals < 0).any():
        raise ScanFault(bval.name, "holds values that are no b-values", "correct the file")
    b0 = bvals <= plan.b0_threshold
    used = b0 | (bvals <= plan.max_b)
    vectors = np.where(b0[:, None], 0.0, vectors)
    _check_directions(vectors, b0, used, bvec, plan)
    lengths = np.where(b0, 1.0, np.linalg.norm(vectors, axis=1))
    return Gradients(bvals, vectors / lengths[:, None], b0, used)


def _numbers(path: Path) -> FloatArray:
    try:
        return np.loadtxt(path, dtype="float64", ndmin=2)
    except (OSError, ValueError) as error:
        rule = f"holds no table of numbers: {str(error).splitlines()[0]}"
        raise ScanFault(path.name, rule, "use FSL's format") from None


def _check_directions(
    vectors: FloatArray, b0: BoolArray, used: BoolArray, bvec: Path, plan: TensorPlan
) -> None:
    if not b0.any():
        rule = f"no volume has b of at most {plan.b0_threshold:g}"
        raise ScanFault(bvec.with_suffix(".bval").name, rule, "raise `tensor: b0_threshold` in study.yaml")
    lengths = np.linalg.norm(vectors[~b0], axis=1)
    wrong = np.flatnonzero(~b0)[~(np.abs(lengths - 1) <= _LENGTH_TOLERANCE)]
    if wrong.size:
        rule = f"the direction of volume {wrong[0]} has no unit length"
        raise ScanFault(bvec.name, rule, "correct the file")
    directions = vectors[used & ~b0]
    same = np.abs(directions @ directions.T) > _SAME_DIRECTION
    distinct = int((~np.triu(same, 1).any(axis=0)).sum())
    if distinct < _FEWEST_DIRECTIONS:
        rule = f"has {distinct} directions up to b = {plan.max_b:g}, a tensor needs {_FEWEST_DIRECTIONS}"
        raise ScanFault(
            bvec.name, rule, "raise `tensor: max_b` in study.yaml, or leave the scan out by a decision"
        )
