"""Cleaning of node time series in one call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.cleaning.censoring import Censoring, lost_volumes
from neurotrial.extract.cleaning.cleaned import Cleaned, cleaned_series
from neurotrial.extract.cleaning.columns import translated
from neurotrial.extract.cleaning.confound_table import checked_confounds, read_confounds
from neurotrial.extract.cleaning.left_over import Least
from neurotrial.extract.cleaning.operator import cleaning_operator
from neurotrial.extract.cleaning.temporal import Band
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.cleaning.tissue import TissueSignals

__all__ = ["clean"]


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
        One row for each volume, as `read_confounds` gives it, or its file; or a table of fMRIPrep as it stands in its file. None suffices for the
        strategy ``none`` without thresholds.
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
    if isinstance(confounds, (str, Path)):
        return read_confounds(confounds, n_volumes)
    file = confounds.attrs.get("file", "confounds")
    if len(confounds) != n_volumes:
        rule = f"has {len(confounds)} rows, the series have {n_volumes} volumes"
        raise ScanFault(file, rule, "take the table that belongs to this image")
    if all(dtype.kind == "f" for dtype in confounds.dtypes) and not translated(confounds):
        return confounds
    return checked_confounds(confounds, file)
