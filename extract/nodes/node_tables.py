"""Tables of nodes: those of a user, those that are published, and what a table must be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError, Problem, refuse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["REQUIRED", "node_sets", "read_nodes", "talairach_to_mni"]

REQUIRED = ("node", "pair", "hemisphere", "x", "y", "z", "radius_mm")
_NUMBERS = ("x", "y", "z", "radius_mm")
_OPTIONAL = {"crossed": False, "space": "MNI152", "citation": None, "label": None}
_SPACES = {"mni152": "MNI152", "talairach": "Talairach", "native": "native"}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_SETS = Path(__file__).with_name("sets")
_MIDLINE_MM = 5.0
_FARTHEST_MM = 150.0

_MNI_TO_TALAIRACH = np.array([
    [0.9464, 0.0034, -0.0026, -1.0680],
    [-0.0083, 0.9479, -0.0580, -1.0239],
    [0.0053, 0.0617, 0.9010, 3.1883],
    [0.0, 0.0, 0.0, 1.0],
])  # fmt: skip
"""The affine of Lancaster et al. for images brought to ICBM-152 by FSL."""


def node_sets() -> tuple[str, ...]:
    """Tell which published sets of nodes come with the package.

    Returns
    -------
    tuple of str
        Their names.
    """
    return tuple(sorted(path.stem for path in _SETS.glob("*.tsv")))


def read_nodes(name_or_path: str | Path) -> pd.DataFrame:
    """Read and check a table of nodes.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a published set (see `node_sets`), or a TSV with the columns node (a name), pair (the name that a node shares
        with its counterpart in the other hemisphere; n/a where it has none), hemisphere (left, right, or none in the
        midline), x, y, z (mm) and radius_mm. It may have crossed (true for nodes that belong with the opposite cortex,
        such as the cerebellum), space (MNI152, Talairach, native), citation, and label (the name of the node in a table of
        time series that another program made). Spheres may overlap.

    Returns
    -------
    DataFrame
        One row for each node in the order of the file, with all of these columns. Talairach coordinates are converted to
        MNI by the inverse of an affine [1]_, and the space says so.

    Raises
    ------
    InputError
        If there is no such set or file, or it breaks a rule; with all problems.

    References
    ----------
    .. [1] Lancaster JL et al. Hum Brain Mapp 2007;28:1194-1205. https://doi.org/10.1002/hbm.20345

    Examples
    --------
    >>> read_nodes("seitzman_motor12")["pair"].unique().tolist()
    ['m1', 's1', 'sma', 'dorsal', 'face', 'cerebellum']
    """
    from neurotrial.tabular import read_table

    path = _path_of(name_or_path)
    table = read_table(path, path.name)
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        raise refuse(path.name, f"lacks the column {', '.join(missing)}", "add it")
    nodes, problems = _typed(table, path.name)
    problems += _problems(nodes, path.name)
    if problems:
        raise InputError(problems)
    return _in_mni(nodes.reset_index(drop=True))


def talairach_to_mni(points: Any) -> Any:
    """Convert Talairach coordinates to MNI152, shape (n, 3), by the inverse of the affine of Lancaster et al. (2007).

    Examples
    --------
    >>> talairach_to_mni([[-37.0, -21.0, 58.0]]).round(1).tolist()
    [[-37.7, -17.6, 62.3]]
    """
    inverse = np.linalg.inv(_MNI_TO_TALAIRACH)
    return np.asarray(points, dtype="float64") @ inverse[:3, :3].T + inverse[:3, 3]


def _path_of(name_or_path: str | Path) -> Path:
    if str(name_or_path) in node_sets():
        return _SETS / f"{name_or_path}.tsv"
    path = Path(name_or_path)
    if not path.is_file():
        remedy = f"add it with the columns {', '.join(REQUIRED)}, or name a set: {', '.join(node_sets())}"
        raise refuse(path.name, "the table of nodes does not exist", remedy)
    return path


def _typed(table: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the table with all columns and their types, and the cells that are no numbers or flags."""
    import pandas as pd

    nodes, problems = table.copy(), []
    for column in _NUMBERS:
        nodes[column] = pd.to_numeric(table[column], errors="coerce").astype("float64")
    for column, default in _OPTIONAL.items():
        if column not in nodes:
            nodes[column] = pd.Series([default] * len(nodes), index=nodes.index, dtype="object")
    flags = nodes["crossed"].astype("str").str.lower().map(_FLAGS).astype("object")
    if flags.isna().any():
        problems.append(_problem(nodes, name, flags.isna(), "crossed is true or false", "correct it"))
    nodes["crossed"] = flags.eq(True).to_numpy(dtype=bool, na_value=False)
    spaces = nodes["space"].fillna("MNI152").astype("str").str.lower().map(_SPACES)
    if spaces.isna().any():
        rule = f"a space is one of {', '.join(_SPACES.values())}"
        problems.append(_problem(nodes, name, spaces.isna(), rule, "correct it, or leave the column out"))
    nodes["space"] = spaces
    columns = [*REQUIRED, *_OPTIONAL]
    return nodes[columns], problems


def _problem(nodes: pd.DataFrame, name: str, wrong: Any, rule: str, remedy: str) -> Problem:
    rows = tuple(f"line {line}: {node}" for line, node in nodes.loc[wrong, "node"].items())
    return Problem(name, rule, remedy, rows)


def _problems(nodes: pd.DataFrame, name: str) -> list[Problem]:
    sides = nodes["hemisphere"].astype("str")
    x = nodes["x"]
    wrong_side = ((sides == "left") & (x >= 0)) | ((sides == "right") & (x <= 0))
    checks = (
        (nodes[["node", "hemisphere", *_NUMBERS]].isna().any(axis=1),
         "node, hemisphere, coordinates and radius must be filled, the last four with numbers", "fill it"),
        (nodes["node"].duplicated(keep=False), "every node has a name of its own", "rename one"),
        (~sides.isin(["left", "right", "none"]), "hemisphere is left, right, or none for the midline", "correct it"),
        (wrong_side, "left is x < 0, right is x > 0", "correct hemisphere or x"),
        ((sides == "none") & (x.abs() > _MIDLINE_MM), f"a node of the midline has |x| of at most {_MIDLINE_MM:g} mm",
         "name its hemisphere"),
        ((nodes[["x", "y", "z"]].abs() > _FARTHEST_MM).any(axis=1), "coordinates are in mm from the middle of the brain",
         "give mm, not voxels"),
        (nodes["radius_mm"] <= 0, "a radius is positive", "correct it"),
        (_badly_paired(nodes), "a pair has one node in each hemisphere",
         "complete or rename the pair, or write n/a"),
        (nodes["space"] != nodes["space"].iloc[0], "all nodes are in one space", "split the table"),
    )  # fmt: skip
    return [_problem(nodes, name, wrong, rule, remedy) for wrong, rule, remedy in checks if np.any(wrong)]


def _badly_paired(nodes: pd.DataFrame) -> Any:
    pairs = nodes.dropna(subset=["pair"]).groupby("pair")["hemisphere"]
    fit = pairs.transform(lambda own: sorted(own.astype("str")) == ["left", "right"]).astype(bool)
    return (~fit).reindex(nodes.index, fill_value=False)


def _in_mni(nodes: pd.DataFrame) -> pd.DataFrame:
    if not (nodes["space"] == "Talairach").all():
        return nodes
    moved = talairach_to_mni(nodes[["x", "y", "z"]].to_numpy())
    return nodes.assign(
        x=moved[:, 0], y=moved[:, 1], z=moved[:, 2], space="MNI152 (from Talairach, Lancaster 2007)"
    )
