"""An analytic head in mm: ellipsoids of tissue, two corticospinal tracts and a callosal arc. No atlas, no person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.sides import HEMISPHERES, LETTERS
from neurotrial.simulation.lesion import growth_rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neurotrial.simulation.protocols import Grid

__all__ = ["BUNDLES", "Anatomy", "Head"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Point = tuple[float, float, float]

BUNDLES = ("cst_left", "cst_right", "callosum")

_SAMPLE_MM = 1.25
"""Spacing of the points by which the share of a voxel inside a tube is measured."""
_LINE_POINTS = 400


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """Centre and semi-axes in mm."""

    centre: Point
    axes: Point

    def holds(self, points: Floats) -> Bools:
        """Say which points, shape (n, 3), lie inside."""
        inside: Bools = (((points - np.array(self.centre)) / np.array(self.axes)) ** 2).sum(axis=1) < 1
        return inside


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Shapes of the simulated head, mm in a space like MNI; x < 0 is left.

    Attributes
    ----------
    brain : Ellipsoid
        1.86 l, about the brain mask of the MNI152 template.
    white : tuple of Ellipsoid
        White matter of the hemispheres and the brain stem.
    ventricles : tuple of Ellipsoid
    cst : tuple of Point
        Centre line of the right corticospinal tract: M1, corona radiata, internal capsule, peduncle, pons. The left one
        is its mirror image.
    callosum : tuple of Point
        Centre line of the callosal arc between both M1.
    tube_mm : float
        Radius of all three bundles.
    core_fraction : float
        Share of the signal of a voxel inside a bundle that comes from its fibres; the rest diffuses freely. With the
        diffusivities of `neurotrial.simulation.tissue` it gives a healthy tract a mean FA of about .5, as tracts
        measured with an atlas mask have.
    plic_mm : tuple of float
        The posterior limb of the internal capsule is the corticospinal tube between these two values of z.
    """

    brain: Ellipsoid = Ellipsoid((0, -18, 8), (70, 88, 72))
    white: tuple[Ellipsoid, ...] = (
        Ellipsoid((-27, -20, 20), (30, 60, 38)),
        Ellipsoid((27, -20, 20), (30, 60, 38)),
        Ellipsoid((0, -22, -25), (14, 14, 40)),
    )
    ventricles: tuple[Ellipsoid, ...] = (
        Ellipsoid((-8, -5, 18), (5, 28, 8)),
        Ellipsoid((8, -5, 18), (5, 28, 8)),
    )
    cst: tuple[Point, ...] = (
        (38, -22, 60), (32, -22, 42), (25, -18, 25), (20, -13, 8), (14, -18, -12), (8, -24, -33), (5, -28, -52),
    )  # fmt: skip
    callosum: tuple[Point, ...] = (
        (-36, -22, 56), (-24, -22, 44), (-10, -20, 32), (0, -20, 29), (10, -20, 32), (24, -22, 44), (36, -22, 56),
    )  # fmt: skip
    tube_mm: float = 6.0
    core_fraction: float = 0.7
    plic_mm: tuple[float, float] = (-3.0, 17.0)

    def on(self, grid: Grid) -> Head:
        """Return the head on a grid; built once for each grid."""
        return _head(self, grid)

    @property
    def centre_lines(self) -> dict[str, Floats]:
        """Control points of each bundle, shape (n, 3)."""
        right = np.array(self.cst, dtype=float)
        return dict(zip(BUNDLES, (right * [-1, 1, 1], right, np.array(self.callosum)), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The head on a grid; arrays have one row for each of the n voxels whose centre is in the brain.

    Attributes
    ----------
    grid : Grid
    voxels : ndarray of int, shape (n,)
        Flat indices on the grid.
    centres : ndarray, shape (n, 3)
        mm.
    white, ventricle : ndarray of bool, shape (n,)
    fractions : ndarray, shape (n, 3)
        Share of the signal that comes from the fibres of each of `BUNDLES`; partial volume is in it.
    directions : ndarray, shape (n, 3, 3)
        Unit vector along each bundle; zero where its fraction is.
    regions : mapping of (label, hemisphere) to ndarray of bool, shape (n,)
        Labels CST and PLIC, hemispheres L and R: voxels at least half inside the tube.
    lesion_rank : mapping of str to ndarray of int, shape (n,)
        For a lesion of the left or right side, the order in which it takes the voxels.
    """

    grid: Grid
    voxels: Ints
    centres: Floats
    white: Bools
    ventricle: Bools
    fractions: Floats
    directions: Floats
    regions: Mapping[tuple[str, str], Bools]
    lesion_rank: Mapping[str, Ints]


@lru_cache(maxsize=8)
def _head(anatomy: Anatomy, grid: Grid) -> Head:
    everywhere = grid.centres
    voxels = np.flatnonzero(anatomy.brain.holds(everywhere))
    centres = everywhere[voxels]
    white = np.any([part.holds(centres) for part in anatomy.white], axis=0)
    ventricle = np.any([part.holds(centres) for part in anatomy.ventricles], axis=0)
    tubes = [_tube(line, anatomy.tube_mm, centres, grid.voxel_mm) for line in anatomy.centre_lines.values()]
    share = np.stack([tube[0] for tube in tubes], axis=1)
    fractions = anatomy.core_fraction * share / np.maximum(share.sum(axis=1, keepdims=True), 1)
    low, high = anatomy.plic_mm
    capsule = (centres[:, 2] >= low) & (centres[:, 2] <= high)
    regions = {}
    for place, letter in enumerate(LETTERS.values()):
        tract = share[:, place] >= 1 / 2
        regions["CST", letter], regions["PLIC", letter] = tract, tract & capsule
    rank = {side: growth_rank(centres, ventricle, side) for side in HEMISPHERES}
    directions = np.stack([tube[1] for tube in tubes], axis=1)
    return Head(grid, voxels, centres, white, ventricle, fractions, directions, regions, rank)


def _tube(line: Floats, radius: float, centres: Floats, voxel_mm: float) -> tuple[Floats, Floats]:
    """Return the share of each voxel inside a tube and the direction of its centre line there."""
    from scipy.spatial import cKDTree

    points, tangents = _spline(line)
    tree = cKDTree(points)
    near = np.flatnonzero(tree.query(centres)[0] < radius + voxel_mm * 3**0.5 / 2)
    n = max(1, round(voxel_mm / _SAMPLE_MM))
    steps = (np.arange(n) + 0.5) / n - 0.5
    offsets = voxel_mm * np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    distance, nearest = tree.query(centres[near, None] + offsets)
    inside = distance < radius
    share, direction = np.zeros(len(centres)), np.zeros((len(centres), 3))
    share[near] = inside.mean(axis=1)
    summed = (inside[..., None] * tangents[nearest]).sum(axis=1)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    direction[near] = np.divide(summed, length, out=np.zeros_like(summed), where=length > 0)
    return share, direction


def _spline(line: Floats) -> tuple[Floats, Floats]:
    """Return points along a smooth line through control points, and unit tangents."""
    from scipy.interpolate import CubicSpline

    along = np.r_[0, np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()]
    spline = CubicSpline(along, line)
    at = np.linspace(0, along[-1], _LINE_POINTS)
    tangents = spline(at, 1)
    return spline(at), tangents / np.linalg.norm(tangents, axis=1, keepdims=True)
