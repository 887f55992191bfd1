"""A transform from points of a reference space to points of the space of an image, and images resampled by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.registration.sampling import sample, world_points

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

__all__ = ["Affine", "Field", "Interpolation", "Transform", "affine_transform", "identity"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Interpolation = Literal["linear", "nearest"]
ORDERS = {"nearest": 0, "linear": 1}
_SLAB = 16
"""Planes that are mapped at a time, which bounds memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """An affine map of points in mm.

    Attributes
    ----------
    matrix : ndarray, shape (4, 4)
        Right, anterior, superior.
    """

    matrix: FloatArray

    def map_points(self, points: Any) -> FloatArray:
        """Map points, shape (n, 3)."""
        mapped: FloatArray = points @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return mapped


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A displacement of points in mm; none outside its grid.

    Attributes
    ----------
    displacement : ndarray, shape (x, y, z, 3)
        To the right, anterior, superior.
    affine : ndarray, shape (4, 4)
        Voxels of the field to mm.
    """

    displacement: np.ndarray[Any, Any]
    affine: FloatArray

    def map_points(self, points: Any) -> FloatArray:
        """Map points, shape (n, 3); the displacement between voxels is interpolated linearly."""
        inverse = np.linalg.inv(self.affine)
        indices = (points @ inverse[:3, :3].T + inverse[:3, 3]).T
        moved = [sample(self.displacement[..., axis], indices, 1) for axis in range(3)]
        mapped: FloatArray = points + np.stack(moved, axis=1)
        return mapped


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """Where a point of the reference space lies in the space of the image that is resampled.

    Attributes
    ----------
    steps : tuple of Affine or Field
        In the order in which they act on a point.
    """

    steps: tuple[Affine | Field, ...]

    def map_points(self, points: Any) -> FloatArray:
        """Map points.

        Parameters
        ----------
        points : array, shape (n, 3)
            mm in the reference space; right, anterior, superior.

        Returns
        -------
        ndarray, shape (n, 3)
            mm in the space of the image.
        """
        mapped = np.asarray(points, dtype=float)
        for step in self.steps:
            mapped = step.map_points(mapped)
        return mapped

    @property
    def matrix(self) -> FloatArray:
        """The affine map as a matrix, shape (4, 4).

        Raises
        ------
        InputError
            If the transform has a displacement field.
        """
        product = np.eye(4)
        for step in self.steps:
            if isinstance(step, Field):
                raise refuse("transform", "has a displacement field and is no matrix", "use map_points")
            product = step.matrix @ product
        return product

    def then(self, following: Transform) -> Transform:
        """Return the transform that maps points by this one first and then by another."""
        return Transform((*self.steps, *following.steps))

    def inverse(self) -> Transform:
        """Return the inverse of an affine transform.

        Raises
        ------
        InputError
            If the transform has a displacement field.
        """
        return affine_transform(np.linalg.inv(self.matrix))

    def apply(
        self, image: SpatialImage, reference: SpatialImage, *, interpolation: Interpolation = "linear"
    ) -> np.ndarray[Any, Any]:
        """Resample an image on the grid of a reference.

        Parameters
        ----------
        image : SpatialImage
            Shape (x, y, z) or (x, y, z, volumes), in any orientation.
        reference : SpatialImage
            Gives the grid.
        interpolation : {"linear", "nearest"}

        Returns
        -------
        ndarray
            Shape of the reference, with the volumes last; 0 outside the image; float32, or the image's own type if nearest.
        """
        data = np.asanyarray(image.dataobj)
        if interpolation not in ORDERS:
            raise refuse("interpolation", f"is {interpolation!r}", f"use one of {', '.join(ORDERS)}")
        shape = tuple(reference.shape[:3])
        indices = self.indices(image.affine, shape, reference.affine)
        kind = data.dtype if interpolation == "nearest" else np.dtype(np.float32)
        volumes = data.reshape(*data.shape[:3], -1)
        found = [sample(volumes[..., n], indices, ORDERS[interpolation]) for n in range(volumes.shape[3])]
        return np.stack(found, axis=-1).astype(kind).reshape(*shape, *data.shape[3:])

    def indices(self, image_affine: Any, shape: Iterable[int], affine: Any) -> FloatArray:
        """Return the voxel coordinates in an image of every voxel of a grid.

        Parameters
        ----------
        image_affine : array, shape (4, 4)
            Of the image that is resampled.
        shape : iterable of int
            Of the grid, n voxels.
        affine : array, shape (4, 4)
            Of the grid.

        Returns
        -------
        ndarray, shape (3, n)
        """
        inverse = np.linalg.inv(np.asarray(image_affine, dtype=float))
        size = tuple(shape)
        found = np.empty((3, *size))
        for first in range(0, size[0], _SLAB):
            slab = found[:, first : first + _SLAB]
            start = np.array(affine, dtype=float)
            start[:3, 3] += first * start[:3, 0]
            mapped = self.map_points(world_points(slab.shape[1:], start))
            slab[:] = (mapped @ inverse[:3, :3].T + inverse[:3, 3]).T.reshape(slab.shape)
        return found.reshape(3, -1)


def identity() -> Transform:
    """Return the transform that leaves every point where it is."""
    return affine_transform(np.eye(4))


def affine_transform(matrix: Any) -> Transform:
    """Return the transform of a matrix, shape (4, 4), of mm to the right, anterior, superior."""
    return Transform((Affine(np.asarray(matrix, dtype=np.float64)),))
