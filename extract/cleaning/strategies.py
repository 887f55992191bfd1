"""Cleaning strategies as data: which confounds, with which derivatives and squares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.cleaning.columns import COMPONENTS_OF, PARAMETERS, components
from neurotrial.extract.cleaning.compcor import LONGEST_PERIOD
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["N_COMPONENTS", "STRATEGIES", "Strategy", "find_strategy", "note_on_components", "regressors"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
Expansion = Literal["plain", "derivatives", "full"]

N_COMPONENTS = 5
"""Components of each tissue."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """Regressors of a cleaning strategy.

    Attributes
    ----------
    signals : tuple of (str, {"plain", "derivatives", "full"})
        Columns that are regressed out: as they are, with the change since the volume before, or with the squares of both, too.
    compcor : bool
        Whether the first five components of white matter and of cerebrospinal fluid are regressed out.
    """

    signals: tuple[tuple[str, Expansion], ...] = ()
    compcor: bool = False

    @property
    def tissues(self) -> tuple[str, ...]:
        """Tissues whose signal a lesion may spoil: white_matter, csf, global_signal."""
        own = [name for name, _ in self.signals if name not in PARAMETERS]
        return tuple(dict.fromkeys([*(COMPONENTS_OF if self.compcor else ()), *own]))


def _all(names: tuple[str, ...], expansion: Expansion) -> tuple[tuple[str, Expansion], ...]:
    return tuple((name, expansion) for name in names)


_24P, _GLOBAL = _all(PARAMETERS, "full"), _all(("global_signal",), "full")
_32P, _12P = (*_24P, *_all(("white_matter", "csf"), "full")), _all(PARAMETERS, "derivatives")

STRATEGIES: Mapping[str, Strategy] = MappingProxyType({
    "none": Strategy(),
    "6p": Strategy(_all(PARAMETERS, "plain")),
    "24p": Strategy(_24P),
    "24p_gsr": Strategy((*_24P, *_GLOBAL)),
    "32p": Strategy(_32P),
    "36p": Strategy((*_32P, *_GLOBAL)),
    "acompcor": Strategy(_12P, compcor=True),
    "acompcor_gsr": Strategy((*_12P, *_GLOBAL), compcor=True),
})  # fmt: skip
"""By name. 24p: motion parameters, their changes, the squares of both (Friston 1996, https://doi.org/10.1002/mrm.1910350312). 32p and 36p: white matter
and cerebrospinal fluid likewise, and the global signal (Ciric 2017, https://doi.org/10.1016/j.neuroimage.2017.03.020). acompcor: motion parameters and
changes, five components of each tissue (Behzadi 2007, https://doi.org/10.1016/j.neuroimage.2007.04.042), as XCP-D has it; its cosines are the band-pass filter
here. _gsr: the global signal, its change, the squares of both (Parkes 2018, https://doi.org/10.1016/j.neuroimage.2017.12.073)."""


def find_strategy(name: str) -> Strategy:
    """Return a strategy by its name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in STRATEGIES:
        raise refuse("strategy", f"is {name!r}", f"use one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


def regressors(confounds: pd.DataFrame, name: str, kept: BoolArray) -> pd.DataFrame:
    """Return the regressors of a strategy.

    Parameters
    ----------
    confounds : DataFrame
        As `neurotrial.extract.cleaning.confound_table.read_confounds` gives it.
    name : str
        Of the strategy.
    kept : ndarray of bool, shape (n_volumes,)
        Volumes that are retained; only the others may lack a number, which is filled in between its neighbours.

    Returns
    -------
    DataFrame
        A row for each volume, columns named as fMRIPrep does. The change is 0 in the first volume.

    Raises
    ------
    ScanFault
        If the table lacks a column, or a number in a retained volume; all columns are named.
    """
    import pandas as pd

    strategy = find_strategy(name)
    _check_columns(confounds, name)
    columns = [*dict(strategy.signals), *(_components(confounds) if strategy.compcor else ())]
    values = confounds[columns].to_numpy(dtype="float64")
    _check_numbers(columns, values, kept, confounds.attrs.get("file", "confounds"))
    expansions = dict(strategy.signals)
    parts: dict[str, FloatArray] = {}
    for column, numbers in zip(columns, values.T, strict=True):
        parts |= _expanded(column, _filled(numbers), expansions.get(column, "plain"))
    return pd.DataFrame(parts, index=confounds.index)


def _filled(values: FloatArray) -> FloatArray:
    """Return values with a straight line where there is no number; such volumes are left out, only changes look at them."""
    held = np.flatnonzero(np.isfinite(values))
    return values if held.size == values.size else np.interp(np.arange(values.size), held, values[held])


def note_on_components(confounds: pd.DataFrame, name: str, high_pass: float | None) -> str:
    """Return what should be known about the components that a strategy uses.

    Parameters
    ----------
    confounds : DataFrame
        That holds them.
    name : str
        Of the strategy.
    high_pass : float or None
        Frequency in Hz above which the series are kept.

    Returns
    -------
    str
        Empty where nothing is remarkable.
    """
    if not find_strategy(name).compcor:
        return ""
    counts = {tissue: len(components(confounds, prefix)) for tissue, prefix in COMPONENTS_OF.items()}
    few = [f"{count} of {tissue}" for tissue, count in counts.items() if count < N_COMPONENTS]
    notes = [f"fewer than {N_COMPONENTS} components: {', '.join(few)}"] if few else []
    if (high_pass or 0.0) < 1 / LONGEST_PERIOD:
        notes.append(f"components without periods above {LONGEST_PERIOD:g} s, which the series keep")
    return "; ".join(notes)


def _components(confounds: pd.DataFrame) -> Iterator[str]:
    for prefix in COMPONENTS_OF.values():
        yield from components(confounds, prefix)[:N_COMPONENTS]


def _expanded(name: str, values: FloatArray, expansion: Expansion) -> dict[str, FloatArray]:
    if expansion == "plain":
        return {name: values}
    change = np.diff(values, prepend=values[:1])
    both = {name: values, f"{name}_derivative1": change}
    if expansion == "derivatives":
        return both
    return both | {f"{name}_power2": values**2, f"{name}_derivative1_power2": change**2}


def _check_columns(confounds: pd.DataFrame, name: str) -> None:
    strategy, file = STRATEGIES[name], confounds.attrs.get("file", "confounds")
    missing = [column for column, _ in strategy.signals if column not in confounds]
    bare = [
        prefix for prefix in COMPONENTS_OF.values() if strategy.compcor and not components(confounds, prefix)
    ]
    remedy = "take the table that fMRIPrep wrote, with all its columns"
    if bare and components(confounds, "a_comp_cor_"):
        remedy = "put the JSON file of the table beside it: it tells the tissue of each a_comp_cor column; or choose another strategy"
    if missing or bare:
        lacking = ", ".join([*missing, *(f"{prefix}00" for prefix in bare)])
        raise ScanFault(file, f"lacks the column {lacking}, which the strategy {name} needs", remedy)


def _check_numbers(columns: list[str], values: FloatArray, kept: BoolArray, file: str) -> None:
    wrong = ~np.isfinite(values) & kept[:, None]
    lacking, volumes = np.asarray(wrong.any(axis=0)), np.asarray(wrong.argmax(axis=0)) + 1
    found = [f"{columns[place]} (volume {volumes[place]})" for place in np.flatnonzero(lacking)]
    if found:
        rule = f"has no number in retained volumes, counted from 1: {', '.join(found)}"
        remedy = "correct the table, run fMRIPrep again, or choose a strategy without these columns"
        raise ScanFault(file, rule, remedy)
