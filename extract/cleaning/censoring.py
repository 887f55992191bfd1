"""Volumes that are left out: those with motion, those before the steady state, and those without numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.cleaning.columns import DVARS, FD, unsteady
from neurotrial.extract.cleaning.head_motion import displacement_of
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Censoring", "censored_volumes", "lost_volumes"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_LARGEST_GAP = 0.1
"""Share of the volumes that a node may lack before it is the node that is lost and not the volumes."""


@dataclass(frozen=True, slots=True)
class Censoring:
    """Which volumes are left out for motion.

    Attributes
    ----------
    fd_threshold : float or None
        Framewise displacement in mm, above which a volume is left out; None leaves out none.
    dvars_threshold : float or None
        The same for standardised DVARS (``std_dvars``).
    before, after : int
        Volumes before and after each of these that are left out, too.
    shortest : int
        Fewest volumes in a row that are retained; shorter stretches between volumes that are left out go with them.
    """

    fd_threshold: float | None = 0.5
    dvars_threshold: float | None = None
    before: int = 0
    after: int = 0
    shortest: int = 1

    def __str__(self) -> str:
        limits = {
            "a framewise displacement": (self.fd_threshold, " mm"),
            "a standardised DVARS": (self.dvars_threshold, ""),
        }
        said = [
            f"{name} of at most {limit:g}{unit}"
            for name, (limit, unit) in limits.items()
            if limit is not None
        ]
        return " and ".join(said) or "signal"


def censored_volumes(
    confounds: pd.DataFrame, censoring: Censoring, lost: BoolArray | None = None
) -> BoolArray:
    """Tell the volumes that are left out.

    Parameters
    ----------
    confounds : DataFrame
        As `neurotrial.extract.cleaning.confound_table.read_confounds` gives it.
    censoring : Censoring
        Thresholds.
    lost : ndarray of bool, shape (n_volumes,), optional
        Volumes without numbers, as `lost_volumes` gives them.

    Returns
    -------
    ndarray of bool, shape (n_volumes,)
        Also those that the table marks as before the steady state (``non_steady_state_outlier``).

    Raises
    ------
    ScanFault
        If the table lacks what a threshold needs, or a number in a volume other than the first, which has no change.
    """
    found = confounds[unsteady(confounds)].gt(0).any(axis=1).to_numpy()
    found = found if lost is None else found | lost
    moved = np.zeros(len(confounds), dtype=bool)
    for name, values, limit in _measures(confounds, censoring):
        moved |= _numbers(name, values, found, confounds) > limit
    found = found | _spread(moved, censoring.before, censoring.after)
    return found | _short(~found, censoring.shortest)


def _measures(confounds: pd.DataFrame, censoring: Censoring) -> list[tuple[str, FloatArray, float]]:
    """Return name, values and limit of each measure that has one.

    Raises
    ------
    ScanFault
        If the table has no such measure.
    """
    dvars = confounds[DVARS].to_numpy(dtype="float64") if DVARS in confounds else None
    pairs = [
        (
            FD,
            displacement_of(confounds) if censoring.fd_threshold is not None else None,
            censoring.fd_threshold,
        ),
        (DVARS, dvars, censoring.dvars_threshold),
    ]
    wanted = [(name, values, limit) for name, values, limit in pairs if limit is not None]
    missing = [name for name, values, _ in wanted if values is None]
    if missing:
        rule = f"lacks the column {', '.join(missing)}, which a threshold needs"
        remedy = "take the table that fMRIPrep wrote, with all its columns, or set no such threshold"
        raise ScanFault(confounds.attrs.get("file", "confounds"), rule, remedy)
    return [(name, values, limit) for name, values, limit in wanted if values is not None]


def _numbers(name: str, values: FloatArray, left_out: BoolArray, confounds: pd.DataFrame) -> FloatArray:
    """Return a measure with 0 where the first volume, or one that is left out anyway, has none.

    Raises
    ------
    ScanFault
        If another volume has none.
    """
    missing = ~np.isfinite(values)
    wrong = np.flatnonzero(missing & ~left_out & (np.arange(len(values)) > 0))
    if wrong.size:
        where = f"{confounds.attrs.get('file', 'confounds')}: {name}"
        rule = f"has no number in {wrong.size} volumes, the first of them {wrong[0] + 1}, counted from 1"
        raise ScanFault(where, rule, "correct the table, or run fMRIPrep again")
    return np.where(missing, 0.0, values)


def _spread(moved: BoolArray, before: int, after: int) -> BoolArray:
    reached = np.flatnonzero(moved)[:, None] + np.arange(-before, after + 1)
    found = moved.copy()
    found[reached[(reached >= 0) & (reached < len(moved))]] = True
    return found


def _short(kept: BoolArray, shortest: int) -> BoolArray:
    """Tell the volumes of stretches that are shorter than wanted."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(int)))
    found = np.zeros(len(kept), dtype=bool)
    for start, stop in edges.reshape(-1, 2):
        found[start:stop] = stop - start < shortest
    return found


def lost_volumes(series: FloatArray) -> BoolArray:
    """Tell the volumes without numbers.

    Parameters
    ----------
    series : ndarray, shape (n_volumes, n_nodes)
        Columns of nodes that have no numbers at all do not count.

    Returns
    -------
    ndarray of bool, shape (n_volumes,)
        Volumes in which no node is finite, and those in which a node is not that is finite in at least 90 % of the others. A node
        that lacks more is itself at fault.
    """
    finite = np.isfinite(series)
    empty = ~finite.any(axis=1)
    held = finite[~empty]
    sound = held.mean(axis=0) >= 1 - _LARGEST_GAP if len(held) else np.zeros(series.shape[1], dtype=bool)
    return np.asarray(empty | ~finite[:, sound].all(axis=1))
