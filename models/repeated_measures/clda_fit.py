"""Constrained longitudinal data analysis: the arms have one mean at baseline, as randomisation makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.formulas import formula_names
from neurotrial.models.checks import missing_columns
from neurotrial.models.repeated_measures.design_matrix import design_matrix
from neurotrial.models.repeated_measures.inference import DegreesOfFreedom, KenwardRoger, check_inference
from neurotrial.models.repeated_measures.long_data import long_data
from neurotrial.models.repeated_measures.mmrm_fit import Estimation, fit_design
from neurotrial.models.repeated_measures.roles import check_choice, roles_of

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.named import Covariance
    from neurotrial.models.repeated_measures.result import Mmrm

__all__ = ["baseline_columns", "clda"]


def clda(
    formula: str,
    data: pd.DataFrame,
    *,
    subject: str,
    visit: str,
    arm: str,
    time: str | None = None,
    covariance: Covariance = "us",
    df: DegreesOfFreedom = "auto",
    kr: KenwardRoger = "linear",
    method: Estimation = "reml",
    weights: str | None = None,
    fallback: Sequence[Covariance] | Literal["default"] | None = None,
) -> Mmrm:
    """Fit a mixed model for repeated measures whose arms have a common mean at the first visit.

    Participants without a baseline stay in; with complete baselines the estimate at follow-up is that of the analysis
    of covariance, and so is its t.

    Parameters
    ----------
    formula : str
        ``"outcome ~ terms"`` without the arm, e.g. ``"fa ~ age"`` or ``"fa ~ age * visit"``, or ``"fa ~ 1"``. Visits,
        and the arms at every visit but the first, are added.
    data : DataFrame
        One row per participant and visit.
    subject, visit, arm : str
        Columns with participant, visit and arm. A categorical arm gives the order, the first being the reference.
    time, covariance, df, kr, method, weights, fallback
        As in `mmrm`.

    Returns
    -------
    Mmrm
        ``effects()`` gives the differences between arms at each later visit; least-squares means of the first visit
        are the same in all arms.

    Raises
    ------
    InputError
        As `mmrm`; and if the formula names the arm, an arm changes, or there are fewer than two arms.

    References
    ----------
    Liang K-Y, Zeger SL. Sankhya B 2000;62:134-148. https://www.jstor.org/stable/25053123
    Liu GF et al. Stat Med 2009;28:2509-2530. https://doi.org/10.1002/sim.3639

    Examples
    --------
    >>> import pandas as pd
    >>> long = pd.DataFrame({"who": list("abcdefabcdef"), "visit": ["baseline"] * 6 + ["day90"] * 6,
    ...                      "arm": ["control"] * 3 + ["cells"] * 3 + ["control"] * 3 + ["cells"] * 3,
    ...                      "score": [20.0, 31, 45, 22, 30, 47, 28, 40, 52, 35, 41, 60]})
    >>> long["arm"] = pd.Categorical(long["arm"], ["control", "cells"])
    >>> fit = clda("score ~ 1", long, subject="who", visit="visit", arm="arm")
    >>> fit.effects().query("term == 'arm'")[["contrast", "visit", "estimate", "df"]].round(2).to_dict("records")
    [{'contrast': 'cells - control', 'visit': 'day90', 'estimate': 4.35, 'df': 3.0}]
    """
    check_choice("method", method, ("reml", "ml"))
    if arm in formula_names(formula.partition("~")[2]):
        raise refuse(
            "formula", f"names the arm {arm!r}", "leave it out: it is added at every visit but the first"
        )
    whole = f"{formula} + {visit} + {arm}:{visit}"
    problems = missing_columns(data, [arm, visit])
    if problems:
        raise InputError(problems)
    roles = roles_of(
        whole, data, subject=subject, visit=visit, time=time, weights=weights, covariance=covariance
    )
    check_inference(df, kr, roles.covariance, reml=method == "reml")
    long = long_data(data.assign(**{arm: _as_factor(data[arm])}), roles)
    _check_arms(long.frame, subject, arm)
    arms = [str(name) for name in long.frame[arm].cat.categories]
    constrained = baseline_columns(arms[1:], arm, visit, long.visits[0])
    design = design_matrix(long, roles, without=constrained)
    fit = fit_design(roles, long, design, df=df, kr=kr, method=method, fallback=fallback, arm=arm)
    said = f"common mean of the arms at {long.visits[0]}"
    return replace(fit, decisions=(said, *fit.decisions))


def _as_factor(values: pd.Series) -> pd.Series:
    return values if isinstance(values.dtype, pd.CategoricalDtype) else values.astype("category")


def _check_arms(frame: pd.DataFrame, subject: str, arm: str) -> None:
    per_person = frame.groupby(subject, sort=False)[arm].nunique()
    several = per_person.index[per_person > 1]
    if len(several):
        rule = (
            f"a participant has one arm at all visits; more: {', '.join(str(name) for name in several[:5])}"
        )
        raise InputError([Problem(f"column {arm!r}", rule, "correct the rows")])


def baseline_columns(arms: Sequence[str], arm: str, visit: str, first: str) -> list[str]:
    """Return the names, either way round, that a formula may give the differences between arms at the first visit."""
    named = [f"{arm}[T.{name}]:{visit}[{first}]" for name in arms]
    return [*named, *(f"{visit}[{first}]:{arm}[T.{name}]" for name in arms)]
