"""How simulated images are sampled: voxel grids, gradients and volumes, in a small and a full preset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["PRESETS", "BoldProtocol", "DwiProtocol", "Grid", "Preset"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
GridName = Literal["small", "full"]

_GOLDEN_ANGLE = np.pi * (1 + 5**0.5)
_GRADIENT_B = 1000.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Cubic voxels along the axes of the world, RAS+ (x grows to the right, y to the front, z upwards).

    Attributes
    ----------
    shape : tuple of int
        Voxels along x, y and z.
    voxel_mm : float
        Edge of a voxel.
    first_mm : tuple of float
        Centre of the first voxel.

    Notes
    -----
    Flat indices count x fastest, as a NIfTI file does.
    """

    shape: tuple[int, int, int]
    voxel_mm: float
    first_mm: tuple[float, float, float]

    @property
    def affine(self) -> Floats:
        """Voxel indices to mm, shape (4, 4)."""
        affine = np.diag([self.voxel_mm] * 3 + [1.0])
        affine[:3, 3] = self.first_mm
        return affine

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel."""
        return self.voxel_mm**3 / 1000

    @property
    def centres(self) -> Floats:
        """Centres of all voxels in mm, shape (n_voxels, 3), in the order of flat indices."""
        axes = [
            first + self.voxel_mm * np.arange(n) for first, n in zip(self.first_mm, self.shape, strict=True)
        ]
        z, y, x = np.meshgrid(*axes[::-1], indexing="ij")
        return np.column_stack([x.ravel(), y.ravel(), z.ravel()])

    def volume(self, voxels: Any, values: Any) -> np.ndarray[Any, Any]:
        """Put values at voxels into an image of zeros.

        Parameters
        ----------
        voxels : array, shape (n,)
            Flat indices.
        values : array, shape (n,) or (n_volumes, n)
            Volumes come first because a file stores them one after the other.

        Returns
        -------
        ndarray, shape (nx, ny, nz) or (nx, ny, nz, n_volumes)
            In Fortran order, i.e. as a file stores it.
        """
        values = np.asarray(values)
        flat = np.zeros((*values.shape[:-1], int(np.prod(self.shape))), dtype=values.dtype)
        flat[..., voxels] = values
        return flat.reshape(*values.shape[:-1], *self.shape[::-1]).T


@dataclass(frozen=True, slots=True)
class DwiProtocol:
    """Diffusion-weighted acquisition: unweighted volumes first, then one shell.

    Attributes
    ----------
    grid : Grid
    n_b0, n_directions : int
        Unweighted and weighted volumes.
    snr : float
        Signal of unweighted white matter over the standard deviation of the noise of each channel.
    """

    grid: Grid
    n_b0: int
    n_directions: int
    snr: float = 25.0

    @property
    def bvals(self) -> Floats:
        """b-values in s/mm2, shape (n_volumes,)."""
        return np.repeat([0.0, _GRADIENT_B], [self.n_b0, self.n_directions])

    @property
    def bvecs(self) -> Floats:
        """Gradient directions in world axes, shape (n_volumes, 3): a spiral over the upper half-sphere; zero for b0."""
        step = np.arange(self.n_directions) + 0.5
        z = 1 - step / self.n_directions
        ring = np.sqrt(1 - z**2)
        turn = _GOLDEN_ANGLE * step
        spiral = np.column_stack([ring * np.cos(turn), ring * np.sin(turn), z])
        return np.vstack([np.zeros((self.n_b0, 3)), spiral])


@dataclass(frozen=True, slots=True)
class BoldProtocol:
    """Resting-state acquisition.

    Attributes
    ----------
    grid : Grid
    n_volumes : int
    t_r : float
        Seconds from volume to volume.
    """

    grid: Grid
    n_volumes: int
    t_r: float = 2.0


@dataclass(frozen=True, slots=True)
class Preset:
    """Both acquisitions of a session.

    Attributes
    ----------
    dwi : DwiProtocol
    bold : BoldProtocol
    """

    dwi: DwiProtocol
    bold: BoldProtocol


PRESETS: dict[GridName, Preset] = {
    "small": Preset(
        DwiProtocol(Grid((30, 36, 30), 5.0, (-72.5, -105.5, -66.0)), n_b0=2, n_directions=20),
        BoldProtocol(Grid((26, 30, 25), 6.0, (-75.0, -105.0, -66.0)), n_volumes=150),
    ),
    "full": Preset(
        DwiProtocol(Grid((73, 88, 73), 2.5, (-90.0, -126.0, -90.0)), n_b0=4, n_directions=32),
        BoldProtocol(Grid((61, 73, 61), 3.0, (-90.0, -126.0, -90.0)), n_volumes=240),
    ),
}
"""Both grids are symmetric about x = 0, so that a mirrored brain falls on the same voxels. The small one makes a trial of
60 in minutes; the full one has the resolution of a clinical protocol."""
