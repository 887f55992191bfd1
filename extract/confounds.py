"""Confounds of a BOLD scan: reading fMRIPrep's table, the motion regressors of a strategy, framewise displacement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PARAMETERS", "Confounds", "motion_regressors", "read_confounds"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

PARAMETERS = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
"""Motion parameters: translations in mm, rotations in rad."""

_OLD_NAMES = {
    "X": "trans_x", "Y": "trans_y", "Z": "trans_z", "RotX": "rot_x", "RotY": "rot_y", "RotZ": "rot_z",
    "FramewiseDisplacement": "framewise_displacement",
}  # fmt: skip
_FD = "framewise_displacement"

Confounds = tuple[FloatArray, FloatArray]
"""Motion regressors, shape (volumes, regressors), and framewise displacement in mm, shape (volumes,)."""


def read_confounds(path: Path, volumes: int, strategy: str) -> Confounds:
    """Read what a cleaning strategy needs from a table of confounds.

    Parameters
    ----------
    path : Path
        fMRIPrep's ``desc-confounds_timeseries.tsv``; the names of its early versions are known too.
    volumes : int
        Volumes of the image.
    strategy : {"6p", "24p"}
        As in `neurotrial.imaging_plan.CleaningPlan`.

    Returns
    -------
    tuple of ndarray
        Regressors and framewise displacement (0 for the first volume, which has none).

    Raises
    ------
    ScanFault
        If the table cannot be read, has another number of rows than the image has volumes, lacks a column, or a cell
        is no number.
    """
    from neurotrial.tabular import read_table

    try:
        table = read_table(path, path.name).rename(columns=_OLD_NAMES)
    except InputError as error:
        problem = error.problems[0]
        raise ScanFault(problem.where, problem.rule, problem.remedy) from None
    missing = [name for name in (*PARAMETERS, _FD) if name not in table]
    if missing:
        rule = f"lacks the column {', '.join(missing)}, which the strategy {strategy} needs"
        raise ScanFault(path.name, rule, "take the table that fMRIPrep wrote, with all its columns")
    if len(table) != volumes:
        rule = f"has {len(table)} rows, the image has {volumes} volumes"
        raise ScanFault(path.name, rule, "take the table that belongs to this image")
    parameters = np.column_stack([_numbers(table, name, path) for name in PARAMETERS])
    displacement = np.nan_to_num(_numbers(table, _FD, path), nan=0.0)
    return motion_regressors(parameters, strategy), displacement


def _numbers(table: pd.DataFrame, name: str, path: Path) -> FloatArray:
    """Return a column as numbers; only framewise displacement may lack its first."""
    import pandas as pd

    values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype="float64")
    rows = np.flatnonzero(~np.isfinite(values))
    allowed = {0} if name == _FD else set()
    wrong = [row for row in rows if row not in allowed]
    if wrong:
        rule = f"the cell of line {wrong[0] + 2} is no number"
        raise ScanFault(f"{path.name}: {name}", rule, "correct the table, or run fMRIPrep again")
    return values


def motion_regressors(parameters: FloatArray, strategy: str) -> FloatArray:
    """Return the motion regressors of a strategy.

    Parameters
    ----------
    parameters : ndarray, shape (volumes, 6)
        The six motion parameters.
    strategy : {"6p", "24p"}
        The parameters; or with their backward differences (0 for the first volume) and the squares of both.

    Returns
    -------
    ndarray, shape (volumes, 6) or (volumes, 24)

    References
    ----------
    Friston KJ et al. Magn Reson Med 1996;35:346-355. https://doi.org/10.1002/mrm.1910350312
    """
    if strategy == "6p":
        return parameters
    differences = np.vstack([np.zeros(parameters.shape[1]), np.diff(parameters, axis=0)])
    both = np.column_stack([parameters, differences])
    return np.column_stack([both, both**2])
