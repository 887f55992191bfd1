"""Motion of a preprocessed diffusion scan, from the table that its producer wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurotrial.extract.scan_result import ScanFault

__all__ = ["read_displacement"]

_COLUMN = "framewise_displacement"


def read_displacement(path: Path) -> Any:
    """Read the framewise displacement of each volume.

    Parameters
    ----------
    path : Path
        TSV of QSIPrep, with the column framewise_displacement in mm; ``n/a`` where there is none.

    Returns
    -------
    ndarray, shape (volumes,)
        NaN where there is none.

    Raises
    ------
    ScanFault
        If the file is no such table.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, sep="\t", na_values=["n/a"])
        return table[_COLUMN].to_numpy(dtype="float64")
    except (OSError, ValueError, KeyError):
        rule = f"has no column {_COLUMN} of numbers"
        raise ScanFault(path.name, rule, "take the table that QSIPrep wrote, or remove it") from None
