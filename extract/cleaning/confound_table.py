"""Reading a table of confounds: names of any version of fMRIPrep, numbers, and a clear word where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import ROWS_SHOWN, InputError
from neurotrial.extract.cleaning.columns import COMPONENTS_OF, PARAMETERS, components, is_confound, translated
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["checked_confounds", "read_confounds"]

_LARGEST_TURN = 0.5
"""Turn in rad, 29 degrees, that no head makes in a coil."""
_MASKS = {"WM": "white_matter", "CSF": "csf"}


def read_confounds(path: str | Path, n_volumes: int) -> pd.DataFrame:
    """Read the confounds of a scan.

    Parameters
    ----------
    path : str or Path
        ``.tsv``, ``.csv`` or ``.parquet`` with one row for each volume: ``desc-confounds_timeseries.tsv`` of fMRIPrep, of any version
        (also ``desc-confounds_regressors.tsv``), the motion table of XCP-D, or any table with these names. The JSON file beside
        it, where there is one, tells the tissue of each component.
    n_volumes : int
        Volumes of the image.

    Returns
    -------
    DataFrame
        Columns of numbers, NaN where the table has none, with the names that fMRIPrep has since version 21: ``trans_x`` to ``rot_z`` (mm,
        rad), ``framewise_displacement`` (mm), ``std_dvars``, ``white_matter``, ``csf``, ``global_signal``, and aCompCor by tissue:
        ``w_comp_cor_00``, ``c_comp_cor_00`` and so on, by the variance that they explain. Other columns that hold text are left out.
        ``attrs["file"]`` is the name of the file.

    Raises
    ------
    ScanFault
        If the file cannot be read, has another number of rows, a cell of a known column is no number, or angles are not in
        radians.

    Notes
    -----
    Before version 21, fMRIPrep called the components of all tissues ``a_comp_cor_``, and only the JSON file tells them apart.
    """
    from neurotrial.tabular import read_table

    path = Path(path)
    try:
        table = read_table(path, path.name)
    except InputError as error:
        problem = error.problems[0]
        raise ScanFault(problem.where, problem.rule, problem.remedy) from None
    if len(table) != n_volumes:
        rule = f"has {len(table)} rows, the image has {n_volumes} volumes"
        raise ScanFault(path.name, rule, "take the table that belongs to this image")
    found = checked_confounds(table, path.name)
    return found.rename(columns=_by_tissue(found, path.with_suffix(".json")))


def checked_confounds(table: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return the confounds of a table as numbers, by their present names.

    Parameters
    ----------
    table : DataFrame
        One row for each volume, with cells of text or numbers.
    file : str
        What messages call it, and ``attrs["file"]`` of the result.

    Raises
    ------
    ScanFault
        If a cell of a known column is no number, or angles are not in radians.
    """
    numbers = _numbers(table.rename(columns=translated(table.columns)), file)
    _check_angles(numbers, file)
    numbers.attrs["file"] = file
    return numbers


def _numbers(table: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return the columns that hold numbers.

    Raises
    ------
    ScanFault
        If a cell of a known column is text; every such column is named.
    """
    import pandas as pd

    found, wrong = {}, []
    for name, column in table.items():
        values = pd.to_numeric(column, errors="coerce")
        text = column[values.isna() & column.notna()].astype("str")
        text = text[text.str.lower() != "nan"]
        if text.empty:
            found[name] = values.to_numpy(dtype="float64", na_value=np.nan)
        elif is_confound(str(name)):
            cells = ", ".join(f"{line}: {cell!r}" for line, cell in text.iloc[:ROWS_SHOWN].items())
            wrong.append(f"{name} ({table.index.name or 'row'} {cells})")
    if wrong:
        rule = f"has cells that are no numbers: {'; '.join(wrong)}"
        remedy = "correct the table, with n/a for what is missing, or run fMRIPrep again"
        raise ScanFault(file, rule, remedy)
    return pd.DataFrame(found, index=pd.RangeIndex(len(table)))


def _check_angles(table: pd.DataFrame, file: str) -> None:
    """Refuse rotations that are no radians.

    Raises
    ------
    ScanFault
        If one of them is larger than a head can turn.
    """
    turned = [name for name in PARAMETERS[3:] if name in table and table[name].abs().max() > _LARGEST_TURN]
    if turned:
        largest = ", ".join(f"{name} to {table[name].abs().max():.3g}" for name in turned)
        rule = f"has rotations that go beyond {_LARGEST_TURN} rad ({largest}): no head turns so far in the scanner"
        raise ScanFault(file, rule, "give rotations in radians and translations in mm")


def _by_tissue(table: pd.DataFrame, sidecar: Path) -> dict[str, str]:
    """Return new names for the components that a sidecar assigns to a tissue."""
    columns = list(table)
    entries = {name: _entry(item) for name, item in _sidecar(sidecar).items() if name in columns}
    names: dict[str, str] = {}
    for mask, tissue in _MASKS.items():
        prefix = COMPONENTS_OF[tissue]
        if components(columns, prefix):
            continue
        own = [name for name in components(columns, "a_comp_cor_") if entries.get(name, ("", 0.0))[0] == mask]
        ranked = sorted(own, key=lambda name: -entries[name][1])
        names |= {name: f"{prefix}{place:02d}" for place, name in enumerate(ranked)}
    return names


def _entry(item: Any) -> tuple[str, float]:
    """Return the mask of a component and its share of the variance."""
    if not isinstance(item, dict):
        return "", 0.0
    share = item.get("VarianceExplained", 0.0)
    return str(item.get("Mask", "")), float(share) if isinstance(share, (int, float)) else 0.0


def _sidecar(path: Path) -> dict[str, Any]:
    """Return what a sidecar says; nothing where it cannot be read, since few strategies need it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
