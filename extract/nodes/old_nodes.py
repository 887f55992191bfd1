"""Nodes of the network: the table that defines them, their spheres in a scan, their mean time series."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd
    from nibabel.spatialimages import SpatialImage

__all__ = ["Spheres", "node_series", "place_spheres", "read_nodes"]

_TEXT, _NUMBERS = ("node", "pair", "hemisphere"), ("x", "y", "z", "radius_mm")
FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
LabelArray = np.ndarray[Any, np.dtype[np.int16]]


@dataclass(frozen=True, slots=True)
class Spheres:
    """Spheres of the nodes on the grid of a scan.

    Attributes
    ----------
    labels : ndarray of int16
        Place of the node (from 1) that a voxel belongs to, 0 for none. A voxel that lies in several spheres belongs to
        the nearest centre.
    sizes : ndarray, shape (nodes,)
        Voxels of each sphere, inside the brain mask or not.
    coverage : ndarray, shape (nodes,)
        Share of them inside the brain mask.
    """

    labels: LabelArray
    sizes: FloatArray
    coverage: FloatArray


def read_nodes(path: Path) -> pd.DataFrame:
    """Read and check the table of nodes.

    Parameters
    ----------
    path : Path
        TSV with the columns node, pair, hemisphere, x, y, z and radius_mm (mm, in the space of the BOLD images).

    Returns
    -------
    DataFrame
        One row for each node, in the order of the file.

    Raises
    ------
    InputError
        If a column is missing, a cell is no number, a node stands twice or in the wrong hemisphere, or a pair has not
        one node in each hemisphere; with all problems.
    """
    import pandas as pd

    from neurotrial.errors import refuse
    from neurotrial.tabular import read_table

    if not path.is_file():
        rule = "the table of nodes does not exist"
        raise refuse(path.name, rule, f"add it with the columns {', '.join((*_TEXT, *_NUMBERS))}")
    table = read_table(path, path.name)
    missing = [name for name in (*_TEXT, *_NUMBERS) if name not in table]
    if missing:
        raise refuse(path.name, f"lacks the column {', '.join(missing)}", "add it")
    numbers = table[list(_NUMBERS)].apply(pd.to_numeric, errors="coerce")
    nodes = table[list(_TEXT)].join(numbers)
    problems = list(_node_problems(nodes, path.name))
    if problems:
        raise InputError(problems)
    return nodes.reset_index(drop=True)


def _node_problems(nodes: pd.DataFrame, name: str) -> Any:
    def rows(wrong: Any) -> tuple[str, ...]:
        return tuple(f"line {line}: {node}" for line, node in nodes.loc[wrong, "node"].items())

    checks = (
        (nodes.isna().any(axis=1), "every cell must be filled, coordinates and radius with numbers", "fill it"),
        (nodes["node"].duplicated(keep=False), "every node has a name of its own", "rename one"),
        (~nodes["hemisphere"].isin(["left", "right"]), "hemisphere is left or right", "correct it"),
        ((nodes["x"] < 0) != (nodes["hemisphere"] == "left"), "left is x < 0", "correct hemisphere or x"),
        (nodes["radius_mm"] <= 0, "a radius is positive", "correct it"),
        (nodes.groupby("pair")["hemisphere"].transform(lambda own: sorted(own.astype("str")) != ["left", "right"]).astype(bool),
         "a pair has one node in each hemisphere", "complete or rename the pair"),
    )  # fmt: skip
    for wrong, rule, remedy in checks:
        if wrong.any():
            yield Problem(name, rule, remedy, rows(wrong))


def place_spheres(nodes: pd.DataFrame, image: SpatialImage, brain: BoolArray) -> Spheres:
    """Find the voxels of each node.

    Parameters
    ----------
    nodes : DataFrame
        As `read_nodes` gives it.
    image : SpatialImage
        The scan; its affine places the voxels.
    brain : ndarray of bool
        Brain mask on its grid.

    Returns
    -------
    Spheres
        Only voxels inside the brain mask carry a label.
    """
    shape = brain.shape
    grid = np.indices(shape).reshape(len(shape), -1)
    places = (np.asarray(image.affine)[:3, :3] @ grid).T + np.asarray(image.affine)[:3, 3]
    centres = nodes[["x", "y", "z"]].to_numpy(dtype="float64")
    distances = np.stack([np.linalg.norm(places - centre, axis=1) for centre in centres])
    radii = nodes["radius_mm"].to_numpy(dtype="float64")[:, None]
    nearest = np.where(distances <= radii, distances, np.inf)
    label = np.where(np.isfinite(nearest).any(axis=0), nearest.argmin(axis=0) + 1, 0)
    inside = np.where(brain.ravel(), label, 0)
    counts = [np.bincount(item, minlength=len(nodes) + 1)[1:].astype("float64") for item in (label, inside)]
    coverage = np.divide(counts[1], counts[0], out=np.zeros(len(nodes)), where=counts[0] > 0)
    return Spheres(inside.reshape(shape).astype(np.int16), counts[0], coverage)


def node_series(data: Any, image: SpatialImage, spheres: Spheres, kept: BoolArray) -> FloatArray:
    """Average the signal over the voxels of each kept node, by nilearn's labels masker.

    Parameters
    ----------
    data : ndarray, shape (x, y, z, volumes)
        The scan.
    image : SpatialImage
        Gives the affine.
    spheres : Spheres
        Voxels of the nodes.
    kept : ndarray of bool, shape (nodes,)
        Nodes that enter.

    Returns
    -------
    ndarray, shape (volumes, kept nodes)
    """
    import nibabel as nib
    from nilearn.maskers import NiftiLabelsMasker

    labels = np.where(np.isin(spheres.labels, np.flatnonzero(kept) + 1), spheres.labels, 0)
    masker = NiftiLabelsMasker(
        nib.Nifti1Image(labels.astype(np.int16), image.affine),
        resampling_target=None,
        standardize=None,
        reports=False,
    )
    return np.asarray(masker.fit_transform(nib.Nifti1Image(data, image.affine)), dtype="float64")
