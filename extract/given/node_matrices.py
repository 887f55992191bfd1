"""Reading time series and correlations of nodes, and matching them with a table of nodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.nodes.spheres import FloatArray

__all__ = ["read_correlations", "read_coverage", "read_series"]

_SLACK = 1e-6
_SHOWN = 5


def read_series(path: Path, nodes: pd.DataFrame) -> FloatArray:
    """Read the time series of nodes.

    Parameters
    ----------
    path : Path
        Tab- or space-separated, one row for each volume and one column for each node; the first row may name them. Without
        names, the columns are the nodes of the table in its order.
    nodes : DataFrame
        node, and label where the file calls a node otherwise.

    Returns
    -------
    ndarray, shape (n_volumes, n_nodes)
        In the order of the table; NaN for a node whose column is missing values throughout. Columns of other nodes are left
        out.

    Raises
    ------
    ScanFault
        If the file cannot be read, lacks a node, or a cell is no number.
    """
    names, values = _read(path)
    return values[:, _columns(path, names, values.shape[1], nodes)]


def read_correlations(path: Path, nodes: pd.DataFrame) -> FloatArray:
    """Read correlations of nodes.

    Parameters
    ----------
    path : Path
        Square, tab- or space-separated; the first row, and then the first column, may name the nodes.
    nodes : DataFrame
        As for `read_series`.

    Returns
    -------
    ndarray, shape (n_nodes, n_nodes)
        In the order of the table, with ones on the diagonal; NaN in rows and columns of nodes that have no value.

    Raises
    ------
    ScanFault
        If the matrix is not square, not symmetric, or holds numbers beyond -1 and 1: Fisher z, most likely.
    """
    names, values = _read(path)
    if values.shape[0] != values.shape[1]:
        raise ScanFault(
            path.name, f"is no square matrix: {values.shape[0]} x {values.shape[1]}", "name the right file"
        )
    own = _columns(path, names, values.shape[1], nodes)
    r = values[np.ix_(own, own)].copy()
    np.fill_diagonal(r, np.nan)
    if not np.allclose(r, r.T, rtol=0, atol=_SLACK, equal_nan=True):
        raise ScanFault(path.name, "is not symmetric", "give correlations, each pair once or twice alike")
    if np.nanmax(np.abs(r), initial=0.0) > 1 + _SLACK:
        rule = f"holds {np.nanmax(np.abs(r)):.3g}, which is no correlation"
        raise ScanFault(path.name, rule, "give r and not Fisher z, or the time series")
    there = np.isfinite(r).any(axis=1)
    r[there, there] = 1.0
    return np.clip(r, -1.0, 1.0)


def read_coverage(path: Path, nodes: pd.DataFrame) -> FloatArray:
    """Read which share of each node a program found covered.

    Parameters
    ----------
    path : Path
        One row for each node with the columns Node (or label) and coverage, as XCP-D writes it.
    nodes : DataFrame
        As for `read_series`.

    Returns
    -------
    ndarray, shape (n_nodes,)
        NaN for a node that the file lacks.
    """
    import pandas as pd

    table = pd.read_csv(path, sep="\t")
    label, *rest = table.columns
    shares = pd.to_numeric(table[rest[-1]], errors="coerce") if rest else pd.Series(dtype="float64")
    known = dict(zip(table[label].astype("str"), shares, strict=False))
    return np.array([float(known.get(name, np.nan)) for name in _labels(nodes)])


def _read(path: Path) -> tuple[list[str] | None, FloatArray]:
    """Return names, None where there are none, and numbers."""
    import pandas as pd

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise ScanFault(path.name, "is no readable text", "name the right file") from None
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ScanFault(path.name, "is empty", "make the file again")
    separator = "\t" if "\t" in lines[0] else "," if "," in lines[0] else r"\s+"
    named = not all(map(_is_number, _cells(lines[0], separator)))
    table = pd.read_csv(path, sep=separator, header=0 if named else None, engine="python", na_values=["n/a"])
    first = table.columns[0]
    if named and len(table.columns) > 1 and not pd.to_numeric(table[first], errors="coerce").notna().any():
        table = table.drop(columns=first) if table[first].notna().any() else table
    numbers = table.apply(pd.to_numeric, errors="coerce")
    wrong = numbers.isna() & table.notna()
    if wrong.to_numpy().any():
        column = str(wrong.columns[wrong.any()][0])
        raise ScanFault(path.name, f"has cells in the column {column} that are no numbers", "correct it")
    return [str(name) for name in table.columns] if named else None, numbers.to_numpy(dtype="float64")


def _cells(line: str, separator: str) -> list[str]:
    return line.split() if separator == r"\s+" else line.split(separator)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.strip().lower() in {"n/a", ""}
    return True


def _labels(nodes: pd.DataFrame) -> list[str]:
    labels = nodes["label"] if "label" in nodes else nodes["node"]
    return [
        str(label if isinstance(label, str) else node)
        for label, node in zip(labels, nodes["node"], strict=True)
    ]


def _columns(path: Path, names: list[str] | None, n_columns: int, nodes: pd.DataFrame) -> list[int]:
    """Return the column of each node.

    Raises
    ------
    ScanFault
        If a node has none.
    """
    wanted = _labels(nodes)
    if names is None:
        if n_columns != len(wanted):
            rule = f"has {n_columns} columns without names, the table of nodes has {len(wanted)} nodes"
            raise ScanFault(
                path.name, rule, "name the columns, or give a table of nodes with all of them in their order"
            )
        return list(range(n_columns))
    missing = [name for name in wanted if name not in names]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        rule = f"has no column for {len(missing)} of {len(wanted)} nodes: {shown}"
        raise ScanFault(
            path.name, rule, "give the name that the file has in the column label of the table of nodes"
        )
    return [names.index(name) for name in wanted]
