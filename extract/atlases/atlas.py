"""An atlas: regions of both hemispheres on one grid, with where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.atlases.registry import Labels, Region

__all__ = ["Atlas", "FloatArray"]

FloatArray = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Regions of an atlas; `read_atlas` makes one from a file, `Atlas.from_regions` from arrays.

    Attributes
    ----------
    name : str
    image : SpatialImage
        Label values, shape (x, y, z), or weights 0 to 1, shape (x, y, z, maps); on a canonical grid, x < 0 is left.
    labels : mapping of (str, str) to tuple of int
        Values, or maps from 0, of each region and hemisphere.
    space : str or None
        Template space; None where it is not known.
    licence : str
    digest : str
        SHA-256 of the file, or of the arrays.
    repaired : str or None
        Which fault of the header was mended.
    """

    name: str
    image: SpatialImage
    labels: Labels
    space: str | None = None
    licence: str = "not stated"
    digest: str = ""
    repaired: str | None = None

    @classmethod
    def from_regions(
        cls, regions: Mapping[Region, Any], affine: Any, *, name: str = "regions", space: str | None = None
    ) -> Atlas:
        """Make an atlas from arrays, e.g. of a phantom.

        Parameters
        ----------
        regions : mapping of (str, str) to array, shape (x, y, z)
            Mask or weights 0 to 1 of each region (lower case) and hemisphere (left, right, both).
        affine : array, shape (4, 4)
            Voxels to mm; first axis to the right, then anterior, then superior.
        name : str
        space : str, optional

        Raises
        ------
        InputError
            If there is no region, one is empty, shapes differ, weights leave 0 to 1, or a region lies on the wrong side.
        """
        import nibabel as nib

        from neurotrial.extract.atlases.side_check import check_sides

        if not regions:
            raise refuse(name, "has no region", "give at least one")
        if len({np.shape(weights) for weights in regions.values()}) > 1:
            raise refuse(name, "its regions stand on different grids", "give arrays of one shape")
        empty = [
            f"{region} ({hemisphere})" for (region, hemisphere), item in regions.items() if not np.any(item)
        ]
        if empty:
            raise refuse(name, "has regions without a voxel", "leave them out", empty)
        weights = np.stack([np.asarray(item, dtype=np.float32) for item in regions.values()], axis=-1)
        if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.max() <= 1):
            raise refuse(name, "its weights are not all from 0 to 1", "scale them")
        image: Any = nib.Nifti1Image(weights, np.asarray(affine, dtype=float))
        labels = {region: (place,) for place, region in enumerate(regions)}
        digest = hashlib.sha256(weights.tobytes() + image.affine.tobytes()).hexdigest()
        atlas = cls(name, nib.as_closest_canonical(image), labels, space, digest=digest)
        check_sides(atlas, name)
        return atlas

    @property
    def regions(self) -> tuple[Region, ...]:
        """Region and hemisphere of each."""
        return tuple(self.labels)

    def weights(self, region: str, hemisphere: str) -> FloatArray:
        """Return the weights of a region, 0 to 1; a label gives 0 and 1.

        Parameters
        ----------
        region : str
            In lower case, e.g. ``plic``.
        hemisphere : {"left", "right", "both"}

        Returns
        -------
        ndarray of float32, shape (x, y, z)

        Raises
        ------
        InputError
            If the atlas has no such region; the message names those that it has.
        """
        if (region, hemisphere) not in self.labels:
            have = ", ".join(f"{name} ({side})" for name, side in self.labels)
            rule = f"has no region {region!r} in hemisphere {hemisphere!r}"
            raise refuse(self.name, rule, f"name one of: {have}")
        values = self.labels[region, hemisphere]
        data = np.asanyarray(self.image.dataobj)
        if data.ndim == 3:  # noqa: PLR2004 - a volume of labels
            inside = np.logical_or.reduce([data == value for value in values])
            return np.asarray(inside, dtype=np.float32)
        return np.asarray(data[..., list(values)].max(axis=-1), dtype=np.float32)
