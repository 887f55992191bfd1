"""The corticospinal tract by deterministic tractography of the tensor: streamlines from one mask to another."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from neurotrial.extract.regions.streamline_files import Streamlines

__all__ = ["track_cst"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def track_cst(
    directions: Any,
    fa: Any,
    affine: Any,
    start: Any,
    end: Any,
    *,
    min_fa: float = 0.2,
    max_angle: float = 60.0,
    step_mm: float = 0.5,
    seeds: int = 2,
) -> Streamlines:
    """Follow the principal direction of the tensor from one mask to another.

    Parameters
    ----------
    directions : ndarray, shape (x, y, z, 3)
        Unit vectors of the tensor's first eigenvector along the axes of the image.
    fa : ndarray, shape (x, y, z)
        Fractional anisotropy; NaN where not measured.
    affine : array, shape (4, 4)
        Voxel indices to mm.
    start : ndarray of bool, shape (x, y, z)
        Where streamlines begin: the cerebral peduncle, say, below the lesion.
    end : ndarray of bool, shape (x, y, z)
        Where they must pass: the white matter under the motor cortex, say.
    min_fa : float
        FA below which a streamline ends, 0 to 1.
    max_angle : float
        Largest turn from step to step in degrees.
    step_mm : float
        Length of a step.
    seeds : int
        Seeds along each axis of a voxel of ``start``.

    Returns
    -------
    list of ndarray, shape (n_points, 3)
        Points in mm; the same on every run. Empty where no streamline arrives.

    Raises
    ------
    InputError
        If shapes differ.

    References
    ----------
    Garyfallidis E et al. Front Neuroinform 2014;8:8. https://doi.org/10.3389/fninf.2014.00008
    """
    shape = np.shape(fa)
    if not np.shape(directions)[:3] == np.shape(start) == np.shape(end) == shape:
        raise refuse("track_cst", f"directions and masks have the shape of fa, {shape}", "resample them")
    tissue = np.nan_to_num(np.asarray(fa, dtype="float64"))
    begun = start & (tissue >= min_fa)
    if not begun.any():
        return []
    from dipy.tracking.stopping_criterion import ThresholdStoppingCriterion
    from dipy.tracking.tracker import eudx_tracking
    from dipy.tracking.utils import seeds_from_mask, target

    matrix = np.asarray(affine, dtype="float64")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)
        found = eudx_tracking(
            seeds_from_mask(begun, matrix, density=seeds),
            ThresholdStoppingCriterion(tissue, min_fa),
            matrix,
            pam=_peaks(np.asarray(directions), tissue, min_fa),
            step_size=step_mm,
            max_angle=max_angle,
            nbr_threads=1,
            random_seed=1,
        )
        return [np.asarray(points, dtype="float64") for points in target(found, matrix, end)]


def _peaks(directions: FloatArray, tissue: FloatArray, min_fa: float) -> Any:
    """Return the first eigenvector as dipy's peaks: the nearest vertex of its sphere in each voxel of the tissue."""
    from dipy.data import default_sphere
    from dipy.direction.peaks import PeaksAndMetrics

    used = np.nonzero(tissue >= min_fa / 2)
    nearest = np.abs(directions[used] @ default_sphere.vertices.T).argmax(axis=1)
    indices = np.full((*tissue.shape, 1), -1, dtype="int32")
    values = np.zeros((*tissue.shape, 1))
    vectors = np.zeros((*tissue.shape, 1, 3))
    indices[..., 0][used], values[..., 0][used] = nearest, 1.0
    vectors[..., 0, :][used] = default_sphere.vertices[nearest]
    peaks = PeaksAndMetrics()
    peaks.sphere = default_sphere
    peaks.peak_indices, peaks.peak_values, peaks.peak_dirs = indices, values, vectors
    peaks.affine = np.eye(4)
    return peaks
