"""Mean time series of nodes, read as a stream."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.bold.one_pass import read_pass
from neurotrial.extract.bold.volumes import open_volumes
from neurotrial.extract.images import mask_on
from neurotrial.extract.nodes.spheres import sphere_voxels
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    import pandas as pd
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.bold.one_pass import OnePass
    from neurotrial.extract.bold.volumes import VolumeStream
    from neurotrial.extract.nodes.spheres import BoolArray, FloatArray, IntArray, NodeVoxels

__all__ = ["NodeSeries", "node_series", "node_tsnr"]


@dataclass(frozen=True, slots=True, eq=False)
class NodeSeries:
    """Mean time series of nodes.

    Attributes
    ----------
    series : ndarray, shape (n_volumes, n_nodes)
        Mean over the voxels of each node, in units of the image; NaN for a node without a voxel and in volumes that hold no
        numbers.
    nodes : tuple of str
        Names, in the order of the table.
    coverage : ndarray, shape (n_nodes,)
        Share of each node inside the field of view and the mask.
    n_voxels : ndarray of int, shape (n_nodes,)
        Voxels that were averaged.
    lesion_fraction : ndarray, shape (n_nodes,)
        Share of the covered voxels in the lesion; NaN without a lesion mask.
    tsnr : ndarray, shape (n_nodes,)
        Median over the voxels of mean over SD in time; NaN where nothing varies.
    t_r : float
        Seconds from volume to volume by the header; NaN where it does not say.
    """

    series: FloatArray
    nodes: tuple[str, ...]
    coverage: FloatArray
    n_voxels: IntArray
    lesion_fraction: FloatArray
    tsnr: FloatArray
    t_r: float


def node_series(
    image: Path | str | SpatialImage,
    nodes: pd.DataFrame,
    mask: Any = None,
    *,
    lesion: Any = None,
    exclude_lesion: bool = False,
) -> NodeSeries:
    """Average the signal over the sphere of each node, volume by volume.

    Parameters
    ----------
    image : path or SpatialImage
        A series; its affine says where the voxels are. Files are read as a stream, plain or gzipped, and never as a whole.
    nodes : DataFrame
        node (name), x, y, z (mm, in the space of the image), radius_mm; see `neurotrial.extract.read_nodes`. Spheres may
        overlap: each node is the mean over its own.
    mask, lesion : path, SpatialImage or ndarray of bool, optional
        Brain and lesion on the grid of the image; arrays are in the orientation of the image.
    exclude_lesion : bool
        Whether lesioned voxels are left out.

    Returns
    -------
    NodeSeries

    Raises
    ------
    ScanFault
        If the image is empty, damaged, or no series, or a mask stands on another grid.

    Examples
    --------
    >>> found = node_series("sub-01_desc-preproc_bold.nii.gz", nodes)  # doctest: +SKIP
    >>> found.series.shape  # doctest: +SKIP
    (200, 12)
    """
    stream = open_volumes(image)
    brain, lesioned = _mask(mask, stream, "mask"), _mask(lesion, stream, "lesion")
    voxels = sphere_voxels(
        nodes, stream.shape, stream.affine, brain=brain, lesion=lesioned, exclude_lesion=exclude_lesion
    )
    found = read_pass(stream, {"nodes": voxels.voxels})
    return NodeSeries(
        found.nodes["nodes"], tuple(nodes["node"]), voxels.coverage, voxels.n_voxels, voxels.lesion_fraction,
        node_tsnr(found, voxels), stream.t_r,
    )  # fmt: skip


def node_tsnr(found: OnePass, voxels: NodeVoxels) -> FloatArray:
    """Return the median temporal signal-to-noise ratio over the voxels of each node, shape (n_nodes,)."""
    tsnr = found.tsnr.ravel()
    own = [tsnr[places][np.isfinite(tsnr[places])] for places in voxels.voxels]
    return np.array([float(np.median(values)) if values.size else np.nan for values in own])


def _mask(mask: Any, stream: VolumeStream, what: str) -> BoolArray | None:
    """Return a mask in the canonical orientation of the stream."""
    if mask is None:
        return None
    if isinstance(mask, (str, Path)):
        return mask_on(Path(mask), stream, Path(stream.name))
    if isinstance(mask, np.ndarray):
        return _turned(mask, stream, what)
    import nibabel as nib

    turned: Any = nib.as_closest_canonical(mask)
    if turned.shape != stream.shape or not np.allclose(turned.affine, stream.affine, atol=1e-3, rtol=0):
        raise ScanFault(what, f"stands on another grid than {stream.name}", "resample it to that image")
    return np.asarray(np.asarray(turned.dataobj) > 1 / 2)


def _turned(mask: Any, stream: VolumeStream, what: str) -> BoolArray:
    """Return an array in the orientation of the file in that of the stream."""
    if mask.size != stream.places.size or sorted(mask.shape) != sorted(stream.shape):
        shape = " x ".join(map(str, mask.shape))
        rule = f"has the shape {shape}, which is not that of {stream.name}"
        raise ScanFault(what, rule, "give a mask on the grid of the image")
    return np.asarray(np.asarray(mask, dtype=bool).ravel(order="F")[stream.places])
