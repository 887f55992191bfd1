"""What must be left of a scan for its correlations to be worth anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from neurotrial.extract.cleaning.censoring import Censoring

__all__ = ["Least", "check_kept", "check_left"]

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_REMEDY = "raise `cleaning: fd_threshold`, choose a strategy with fewer regressors such as 6p, or leave the scan out by a decision"


@dataclass(frozen=True, slots=True)
class Least:
    """Least that must be left of a scan.

    Attributes
    ----------
    minutes : float
        Time of the retained volumes.
    effective_df : float
        Effective degrees of freedom. With 10 the standard error of Fisher's z is 0.38 and r = 0.4 is found too small by 0.02.
    """

    minutes: float = 0.0
    effective_df: float = 10.0


def check_kept(censored: BoolArray, t_r: float, censoring: Censoring, least: Least, for_filter: int) -> None:
    """Refuse a scan of which too little time is left, or too few volumes for the filter.

    Raises
    ------
    ScanFault
        With how much there is.
    """
    kept = np.flatnonzero(~censored)
    said = f"{kept.size} of {len(censored)} volumes have {censoring}"
    if not kept.size:
        rule = f"all {len(censored)} volumes are left out: none has {censoring}"
        raise ScanFault("motion", rule, "raise `cleaning: fd_threshold`, or leave the scan out by a decision")
    if kept.size * t_r / 60 < least.minutes:
        rule = f"{said}: {kept.size * t_r / 60:.1f} min, at least {least.minutes:g} are needed"
        raise ScanFault("motion", rule, "lower `cleaning: min_minutes`, or leave the scan out by a decision")
    length = int(kept[-1] - kept[0]) + 1
    if length < for_filter:
        rule = f"{said}; {length} from the first to the last of them are too few for the filter, {for_filter} are needed"
        raise ScanFault(_source(censored), rule, "leave the scan out by a decision")


def _source(censored: BoolArray) -> str:
    return "motion" if censored.any() else "volumes"


def check_left(
    effective_df: float, n_regressors: int, censored: BoolArray, censoring: Censoring, least: Least
) -> None:
    """Refuse a scan whose filter and regressors leave too few degrees of freedom.

    Raises
    ------
    ScanFault
        With how many there are.
    """
    if effective_df < least.effective_df:
        rule = (
            f"{(~censored).sum()} of {len(censored)} volumes have {censoring}, of which the filter and {n_regressors} regressors "
            f"leave {effective_df:.1f} effective degrees of freedom; at least {least.effective_df:g} are needed"
        )
        raise ScanFault(_source(censored), rule, _REMEDY)
