"""Raw diffusion scans: what can honestly be done without fieldmaps and eddy currents, and is called minimal therefore."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.diffusion.motion import motion_parameters, rotate_vectors

__all__ = ["RawScan", "brain_of", "correct_motion", "denoise", "prepare_raw"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

MotionModel = Literal["affine", "rigid"]

_PIPELINES = {"rigid": ["translation", "rigid"], "affine": ["translation", "rigid", "affine"]}
_FEWEST_DENOISED = 10
_MEDIAN_RADIUS_MM = 6.0
_ITERATIONS = (100, 50, 10)
_OPTIMIZER = {"gtol": 1e-4, "ftol": 1e-4}


@dataclass(frozen=True, slots=True, eq=False)
class RawScan:
    """A raw scan after minimal preprocessing.

    Attributes
    ----------
    signal : ndarray, shape (x, y, z, volumes)
        Diffusion signal.
    bvecs : ndarray, shape (volumes, 3)
        Directions, turned with the head where motion was corrected.
    brain : ndarray of bool, shape (x, y, z)
        Mask.
    motion : ndarray, shape (volumes, 6), or None
        Shifts in mm and turns in rad of each volume; None where motion was not corrected.
    steps : tuple of str
        What was done, in this order.
    """

    signal: Any
    bvecs: FloatArray
    brain: BoolArray
    motion: FloatArray | None
    steps: tuple[str, ...]


def prepare_raw(
    signal: Any,
    affine: Any,
    bvals: Any,
    bvecs: Any,
    *,
    brain: Any = None,
    denoised: bool = False,
    motion_corrected: MotionModel | None = None,
    b0_threshold: float = 50.0,
) -> RawScan:
    """Prepare a raw scan for the tensor.

    Parameters
    ----------
    signal : array, shape (x, y, z, volumes)
        As the scanner gave it.
    affine : array, shape (4, 4)
        Voxels to mm, of the file that the gradients belong to.
    bvals : array, shape (volumes,)
        b-values in s/mm2.
    bvecs : array, shape (volumes, 3)
        Directions in FSL's convention.
    brain : array of bool, shape (x, y, z), optional
        Mask; made from the unweighted volumes by default.
    denoised : bool
        Whether `denoise` is done, first of all.
    motion_corrected : {"affine", "rigid"}, optional
        How `correct_motion` is done; not at all by default.
    b0_threshold : float
        Largest b-value, in s/mm2, that counts as unweighted.

    Returns
    -------
    RawScan
        Distortion by susceptibility and eddy currents stays in it: the preprocessing is minimal, and the scan is to be flagged.

    Raises
    ------
    InputError
        If there is no unweighted volume, or too few volumes for denoising.
    """
    signal, bvals = np.asarray(signal), np.asarray(bvals, dtype="float64")
    vectors = np.asarray(bvecs, dtype="float64")
    _unweighted(bvals, b0_threshold)
    steps: list[str] = []
    motion = None
    if denoised:
        signal = denoise(signal, bvals, b0_threshold=b0_threshold)
        steps.append("patch2self")
    if motion_corrected:
        signal, transforms = correct_motion(
            signal, affine, bvals, model=motion_corrected, b0_threshold=b0_threshold
        )
        vectors = rotate_vectors(np.where((bvals > b0_threshold)[:, None], vectors, 0.0), transforms, affine)
        motion = motion_parameters(transforms, _centre(signal.shape[:3], affine))
        steps.append(f"motion correction ({motion_corrected})")
    if brain is None:
        brain = brain_of(signal, affine, bvals, b0_threshold=b0_threshold)
        steps.append("brain mask (median Otsu)")
    return RawScan(signal, vectors, np.asarray(brain, dtype=bool), motion, tuple(steps))


def denoise(signal: Any, bvals: Any, *, b0_threshold: float = 50.0) -> Any:
    """Predict each volume from the others, which share its signal but not its noise: Patch2Self.

    Parameters
    ----------
    signal : array, shape (x, y, z, volumes)
        Diffusion signal.
    bvals : array, shape (volumes,)
        b-values in s/mm2.
    b0_threshold : float
        Largest b-value, in s/mm2, that counts as unweighted; those volumes are left as they are.

    Returns
    -------
    ndarray of float32, shape (x, y, z, volumes)
        The same for every call. May be negative where there is no signal.

    Raises
    ------
    InputError
        If there are fewer than 10 volumes.

    References
    ----------
    Fadnavis S, Batson J, Garyfallidis E. Adv Neural Inf Process Syst 2020;33. https://doi.org/10.48550/arXiv.2011.01355
    """
    from dipy.denoise.patch2self import patch2self

    if signal.shape[-1] < _FEWEST_DENOISED:
        rule = f"has {signal.shape[-1]} volumes, Patch2Self needs {_FEWEST_DENOISED}"
        raise refuse("signal", rule, "leave out denoising")
    with _same_every_time():
        return patch2self(
            np.asarray(signal, dtype="float32"), np.asarray(bvals, dtype="float64"), b0_threshold=b0_threshold,
            b0_denoising=False, shift_intensity=False, version=3,
        )  # fmt: skip


@contextlib.contextmanager
def _same_every_time() -> Iterator[None]:
    """Fix numpy's global random numbers, from which dipy draws its sketch, and keep its progress bar from the terminal.

    dipy's version 1, which draws nothing, loses the mean of each volume in dipy 1.12.
    """
    state = np.random.get_state()  # noqa: NPY002 - dipy uses it
    np.random.seed(0)  # noqa: NPY002
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def correct_motion(
    signal: Any, affine: Any, bvals: Any, *, model: MotionModel = "affine", b0_threshold: float = 50.0
) -> tuple[FloatArray, FloatArray]:
    """Lay every volume on the first unweighted one, by dipy's registration with mutual information.

    Parameters
    ----------
    signal : array, shape (x, y, z, volumes)
        Diffusion signal.
    affine : array, shape (4, 4)
        Voxels to mm.
    bvals : array, shape (volumes,)
        b-values in s/mm2.
    model : {"affine", "rigid"}
        With scaling and shear, the better part of what eddy currents do, or without.
    b0_threshold : float
        Largest b-value, in s/mm2, that counts as unweighted.

    Returns
    -------
    signal : ndarray, shape (x, y, z, volumes)
        Unweighted volumes lie on the first of them. The weighted ones, which look alike, lie on their mean, and that on
        the unweighted ones: each volume is interpolated once.
    transforms : ndarray, shape (volumes, 4, 4)
        Coordinates in the reference to those in each volume, in mm.
    """
    bvals = np.asarray(bvals, dtype="float64")
    unweighted, weighted = _unweighted(bvals, b0_threshold), np.flatnonzero(bvals > b0_threshold)
    moved = np.array(signal, dtype="float64")
    transforms = np.tile(np.eye(4), (len(bvals), 1, 1))

    def lay(volumes: Any, reference: Any, first: FloatArray) -> None:
        for volume in volumes:
            transforms[volume] = _registered(moved[..., volume], reference, affine, model) @ first
            moved[..., volume] = _resampled(moved[..., volume], transforms[volume], affine)

    lay(unweighted[1:], moved[..., unweighted[0]], np.eye(4))
    if weighted.size:
        mean = moved[..., weighted].mean(axis=-1)
        to_mean = _registered(mean, moved[..., unweighted].mean(axis=-1), affine, model)
        lay(weighted, mean, to_mean)
    return moved, transforms


def _registered(moving: Any, static: Any, affine: Any, model: MotionModel) -> FloatArray:
    """Return the transform from coordinates in the static volume to those in the moving one."""
    from dipy.align import affine_registration

    _, transform = affine_registration(
        moving,
        static,
        moving_affine=np.asarray(affine, dtype="float64"),
        static_affine=np.asarray(affine, dtype="float64"),
        pipeline=_PIPELINES[model],
        level_iters=list(_ITERATIONS),
        optimizer_options=_OPTIMIZER,
    )
    return np.asarray(transform, dtype="float64")


def _resampled(volume: Any, transform: FloatArray, affine: Any) -> FloatArray:
    from dipy.align.imaffine import AffineMap

    affine = np.asarray(affine, dtype="float64")
    mapping = AffineMap(
        transform,
        domain_grid_shape=volume.shape,
        domain_grid2world=affine,
        codomain_grid_shape=volume.shape,
        codomain_grid2world=affine,
    )
    return np.asarray(mapping.transform(volume), dtype="float64")


def brain_of(signal: Any, affine: Any, bvals: Any, *, b0_threshold: float = 50.0) -> BoolArray:
    """Make a brain mask from the unweighted volumes: median filter and Otsu's threshold, by dipy.

    Parameters
    ----------
    signal : array, shape (x, y, z, volumes)
        Diffusion signal.
    affine : array, shape (4, 4)
        Voxels to mm: the median is taken over 6 mm.
    bvals : array, shape (volumes,)
        b-values in s/mm2.
    b0_threshold : float
        Largest b-value, in s/mm2, that counts as unweighted.

    Returns
    -------
    ndarray of bool, shape (x, y, z)
    """
    from dipy.segment.mask import median_otsu

    unweighted = _unweighted(np.asarray(bvals, dtype="float64"), b0_threshold)
    voxel_mm = float(np.cbrt(abs(np.linalg.det(np.asarray(affine, dtype="float64")[:3, :3]))))
    mean = np.nan_to_num(np.asarray(signal)[..., unweighted].mean(axis=-1, dtype="float64"))
    radius = max(1, round(_MEDIAN_RADIUS_MM / voxel_mm))
    _, mask = median_otsu(mean, median_radius=radius, numpass=2, finalize_mask=True)
    return np.asarray(mask, dtype=bool)


def _unweighted(bvals: FloatArray, b0_threshold: float) -> Any:
    found = np.flatnonzero(bvals <= b0_threshold)
    if not found.size:
        raise refuse("bvals", f"no volume has b of at most {b0_threshold:g}", "raise `b0_threshold`")
    return found


def _centre(shape: tuple[int, ...], affine: Any) -> FloatArray:
    middle = (np.asarray(shape, dtype="float64") - 1) / 2
    affine = np.asarray(affine, dtype="float64")
    return np.asarray(affine[:3, :3] @ middle + affine[:3, 3])
