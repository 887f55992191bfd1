"""Linear functions of the coefficients that are estimated together: least-squares means, contrasts, coefficients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.checks import check_level
from neurotrial.models.student import t_test
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray
    from neurotrial.models.tidy import Term

__all__ = ["COMPARISONS", "Comparison", "Functions", "Label", "Split", "Tested", "compared"]

Comparison = Literal["reference", "pairwise", "successive"]
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)


@dataclass(frozen=True, slots=True)
class Label:
    """What a linear function stands for.

    Attributes
    ----------
    term : str
        Kind of the row in a tidy table.
    contrast : str
        What is compared, e.g. ``"cells - control"`` or ``"mean @ cells"``.
    visit : str
        The visit; empty where it has none.
    level : str
        Level of the factor whose means these are; empty for contrasts.
    within : str
        Level of the factor that the means are split by, if there is one.
    """

    term: Term
    contrast: str
    visit: str = ""
    level: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class Tested:
    """Estimates of linear functions.

    Attributes
    ----------
    estimate, std_error, df : array of float, shape (m,)
        Of each function; df is infinite for a normal approximation.
    methods : sequence of str
        How each was tested and why, in words.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    methods: Sequence[str]


@dataclass(frozen=True)
class Functions:
    """Linear functions with their names, and the rule that estimates them.

    Attributes
    ----------
    weights : array of float, shape (m, p)
        On the coefficients.
    labels : tuple of Label, length m
        What they are.
    estimate : callable
        From weights to `Tested`.
    template : Estimate
        Method and participants of the rows.
    across : str
        Name of the factor whose levels are compared by `contrast`; empty where there is none.
    visit_factor : str
        Name of the visit.
    within_factor : str
        Name of the factor that the means are split by.
    """

    weights: FloatArray
    labels: tuple[Label, ...]
    estimate: Callable[[FloatArray], Tested]
    template: Estimate
    across: str = ""
    visit_factor: str = ""
    within_factor: str = ""

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row for each function, with the columns of `neurotrial.models.tidy`.

        Parameters
        ----------
        conf_level : float
            In (0, 1).
        """
        return tidy_frame(self.rows(conf_level))

    def rows(self, conf_level: float = 0.95) -> list[Estimate]:
        """Return the same as `Estimate` objects."""
        check_level(conf_level)
        tested = self.estimate(self.weights)
        return [
            _row(self.template, label, value, error, df, method, conf_level)
            for label, value, error, df, method in zip(
                self.labels, tested.estimate, tested.std_error, tested.df, tested.methods, strict=True
            )
        ]

    def contrast(self, how: Comparison | Mapping[str, Sequence[float]] = "reference") -> Functions:
        """Compare the means with one another, within each level of the factor they are split by.

        Parameters
        ----------
        how : {"reference", "pairwise", "successive"} or mapping
            Each level with the first, every level with each before it, each level with the one before it; or named
            weights on the levels in their order, e.g. ``{"slope": [-1, 0, 1]}``.

        Returns
        -------
        Functions
            The contrasts.

        Raises
        ------
        InputError
            If the comparison is not known, or weights do not fit the number of levels.
        """
        split = Split(self.across, self.within_factor, self.visit_factor)
        weights, labels = compared(self.weights, self.labels, split, how)
        return Functions(weights, labels, self.estimate, self.template)


@dataclass(frozen=True, slots=True)
class Split:
    """Names of the factor whose levels are compared, of the factor they are split by, and of the visit."""

    across: str
    within: str
    visit: str


def compared(
    weights: FloatArray,
    labels: Sequence[Label],
    split: Split,
    how: Comparison | Mapping[str, Sequence[float]] = "reference",
) -> tuple[FloatArray, tuple[Label, ...]]:
    """Return the comparisons of means within each level of the factor they are split by; see `Functions.contrast`."""
    chosen = _comparisons(how, list(dict.fromkeys(label.level for label in labels)))
    rows, named = [], []
    for within in dict.fromkeys(label.within for label in labels):
        at = [number for number, label in enumerate(labels) if label.within == within]
        for name, shares in chosen.items():
            rows.append(shares @ weights[at])
            named.append(_label(name, within, labels[at[0]].visit, split))
    return np.array(rows), tuple(named)


def _label(name: str, within: str, visit: str, split: Split) -> Label:
    if split.across == split.visit:
        term: Term = "within_arm" if within else "contrast"
        text = f"{name} @ {within}" if within else name
        return Label(term, text, name.split(" - ", maxsplit=1)[0], within=within)
    text = name if split.within in {"", split.visit} else f"{name} @ {within}"
    return Label("arm", text, visit, within=within)


def _comparisons(
    how: Comparison | Mapping[str, Sequence[float]], levels: Sequence[str]
) -> dict[str, FloatArray]:
    unit = np.eye(len(levels))
    if not isinstance(how, str):
        return {name: _given(name, weights, levels) for name, weights in how.items()}
    pairs = {
        "reference": [(number, 0) for number in range(1, len(levels))],
        "pairwise": [(later, earlier) for later in range(len(levels)) for earlier in range(later)],
        "successive": [(number, number - 1) for number in range(1, len(levels))],
    }
    if how not in pairs:
        raise refuse("contrast", f"{how!r} is not known", f"use one of: {', '.join(COMPARISONS)}, or weights")
    return {f"{levels[a]} - {levels[b]}": unit[a] - unit[b] for a, b in pairs[how]}


def _given(name: str, weights: Sequence[float], levels: Sequence[str]) -> FloatArray:
    shares = np.asarray(weights, dtype="float64")
    if shares.shape != (len(levels),) or not np.isfinite(shares).all():
        rule = f"contrast {name!r} has weights {list(weights)} for the levels {', '.join(levels)}"
        raise refuse("contrast", rule, "give one finite number for each level, in this order")
    return shares


def _row(
    template: Estimate, label: Label, value: float, error: float, df: float, method: str, conf_level: float
) -> Estimate:
    test = t_test(float(value), float(error), float(df), conf_level, 0.0)
    tested = label.term != "lsmean"
    return replace(
        template,
        term=label.term,
        contrast=label.contrast,
        visit=label.visit,
        estimate=float(value),
        std_error=float(error),
        df=float(df),
        statistic=test.statistic if tested else np.nan,
        conf_low=test.conf_low,
        conf_high=test.conf_high,
        conf_level=conf_level,
        interval_kind="t" if np.isfinite(df) else "normal",
        p_value=test.p_value if tested else np.nan,
        reason=method,
    )
