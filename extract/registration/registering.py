"""Registering a template to a person, so that a lesion does not pull the regions around it away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from neurotrial.errors import refuse
from neurotrial.extract.registration.lesion_fill import fill_lesion
from neurotrial.extract.registration.pair import Pair, pair_of
from neurotrial.extract.registration.quality import registration_quality
from neurotrial.extract.registration.stages import SYN_ITERATIONS, affine_stage, deformable_stage
from neurotrial.extract.registration.transform import Interpolation, Transform, affine_transform

if TYPE_CHECKING:
    import numpy as np
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.registration.work_grid import WorkGrid

__all__ = ["Fill", "Registration", "register"]

Fill = Literal["two_pass", "one_pass", "none"]
_PASSES: Mapping[str, int] = {"two_pass": 2, "one_pass": 1, "none": 0}
_SIGMA_DIFF = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A moving image fitted to a static one.

    Attributes
    ----------
    transform : Transform
        Points of the static image (mm) to points of the moving image.
    reference : SpatialImage
        The static image.
    quality : mapping of str to float
        See `neurotrial.extract.registration.quality.registration_quality`.
    """

    transform: Transform
    reference: SpatialImage
    quality: Mapping[str, float]

    def apply(self, image: SpatialImage, *, interpolation: Interpolation = "linear") -> np.ndarray[Any, Any]:
        """Resample an image of the moving space on the grid of the static image; see `Transform.apply`."""
        return self.transform.apply(image, self.reference, interpolation=interpolation)


def register(
    moving: SpatialImage,
    static: SpatialImage,
    *,
    lesion: Any | None = None,
    lesion_fill: Fill = "two_pass",
    deformable: bool = True,
    iterations: Sequence[int] = SYN_ITERATIONS,
    sigma_diff: float = _SIGMA_DIFF,
    voxel_mm: float | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Registration:
    """Register a moving image (a template) to a static one (a person).

    Parameters
    ----------
    moving, static : SpatialImage
        Shape (x, y, z), in any orientation, each on its own grid; of like contrast, e.g. a white-matter template and FA.
    lesion : array of bool or SpatialImage, optional
        On the grid of the static image. It does not count for the affine map, and is filled from the template before the
        deformable stage.
    lesion_fill : {"two_pass", "one_pass", "none"}
        Fill from the affinely aligned template, and again from the deformed one; only once; or not at all, which tears the
        tissue around a lesion and is here to show that.
    deformable : bool
        False stops after the affine map.
    iterations : sequence of int
        Of the deformable stage, coarsest level first.
    sigma_diff : float
        Smoothing of its updates, in voxels of the work grid.
    voxel_mm : float, optional
        Of the work grid; by default 2 mm, or the static image's voxels where those are larger.
    on_stage : callable, optional
        Is told the name of each stage when it begins.

    Returns
    -------
    Registration
        The same images give the same result.

    Raises
    ------
    ScanFault
        If an image is empty or no volume, the two do not overlap, or the lesion stands on another grid or covers more than
        half of the image.
    InputError
        If `lesion_fill` is not one of its values.

    Notes
    -----
    Both images are resampled on isotropic grids that lie symmetrically about their contents, so that mirrored images give the
    mirrored transform up to what dipy's optimisers round.
    """
    if lesion_fill not in _PASSES:
        raise refuse("lesion_fill", f"is {lesion_fill!r}", f"use one of {', '.join(_PASSES)}")
    tell = on_stage or _silent
    pair = pair_of(moving, static, lesion, voxel_mm)
    grid = pair.grid
    tell("affine")
    aligned = affine_transform(_affine(pair))
    transform = aligned
    if deformable:
        transform = _deformed(pair, grid, aligned, _PASSES[lesion_fill], (iterations, sigma_diff), tell)
    warped = pair.moving_on(grid, transform)
    quality = registration_quality(pair.static_on(grid), warped, pair.lesion_on(grid), transform, grid.affine)
    return Registration(transform, static, quality)


def _affine(pair: Pair) -> Any:
    (moving, moving_grid), (static, static_grid) = pair.coarse()
    lesion = pair.lesion_on(static_grid)
    return affine_stage(moving, moving_grid, static, static_grid, used=None if lesion is None else ~lesion)


def _deformed(
    pair: Pair,
    grid: WorkGrid,
    aligned: Transform,
    passes: int,
    settings: tuple[Sequence[int], float],
    tell: Callable[[str], None],
) -> Transform:
    """Run the deformable stage; with a lesion once for each fill, each from the template as the last pass placed it."""
    iterations, sigma_diff = settings
    static, lesion = pair.static_on(grid), pair.lesion_on(grid)
    moved = pair.moving_on(grid, aligned)
    transform = aligned
    for number in range(max(passes, 1) if lesion is not None else 1):
        tell(f"deformable, pass {number + 1}")
        target = static
        if lesion is not None and passes:
            target = fill_lesion(static, lesion, pair.moving_on(grid, transform))
        field = deformable_stage(moved, target, grid, iterations=iterations, sigma_diff=sigma_diff)
        transform = Transform((field, *aligned.steps))
    return transform


def _silent(_stage: str) -> None:
    """Tell nobody."""
