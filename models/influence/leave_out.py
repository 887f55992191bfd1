"""Leave one participant out: how far the estimate moves, and whether the conclusion does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, refuse
from neurotrial.models.adjusted_design import adjusted_design
from neurotrial.models.ancova_fit import fitted_ancova
from neurotrial.models.checks import check_level, missing_columns
from neurotrial.models.influence.without_one import Errors, without_each

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["Influence", "leave_one_out"]

_METHODS: dict[Errors, str] = {"OLS": "ancova_ols", "HC3": "ancova_hc3"}


@dataclass(frozen=True)
class Influence:
    """An analysis without each participant in turn.

    Attributes
    ----------
    table : DataFrame
        A row for each outcome, contrast and participant left out: outcome, method, contrast, participant, arm, estimate,
        std_error, conf_low, conf_high, p_value (all without the participant), change (from the estimate with everybody),
        change_in_se (in its standard errors), turned (whether significance changes), reason (why there is no estimate).
    whole : DataFrame
        A row for each outcome and contrast with everybody: outcome, method, contrast, estimate, std_error, conf_low,
        conf_high, p_value.
    alpha : float
        Level of `turned`.
    """

    table: pd.DataFrame
    whole: pd.DataFrame
    alpha: float

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def sentence(self, outcome: str | None = None) -> str:
        """Say in words how stable the result of an outcome is, the first by default."""
        name = self.whole["outcome"].iloc[0] if outcome is None else outcome
        own = self.table[self.table["outcome"] == name]
        whole = self.whole[self.whole["outcome"] == name].iloc[0]
        own = own[own["contrast"] == whole["contrast"]]
        low, high = own["estimate"].min(), own["estimate"].max()
        far = own.loc[own["change"].abs().idxmax()]
        turned = int(own["turned"].sum())
        verdict = (
            "significance never changes"
            if not turned
            else f"significance at {self.alpha:g} changes without {turned} of {len(own)}: "
            f"{', '.join(own.loc[own['turned'], 'participant'].astype('str').head(5))}"
        )
        numbers = [f"{value:.3g}".replace("-", "\N{MINUS SIGN}") for value in (whole["estimate"], low, high)]
        moved = f"{far['change_in_se']:+.2f}".replace("-", "\N{MINUS SIGN}")
        return (
            f"With everybody {numbers[0]}; leaving one participant out {numbers[1]} to {numbers[2]}, farthest without "
            f"{far['participant']} ({moved} standard errors); {verdict}."
        )


def leave_one_out(
    data: pd.DataFrame,
    *,
    outcome: str | Sequence[str] = (),
    baseline: str | Sequence[str] | None = None,
    arm: str = "",
    covariates: Sequence[str] = (),
    reference: str | None = None,
    subject: str | None = None,
    errors: Errors = "HC3",
    analysis: Callable[[pd.DataFrame], Any] | None = None,
    conf_level: float = 0.95,
) -> Influence:
    """Repeat an analysis without each participant.

    Parameters
    ----------
    data : DataFrame
        One row per participant; with an `analysis` of one's own, any rows of each.
    outcome : str or sequence of str
        Columns with the values at follow-up, compared by ANCOVA.
    baseline : str or sequence of str, optional
        Columns with the baselines, in the order of the outcomes.
    arm, covariates, reference
        As in `neurotrial.models.ancova`.
    subject : str, optional
        Column with the participants; the index by default.
    errors : {"OLS", "HC3"}
        Standard error of the ANCOVA.
    analysis : callable, optional
        In place of ANCOVA, any analysis: from a table like `data` to a result with ``tidy()``, of which the rows with the
        term ``arm`` are compared. It is called once for each participant. Needs `subject`.
    conf_level : float
        In (0, 1).

    Returns
    -------
    Influence
        Rows in the order of outcomes, contrasts and participants; of those who are in the analysis.

    Raises
    ------
    InputError
        As `neurotrial.models.ancova`; if neither outcomes nor an analysis are given, or their baselines do not fit.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 4 + ["cells"] * 4, "baseline": [20.0, 31, 45, 38, 22, 30, 47, 41],
    ...                        "day90": [28.0, 40, 52, 44, 35, 41, 60, 80]})
    >>> found = leave_one_out(scores, outcome="day90", baseline="baseline", arm="arm", reference="control")
    >>> found.tidy()["change"].round(2).tolist()[-1]
    -6.38
    """
    check_level(conf_level)
    if analysis is not None:
        return _by_calls(data, analysis, subject, conf_level)
    outcomes = [outcome] if isinstance(outcome, str) else list(outcome)
    if not outcomes or not arm:
        raise refuse("outcome, arm", "nothing is compared", "name outcome and arm, or give an analysis")
    bases = _baselines(baseline, outcomes)
    problems = missing_columns(data, [subject] if subject else [])
    if problems:
        raise InputError(problems)
    frame = data if subject is None else data.set_index(subject)
    roles = {"arm": arm, "covariates": covariates, "reference": reference}
    parts = [
        _ancova_parts(frame, name, base, errors, conf_level, roles)
        for name, base in zip(outcomes, bases, strict=True)
    ]
    table = pd.concat([rows for rows, _ in parts], ignore_index=True)
    whole = pd.concat([rows for _, rows in parts], ignore_index=True)
    return Influence(table, whole, round(1 - conf_level, 12))


def _baselines(baseline: str | Sequence[str] | None, outcomes: Sequence[str]) -> list[str | None]:
    if baseline is None:
        return [None] * len(outcomes)
    named = [baseline] if isinstance(baseline, str) else list(baseline)
    if len(named) != len(outcomes):
        rule = f"{len(named)} are named for {len(outcomes)} outcomes"
        raise refuse("baseline", rule, "name one for each outcome, in the same order")
    return list(named)


def _ancova_parts(
    frame: pd.DataFrame, name: str, base: str | None, errors: Errors, conf_level: float, roles: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    made = adjusted_design(frame, outcome=name, baseline=base, **roles)
    if not frame.index.is_unique:
        again = sorted(set(frame.index[frame.index.duplicated()].astype("str")))
        raise refuse("subject", "one row per participant is needed; these have more", "leave out rows", again)
    fit = fitted_ancova(made, robust="HC3", conf_level=conf_level).tidy()
    method = _METHODS[errors]
    wholes = fit[(fit["term"] == "arm") & (fit["method"] == method)].assign(outcome=name)
    people = made.table.frame.index
    arms = made.table.frame[roles["arm"]].to_numpy()
    parts = []
    for label, weights in made.contrasts():
        estimate, error = without_each(made.matrix, made.y, weights, errors)
        whole = wholes[wholes["contrast"] == label.contrast].iloc[0]
        shared = {
            "outcome": name,
            "method": method,
            "contrast": label.contrast,
            "participant": people,
            "arm": arms,
        }
        parts.append(_described(pd.DataFrame(shared), estimate, error, made.df_resid - 1, whole, conf_level))
    return pd.concat(parts), wholes[_WHOLE]


_WHOLE = ["outcome", "method", "contrast", "estimate", "std_error", "conf_low", "conf_high", "p_value"]


def _described(
    labels: pd.DataFrame,
    estimate: FloatArray,
    error: FloatArray,
    df: float,
    whole: pd.Series[Any],
    conf_level: float,
) -> pd.DataFrame:
    from scipy import stats

    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * stats.t.sf(np.abs(estimate / error), df)
    half = float(stats.t.isf((1 - conf_level) / 2, df)) * error
    reason = np.where(np.isnan(estimate), "the others do not determine the difference", "")
    made = labels.assign(
        estimate=estimate,
        std_error=error,
        conf_low=estimate - half,
        conf_high=estimate + half,
        p_value=p_value,
    )
    return _compared(made, whole, conf_level).assign(reason=reason)


def _compared(made: pd.DataFrame, whole: pd.Series[Any], conf_level: float) -> pd.DataFrame:
    alpha = round(1 - conf_level, 12)
    change = made["estimate"] - whole["estimate"]
    known = made["p_value"].notna() & bool(np.isfinite(whole["p_value"]))
    turned = known & ((made["p_value"] <= alpha) != bool(whole["p_value"] <= alpha))
    return made.assign(change=change, change_in_se=change / whole["std_error"], turned=turned)


def _by_calls(
    data: pd.DataFrame, analysis: Callable[[pd.DataFrame], Any], subject: str | None, conf_level: float
) -> Influence:
    if subject is None:
        raise refuse("subject", "is needed to leave participants out of an analysis", "name the column")
    problems = missing_columns(data, [subject])
    if problems:
        raise InputError(problems)
    wholes = _arm_rows(analysis(data))
    if wholes.empty:
        raise refuse(
            "analysis", "its tidy() has no row with the term 'arm'", "give an analysis that compares arms"
        )
    people = data[subject].dropna().unique()
    made = pd.concat([part for who in people for part in _without(data, analysis, subject, who, wholes)])
    parts = [
        _compared(
            made[(made["contrast"] == whole["contrast"]) & (made["key"] == whole["key"])], whole, conf_level
        )
        for _, whole in wholes.iterrows()
    ]
    table = pd.concat(parts, ignore_index=True)
    columns = [*_WHOLE[:3], "participant", "arm", *_WHOLE[3:], "change", "change_in_se", "turned", "reason"]
    return Influence(table[columns], wholes[_WHOLE].reset_index(drop=True), round(1 - conf_level, 12))


def _arm_rows(found: Any) -> pd.DataFrame:
    rows = found.tidy()
    own = rows[rows["term"] == "arm"].reset_index(drop=True)
    labels = own["outcome"] if "outcome" in own else own["visit"]
    made: pd.DataFrame = own.assign(outcome=labels, key=own["method"] + "/" + own["visit"])
    return made


def _without(
    data: pd.DataFrame, analysis: Callable[[pd.DataFrame], Any], subject: str, who: Any, wholes: pd.DataFrame
) -> Iterator[pd.DataFrame]:
    """Yield the rows of the analysis without one participant, or rows that say why there are none."""
    columns = ["outcome", "method", "contrast", "key", *_WHOLE[3:], "reason"]
    try:
        rows = _arm_rows(analysis(data[data[subject] != who]))[columns]
    except InputError as error:
        reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
        blank = dict.fromkeys(_WHOLE[3:], np.nan)
        rows = wholes[["outcome", "method", "contrast", "key"]].assign(**blank, reason=reason)
    yield rows.assign(participant=who, arm="")
