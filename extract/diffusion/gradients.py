"""Diffusion gradients: reading bval and bvec files, and the volumes that enter a tensor fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from neurotrial.imaging_plan import TensorPlan

__all__ = ["ALL_SHELLS", "LARGEST_B", "Gradients", "Sources", "check_gradients", "read_gradients"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

ALL_SHELLS = ("dki", "free_water")
"""Estimators that need more than one shell, and so use every volume."""

LARGEST_B = 1500.0
"""Up to which b-value, in s/mm2, the log signal counts as linear in it."""

_AXES = 3
_FEWEST_DIRECTIONS = 6
_LENGTH_TOLERANCE = 0.05
_SAME_DIRECTION = 0.999


@dataclass(frozen=True, slots=True)
class Sources:
    """What messages call the places that gradients and their limits come from.

    Attributes
    ----------
    bvals, bvecs : str
        Files or arguments.
    b0_threshold, max_b : str
        Settings.
    """

    bvals: str = "bvals"
    bvecs: str = "bvecs"
    b0_threshold: str = "`b0_threshold`"
    max_b: str = "`max_b`"


@dataclass(frozen=True, slots=True, eq=False)
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
    max_b = np.inf if plan.fit in ALL_SHELLS else plan.max_b
    settings = ("`tensor: b0_threshold` in study.yaml", "`tensor: max_b` in study.yaml")
    return check_gradients(
        bvals, vectors, b0_threshold=plan.b0_threshold, max_b=max_b,
        sources=Sources(bval.name, bvec.name, *settings),
    )  # fmt: skip


def _numbers(path: Path) -> FloatArray:
    try:
        return np.loadtxt(path, dtype="float64", ndmin=2)
    except (OSError, ValueError) as error:
        rule = f"holds no table of numbers: {str(error).splitlines()[0]}"
        raise ScanFault(path.name, rule, "use FSL's format") from None


def check_gradients(
    bvals: FloatArray, vectors: FloatArray, *, b0_threshold: float, max_b: float, sources: Sources
) -> Gradients:
    """Check gradients, and choose the volumes that enter a fit.

    Parameters
    ----------
    bvals : ndarray, shape (volumes,)
        b-values in s/mm2.
    vectors : ndarray, shape (volumes, 3)
        Directions; those of unweighted volumes may be anything.
    b0_threshold, max_b : float
        Largest b-value, in s/mm2, that counts as unweighted, and that enters the fit.
    sources : Sources
        What messages call the gradients.

    Raises
    ------
    ScanFault
        If the gradients do not determine a tensor.
    """
    if not np.isfinite(bvals).all() or (bvals < 0).any():
        raise ScanFault(sources.bvals, "holds values that are no b-values", "correct the file")
    b0 = bvals <= b0_threshold
    if not b0.any():
        rule = f"no volume has b of at most {b0_threshold:g}"
        raise ScanFault(sources.bvals, rule, f"raise {sources.b0_threshold}")
    used = b0 | (bvals <= max_b)
    vectors = np.where(b0[:, None], 0.0, vectors)
    lengths = np.where(b0, 1.0, np.linalg.norm(vectors, axis=1))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= _LENGTH_TOLERANCE))
    if wrong.size:
        rule = f"the direction of volume {wrong[0]} has no unit length"
        raise ScanFault(sources.bvecs, rule, "correct the file")
    gradients = Gradients(bvals, vectors / lengths[:, None], b0, used)
    _check_directions(gradients.bvecs[used & ~b0], max_b, sources)
    return gradients


def _check_directions(directions: FloatArray, max_b: float, sources: Sources) -> None:
    """Make sure that there are 6 directions, and that they do not lie on a cone, which determines no tensor."""
    distinct = distinct_directions(directions)
    if distinct < _FEWEST_DIRECTIONS:
        rule = f"has {distinct} directions up to b = {max_b:g}, a tensor needs {_FEWEST_DIRECTIONS}"
        remedy = f"raise {sources.max_b}, or leave the scan out by a decision"
        raise ScanFault(sources.bvecs, rule, remedy)
    squares = np.einsum("ni,nj->nij", directions, directions).reshape(-1, _AXES**2)
    if np.linalg.matrix_rank(squares) < _FEWEST_DIRECTIONS:
        rule = "its directions lie in a plane or on a cone and determine no tensor"
        raise ScanFault(sources.bvecs, rule, "leave the scan out by a decision")


def distinct_directions(directions: FloatArray) -> int:
    """Return how many directions differ; opposite ones are the same."""
    same = np.abs(directions @ directions.T) > _SAME_DIRECTION
    return int((~np.triu(same, 1).any(axis=0)).sum())
