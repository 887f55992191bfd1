"""Diffusion properties of the simulated head: healthy tissue, tracts that a stroke has damaged, and the lesion itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.sides import HEMISPHERES
from neurotrial.simulation.lesion import lesion_mask

if TYPE_CHECKING:
    from neurotrial.simulation.anatomy import Head

__all__ = ["S0", "Pathology", "Tissue", "tissue"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


class _Of(NamedTuple):
    """A property by tissue."""

    grey: float
    white: float
    ventricle: float


S0 = _Of(grey=1000.0, white=800.0, ventricle=2000.0)
"""Unweighted signal of healthy tissue."""
_FREE = _Of(grey=0.85, white=0.75, ventricle=3.0)
_AXIAL, _RADIAL = 1.7, 0.3
_LESION_AXIAL, _LESION_RADIAL, _LESION_FREE, _LESION_S0 = 1.3, 0.7, 1.3, 1.3
"""Within a lesion fibres lose most of their anisotropy, water diffuses more freely, and T2 is longer."""


@dataclass(frozen=True, slots=True, eq=False)
class Pathology:
    """What a stroke did to a brain; each value a scalar, or an array of shape (n_scans,) for many brains at once.

    Attributes
    ----------
    side : str
        Side of the lesion, left or right.
    volume_ml : float
        Volume of the lesion.
    integrity_ipsi, integrity_contra : float
        Share, above 0 and at most 1, of the healthy anisotropy that the whole corticospinal tract on the side of the lesion
        and on the other side keeps.
    """

    side: Any
    volume_ml: Any
    integrity_ipsi: Any
    integrity_contra: Any

    def integrity(self, hemisphere: str) -> Floats:
        """Return the integrity of the tract of the left or right hemisphere."""
        ipsi = np.asarray(self.side) == hemisphere
        return np.asarray(np.where(ipsi, self.integrity_ipsi, self.integrity_contra))


@dataclass(frozen=True, slots=True, eq=False)
class Tissue:
    """Diffusion properties of n voxels with k bundles, of one brain or of many (leading axis).

    Attributes
    ----------
    s0 : ndarray, shape (..., n)
        Unweighted signal.
    free : ndarray, shape (..., n)
        Diffusivity of what is in no bundle, um2/ms.
    fractions : ndarray, shape (n, k)
    directions : ndarray, shape (n, k, 3)
    axial, radial : ndarray, shape (..., n, k)
        Diffusivities of the fibres, um2/ms.
    """

    s0: Floats
    free: Floats
    fractions: Floats
    directions: Floats
    axial: Floats
    radial: Floats


def tissue(head: Head, state: Pathology, voxels: Ints | slice = slice(None)) -> Tissue:
    """Return the diffusion properties of voxels.

    Parameters
    ----------
    head : Head
    state : Pathology
    voxels : ndarray of int, optional
        Rows of the head that are wanted; all by default.

    Returns
    -------
    Tissue

    Raises
    ------
    InputError
        If an integrity is not above 0 and at most 1, or the lesion is impossible.

    Notes
    -----
    Healthy fibres have l1 = 1.7 and l2 = l3 = 0.3 um2/ms; those in a lesion start from 1.3 and 0.7. With m the mean of the
    three, a tract of integrity q has m + q (l - m) in the place of l: its mean diffusivity stays, its anisotropy goes.
    """
    both = np.array([state.integrity_ipsi, state.integrity_contra])
    if not ((both > 0) & (both <= 1)).all():
        raise refuse(
            "integrity", "the integrity of a tract is above 0 and at most 1", "give a share of the healthy"
        )
    lesion = lesion_mask(head, state.side, state.volume_ml, voxels)
    ventricle, white = head.ventricle[voxels], head.white[voxels]
    s0, free = (np.where(ventricle, of.ventricle, np.where(white, of.white, of.grey)) for of in (S0, _FREE))
    integrity = [state.integrity(hemisphere) for hemisphere in HEMISPHERES]
    kept = np.stack([*integrity, np.ones_like(integrity[0])], axis=-1)[..., None, :]
    axial = np.where(lesion, _LESION_AXIAL, _AXIAL)[..., None]
    radial = np.where(lesion, _LESION_RADIAL, _RADIAL)[..., None]
    mean = (axial + 2 * radial) / 3
    return Tissue(
        s0=np.where(lesion, s0 * _LESION_S0, s0),
        free=np.where(lesion, _LESION_FREE, free),
        fractions=head.fractions[voxels],
        directions=head.directions[voxels],
        axial=mean + kept * (axial - mean),
        radial=mean + kept * (radial - mean),
    )
