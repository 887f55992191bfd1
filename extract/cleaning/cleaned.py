"""Cleaned series of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.cleaning.censoring import Censoring, lost_volumes
from neurotrial.extract.cleaning.confound_table import read_confounds
from neurotrial.extract.cleaning.left_over import Least
from neurotrial.extract.cleaning.operator import CleaningOperator, cleaning_operator
from neurotrial.extract.cleaning.temporal import Band
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.cleaning.tissue import TissueSignals

__all__ = ["Cleaned", "clean", "cleaned_series"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_NOTHING = 1e-10
"""Share of a series that is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """Cleaned series of one scan.

    Attributes
    ----------
    series : ndarray, shape (n_retained, n_nodes)
        Residuals of the retained volumes; NaN for a node without a usable series.
    censored : ndarray of bool, shape (n_volumes,)
        Volumes that were left out.
    minutes : float
        Time of the retained volumes.
    effective_df : float
        Independent volumes whose correlations would scatter as much, at least 1: the standard error of Fisher's z is
        ``1 / sqrt(effective_df - 3)``; see `neurotrial.extract.cleaning.effective.effective_df`.
    n_regressors : int
        Independent regressors that were taken out.
    strategy : str
        Name of the cleaning strategy.
    reasons : tuple of str
        For each node why it is NaN; empty where it is not.
    note : str
        What should be known about the confounds; empty where nothing is remarkable.
    """

    series: FloatArray
    censored: BoolArray
    minutes: float
    effective_df: float
    n_regressors: int = 0
    strategy: str = "none"
    reasons: tuple[str, ...] = ()
    note: str = ""

    @property
    def n_volumes(self) -> int:
        """Retained volumes."""
        return len(self.series)


def clean(
    series: Any,
    confounds: pd.DataFrame | str | Path | None,
    *,
    strategy: str = "24p",
    tr: float,
    high_pass: float | None = 0.01,
    low_pass: float | None = 0.1,
    detrend: bool = True,
    fd_threshold: float | None = 0.5,
    dvars_threshold: float | None = None,
    before: int = 0,
    after: int = 0,
    shortest: int = 1,
    min_minutes: float = 0.0,
    min_effective_df: float = 10.0,
    tissue: TissueSignals | None = None,
    lesion: bool = False,
) -> Cleaned:
    """Clean node time series: censoring, detrending, band-pass and regression of confounds, in one linear operator.

    Parameters
    ----------
    series : array, shape (n_volumes, n_nodes)
        Mean signal of each node, or what has it as ``.series``. A volume in which no node, or a node that is nearly always finite, is not
        finite is left out.
    confounds : DataFrame, str, Path or None
        One row for each volume, as `read_confounds` gives it, or its file. None suffices for the strategy ``none`` without thresholds.
    strategy : {"24p", "none", "6p", "24p_gsr", "32p", "36p", "acompcor", "acompcor_gsr"}
        Confounds that are regressed out: motion parameters (6), with changes and squares (24), with the global signal likewise (gsr), with
        white matter and cerebrospinal fluid (32), with all three (36); motion parameters and changes (12) with five components of each
        tissue (acompcor).
    tr : float
        Repetition time in s.
    high_pass, low_pass : float or None
        Band that is kept, in Hz; None sets no such limit.
    detrend : bool
        Whether mean and straight line are taken out.
    fd_threshold : float or None
        Framewise displacement in mm above which a volume is left out.
    dvars_threshold : float or None
        Standardised DVARS (``std_dvars``) above which a volume is left out; 1.5 is common.
    before, after : int
        Volumes before and after each of these that are left out, too.
    shortest : int
        Fewest volumes in a row that are retained.
    min_minutes : float
        Least time of the retained volumes.
    min_effective_df : float
        Least effective degrees of freedom.
    tissue : TissueSignals, optional
        Signals of tissues outside the lesion in place of those of the table.
    lesion : bool
        Whether the brain has a lesion: a note tells which signals of the table hold it.

    Returns
    -------
    Cleaned

    Raises
    ------
    InputError
        If an argument has another shape, or there is no such strategy.
    ScanFault
        If the confounds cannot be read or do not suffice, the band does not fit the repetition time, or too little is left.

    Notes
    -----
    Equal to ``nilearn.signal.clean`` (``standardize=None``) with the retained volumes as its ``sample_mask``, except that nilearn 0.14
    interpolates the volume n - 1 - t for each retained volume t, and so misses a volume that is left out together with its mirror image.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(1).standard_normal((200, 3))
    >>> found = clean(noise, None, strategy="none", tr=2.0, fd_threshold=None)
    >>> found.series.shape, round(found.minutes, 2), round(found.effective_df, 1)
    ((200, 3), 6.67, 55.4)
    """
    values = np.asarray(getattr(series, "series", series), dtype="float64")
    if values.ndim != 2 or 0 in values.shape:  # noqa: PLR2004 - volumes and nodes
        raise refuse("series", f"has the shape {values.shape}", "give an array of (n_volumes, n_nodes)")
    operator = cleaning_operator(
        _table(confounds, len(values)),
        strategy=strategy,
        band=Band(tr, high_pass, low_pass, detrend),
        censoring=Censoring(fd_threshold, dvars_threshold, before, after, shortest),
        least=Least(min_minutes, min_effective_df),
        lost=lost_volumes(values),
        tissue=tissue,
        lesion=lesion,
    )
    return cleaned_series(operator, values)


def _table(confounds: pd.DataFrame | str | Path | None, n_volumes: int) -> pd.DataFrame:
    import pandas as pd

    if confounds is None:
        return pd.DataFrame(index=range(n_volumes))
    table = read_confounds(confounds, n_volumes) if isinstance(confounds, (str, Path)) else confounds
    if len(table) != n_volumes:
        rule = f"has {len(table)} rows, the series have {n_volumes} volumes"
        raise ScanFault(
            table.attrs.get("file", "confounds"), rule, "take the table that belongs to this image"
        )
    return table


def cleaned_series(operator: CleaningOperator, series: Any) -> Cleaned:
    """Clean a set of nodes by the operator of their scan.

    Parameters
    ----------
    operator : CleaningOperator
        Of the scan.
    series : array, shape (n_volumes, n_nodes)
        Mean signal of each node.

    Returns
    -------
    Cleaned
        A node without numbers, with a constant series, or of which the operator leaves nothing is NaN.
    """
    values = np.array(series, dtype="float64")
    missing = (~np.isfinite(values[~operator.censored])).sum(axis=0)
    values[:, missing > 0] = 0.0
    found = operator.apply(values)
    reasons = _reasons(values[~operator.censored], found, missing)
    found[:, [bool(reason) for reason in reasons]] = np.nan
    return Cleaned(
        found, operator.censored, operator.minutes, operator.effective_df, operator.n_regressors, operator.strategy,
        reasons, operator.note,
    )  # fmt: skip


def _reasons(before: FloatArray, after: FloatArray, missing: Any) -> tuple[str, ...]:
    """Return why each node has no series."""
    size = np.linalg.norm(before, axis=0)
    spread = np.linalg.norm(before - before.mean(axis=0), axis=0)
    left = np.linalg.norm(after - after.mean(axis=0), axis=0)
    return tuple(
        f"not finite in {missing[node]} of {len(before)} retained volumes" if missing[node]
        else "constant" if spread[node] <= _NOTHING * size[node]
        else "filter and regression leave nothing of it" if left[node] <= _NOTHING * spread[node]
        else ""
        for node in range(before.shape[1])
    )  # fmt: skip
