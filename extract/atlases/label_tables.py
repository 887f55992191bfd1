"""A user's table of labels: which value is which structure in which hemisphere."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.errors import refuse
from neurotrial.extract.atlases.registry import Labels, grouped

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COLUMNS", "HEMISPHERES_OF_LABELS", "labels_beside", "read_labels"]

COLUMNS = ("value", "structure", "hemisphere")
HEMISPHERES_OF_LABELS = ("left", "right", "both")
_SUFFIXES = (".tsv", ".csv", ".toml")


def read_labels(path: Path) -> Labels:
    """Read a table of labels.

    Parameters
    ----------
    path : Path
        TSV or CSV with the columns value, structure and hemisphere (left, right or both), or TOML with
        ``labels = [[value, "structure", "hemisphere"], ...]``. The value is that of the voxels, or the number of the volume
        from 0 in a file of probability maps. Rows that share structure and hemisphere make one region together.

    Returns
    -------
    mapping of (str, str) to tuple of int
        Structures are in lower case.

    Raises
    ------
    InputError
        If the file does not exist, is no such table, or a row is not a whole number, a name and a hemisphere.
    """
    if not path.is_file():
        raise refuse(path.name, "the table of labels does not exist", f"write one with {', '.join(COLUMNS)}")
    if path.suffix not in _SUFFIXES:
        raise refuse(path.name, "is no table of labels", f"use one of {', '.join(_SUFFIXES)}")
    rows = list(_toml_rows(path) if path.suffix == ".toml" else _table_rows(path))
    if not rows:
        raise refuse(path.name, "names no label", f"add rows with {', '.join(COLUMNS)}")
    wrong = [place for place, row in rows if not _is_label(row)]
    if wrong:
        rule = "a label is a whole number from 0, the name of a structure, and left, right or both"
        raise refuse(path.name, rule, "correct these rows", wrong)
    return grouped([[int(value), name.strip().lower(), side] for _, (value, name, side) in rows])


def labels_beside(path: Path) -> Path | None:
    """Return the table of labels that lies beside a volume under the same name; None where there is none."""
    stem = path.name.split(".nii")[0]
    return next((p for suffix in _SUFFIXES if (p := path.with_name(stem + suffix)).is_file()), None)


def _toml_rows(path: Path) -> Iterator[tuple[str, tuple[Any, ...]]]:
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("labels")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise refuse(path.name, f"is no readable TOML: {error}", "mend the file") from None
    if not isinstance(rows, list):
        raise refuse(
            path.name, "has no list `labels`", 'write labels = [[value, "structure", "hemisphere"], ...]'
        )
    for place, row in enumerate(rows, start=1):
        yield f"label {place}: {row!r}", tuple(row) if isinstance(row, list) else ()


def _table_rows(path: Path) -> Iterator[tuple[str, tuple[Any, ...]]]:
    from neurotrial.tabular import read_table

    table = read_table(path, path.name)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise refuse(path.name, f"lacks the column {', '.join(missing)}", "add it")
    for line, row in zip(table.index, table[list(COLUMNS)].itertuples(index=False), strict=True):
        yield f"line {line}: {', '.join(str(cell) for cell in row)}", tuple(row)


def _is_label(row: tuple[Any, ...]) -> bool:
    if len(row) != len(COLUMNS) or not all(isinstance(cell, str) for cell in row[1:]):
        return False
    value, name, hemisphere = row
    whole = isinstance(value, int) or (isinstance(value, str) and value.isdecimal())
    return whole and int(value) >= 0 and bool(name.strip()) and hemisphere in HEMISPHERES_OF_LABELS
