"""A phantom's anisotropy on a symmetric template grid, and a person: the template bent by a known map, with a lesion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from neurotrial.extract.atlases.atlas import Atlas
from neurotrial.extract.registration.sampling import sample, world_points
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.protocols import Grid

EXTENT_MM = np.array([150.0, 190.0, 160.0])
REGIONS = [(name, side) for name in ("cst", "plic") for side in ("left", "right")]


class Phantom(NamedTuple):
    template: Any
    person: Any
    lesion: np.ndarray
    atlas: Atlas
    truth: dict[tuple[str, str], np.ndarray]


def make_phantom(voxel_mm: float, *, lesion_mm: float = 12.0) -> Phantom:
    """Return the phantom with a lesion over the left internal capsule."""
    shape = tuple(int(side / voxel_mm / 2) * 2 + 1 for side in EXTENT_MM)
    middle = np.array([0.0, -18.0, 8.0])
    first = middle - voxel_mm * (np.array(shape) - 1) / 2
    grid = Grid(shape, voxel_mm, tuple(first))
    head = Anatomy().on(grid)
    values = (0.08 + 0.12 * head.white + 0.5 * head.fractions.sum(axis=1)).astype(np.float32)
    template = np.asarray(grid.volume(head.voxels, values))
    masks = {
        (name.lower(), side): np.asarray(grid.volume(head.voxels, mask.astype(np.float32)))
        for (name, letter), mask in head.regions.items()
        for side in [{"L": "left", "R": "right"}[letter]]
    }
    places = bent(world_points(shape, grid.affine), shape)
    inverse = np.linalg.inv(grid.affine)
    indices = (places @ inverse[:3, :3].T + inverse[:3, 3]).T
    person, truth = (
        sample(template, indices, 1).reshape(shape),
        {key: sample(mask, indices, 1).reshape(shape) for key, mask in masks.items()},
    )
    person += 0.01 * np.random.default_rng(7).normal(size=shape) * (person > 0)
    own = world_points(shape, grid.affine).reshape(*shape, 3)
    centre = (own * truth["plic", "left"][..., None]).sum((0, 1, 2)) / truth["plic", "left"].sum()
    lesion = (np.linalg.norm(own - centre, axis=-1) < lesion_mm) & (person > 0)
    person[lesion] = 0.05
    images = (nib.Nifti1Image(data.astype(np.float32), grid.affine) for data in (template, person))
    return Phantom(*images, lesion, Atlas.from_regions(masks, grid.affine, name="phantom"), truth)


def bent(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Carry points of the person to the template: turned, scaled, shifted, and displaced by up to 3 mm."""
    turn = np.deg2rad(4.0)
    linear = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    moved = points @ (linear @ np.diag([1.03, 0.97, 1.02])).T + [2.0, -3.0, 1.5]
    rng = np.random.default_rng(5)
    coarse = rng.normal(size=(13, 13, 13, 3))
    field = np.stack([gaussian_filter(coarse[..., axis], 1.5) for axis in range(3)], axis=-1)
    field *= 3.0 / np.abs(field).max()
    where = (np.indices(shape).reshape(3, -1).T / (np.array(shape) - 1) * 12).T
    return moved + np.stack([sample(field[..., axis], where, 1) for axis in range(3)], axis=1)


def mirrored(image: Any) -> Any:
    """Return an image with its data flipped from left to right on the same grid."""
    return nib.Nifti1Image(np.ascontiguousarray(image.get_fdata(dtype=np.float32)[::-1]), image.affine)


@pytest.fixture(scope="session")
def phantom_of() -> Callable[..., Phantom]:
    return make_phantom


@pytest.fixture(scope="session")
def mirror() -> Callable[[Any], Any]:
    return mirrored


@pytest.fixture(scope="session")
def small_phantom() -> Phantom:
    return make_phantom(5.0)
