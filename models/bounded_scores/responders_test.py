"""Responders: who improved by the minimal clinically important difference, as difference, ratio and number needed to treat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.bounded_scores.scale import check_scale
from neurotrial.models.checks import arm_table, check_level
from neurotrial.models.missing_data.imputation import Imputation, check_pooling
from neurotrial.models.missing_data.rubin import Rules, rubin
from neurotrial.models.tidy import Estimate, tidy_frame

__all__ = ["Responders", "responders"]


@dataclass(frozen=True, slots=True)
class Responders:
    """A comparison of responders.

    Attributes
    ----------
    estimates : tuple of Estimate
        In the order of `tidy`.
    counts : DataFrame
        A row for each arm: arm, n, responders (their mean over the imputations), proportion.
    mcid : float
        The change that makes a responder, in the unit of the outcome.
    note : str
        Who was left out and why; empty where nobody was.
    """

    estimates: tuple[Estimate, ...]
    counts: pd.DataFrame
    mcid: float
    note: str

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(self.estimates)


def responders(
    data: pd.DataFrame | Imputation,
    *,
    mcid: float,
    outcome: str = "",
    baseline: str = "",
    arm: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    direction: Literal["higher_is_better", "lower_is_better"] = "higher_is_better",
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Responders:
    """Compare the proportion of participants whose change reaches a stated difference.

    Parameters
    ----------
    data : DataFrame or Imputation
        One row per participant; or imputed data (of draws, not of conditional means), in which responders are counted
        and compared in each completed data set and pooled.
    mcid : float
        The minimal clinically important difference: greater than 0, in the unit of the outcome.
    outcome, baseline, arm : str
        Columns of the table with the value at follow-up, the value at baseline, and the arm.
    minimum, maximum : float, optional
        Ends of the scale, against which values and the difference are checked.
    direction : {"higher_is_better", "lower_is_better"}
        Which change is an improvement.
    reference : str, optional
        The arm of the table that the others are compared with; the first by default.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only; of imputed data the visit that is compared, the last by default.

    Returns
    -------
    Responders
        For each arm against the reference the rows ``responders_difference`` (Newcombe's score interval [1]_,
        Boschloo's exact p), ``responders_ratio`` (log interval with a half added to each count, the same p), and ``responders_nnt``, one over the
        difference, whose interval runs through infinity where the difference may be 0 [2]_. Of imputed data: Rubin's
        rules for the difference and the log ratio.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`, a value lies outside the scale, the difference is
        not above 0 or larger than the scale, or conditional means are given.

    References
    ----------
    .. [1] Newcombe RG. Stat Med 1998;17:873-890.
       https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8%3C873::AID-SIM779%3E3.0.CO;2-I
    .. [2] Altman DG. BMJ 1998;317:1309-1312. https://doi.org/10.1136/bmj.317.7168.1309

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 6 + ["cells"] * 6, "baseline": [20, 31, 45, 22, 30, 41] * 2,
    ...                        "day90": [22, 40, 48, 25, 41, 44, 31, 42, 50, 34, 45, 52]})
    >>> found = responders(scores, mcid=9, outcome="day90", baseline="baseline", arm="arm", reference="control")
    >>> found.tidy()["estimate"].round(2).tolist()
    [0.5, 2.5, 2.0]
    """
    check_level(conf_level)
    _check_mcid(mcid, minimum, maximum)
    sign = 1.0 if direction == "higher_is_better" else -1.0
    if isinstance(data, Imputation):
        return _imputed(data, mcid, sign, conf_level, visit)
    table = arm_table(data, arm=arm, numeric=(outcome, baseline), reference=reference)
    if minimum is not None and maximum is not None:
        for column in (outcome, baseline):
            check_scale(table.frame, column, minimum, maximum)
    reached = {
        name: sign * (table.values(outcome, name) - table.values(baseline, name)) >= mcid
        for name in table.arms
    }
    counts = {name: (int(own.sum()), own.size) for name, own in reached.items()}
    rows = []
    for name in table.compared:
        label = Estimate(
            "", "arm", f"{name} - {table.reference}", table.pair(name), visit=visit, conf_level=conf_level
        )
        rows += _observed(label, counts[name], counts[table.reference], mcid)
    return Responders(tuple(rows), _table(counts), mcid, table.note)


def _check_mcid(mcid: float, minimum: float | None, maximum: float | None) -> None:
    problems = []
    if not mcid > 0:
        problems.append(Problem("mcid", f"{mcid:g} is not greater than 0", "give the size of the difference"))
    if minimum is not None and maximum is not None and mcid > maximum - minimum:
        rule = f"{mcid:g} is larger than the scale, which runs from {minimum:g} to {maximum:g}"
        problems.append(Problem("mcid", rule, "correct the difference or the scale"))
    if problems:
        raise InputError(problems)


def _table(counts: dict[str, tuple[float, int]] | dict[str, tuple[int, int]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"arm": name, "n": n, "responders": float(found), "proportion": float(found / n)}
            for name, (found, n) in counts.items()
        ]
    )


def _observed(
    label: Estimate, treated: tuple[int, int], other: tuple[int, int], mcid: float
) -> list[Estimate]:
    from scipy import stats
    from statsmodels.stats.proportion import confint_proportions_2indep

    (x1, n1), (x0, n0) = treated, other
    alpha = 1 - label.conf_level
    p_value = float(stats.boschloo_exact([[x1, x0], [n1 - x1, n0 - x0]]).pvalue)
    low, high = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff", alpha=alpha)
    said = f"responders: {x1} of {n1} and {x0} of {n0}, change of {mcid:g} or more"
    difference = replace(
        label,
        method="responders_difference",
        estimate=x1 / n1 - x0 / n0,
        conf_low=float(low),
        conf_high=float(high),
        interval_kind="score",
        p_value=p_value,
        reason=f"{said}; p exact (Boschloo)",
    )
    ratio = replace(label, method="responders_ratio", p_value=p_value, reason=said)
    if x0 and x1:
        low, high = confint_proportions_2indep(
            x1, n1, x0, n0, method="log-adjusted", compare="ratio", alpha=alpha
        )
        ratio = replace(
            ratio,
            estimate=x1 * n0 / (n1 * x0),
            conf_low=float(low),
            conf_high=float(high),
            interval_kind="score",
        )
    else:
        ratio = replace(
            ratio, status="failed", p_value=np.nan, reason=f"{said}; no ratio with an arm without responders"
        )
    return [difference, ratio, _needed(difference)]


def _needed(difference: Estimate) -> Estimate:
    """Return one over the difference, with the limits turned round."""
    label = replace(
        difference, method="responders_nnt", std_error=np.nan, df=np.nan, statistic=np.nan, p_value=np.nan
    )
    if difference.estimate == 0:
        reason = "the difference is 0: nobody more responds, however many are treated"
        return replace(
            label,
            estimate=np.nan,
            conf_low=np.nan,
            conf_high=np.nan,
            interval_kind="none",
            status="failed",
            reason=reason,
        )
    low, high = 1 / difference.conf_high, 1 / difference.conf_low
    if difference.conf_low * difference.conf_high > 0:
        return replace(label, estimate=1 / difference.estimate, conf_low=low, conf_high=high)
    reason = (
        f"the interval runs from a benefit in {low:.3g} through infinity to a harm in {-high:.3g} treated"
    )
    return replace(
        label,
        estimate=1 / difference.estimate,
        conf_low=np.nan,
        conf_high=np.nan,
        interval_kind="none",
        reason=reason,
    )


def _imputed(found: Imputation, mcid: float, sign: float, conf_level: float, visit: str) -> Responders:
    check_pooling(found)
    table = found.table
    name = visit or table.visits[-1]
    if name not in table.visits:
        raise refuse("visit", f"{name!r} was not imputed", f"use one of: {', '.join(table.visits)}")
    at = table.visits.index(name)
    values = found.completions[:, :, at] + np.where(table.missing[:, at], found.deltas[table.arm], 0.0)
    reached = sign * (values - found.baselines) >= mcid
    share = np.array([reached[:, table.arm == k].sum(axis=1) for k in range(len(table.arms))])
    sizes = np.array([(table.arm == k).sum() for k in range(len(table.arms))])
    rows: list[Estimate] = []
    for number, arm in enumerate(table.arms[1:], 1):
        pair = {one: table.n_per_arm[one] for one in table.arms if one in {arm, table.reference}}
        label = Estimate("", "arm", f"{arm} - {table.reference}", pair, visit=name, conf_level=conf_level)
        rows += _pooled(label, share[[number, 0]], sizes[[number, 0]], found, mcid)
    counts = {arm: (float(share[k].mean()), int(sizes[k])) for k, arm in enumerate(table.arms)}
    return Responders(tuple(rows), _table(counts), mcid, "; ".join(found.decisions))


def _pooled(
    label: Estimate, counts: np.ndarray, sizes: np.ndarray, found: Imputation, mcid: float
) -> Sequence[Estimate]:
    """Pool the difference and the log ratio; their variances have one responder and one other added to each arm."""
    n = sizes[:, None]
    share, shrunk = counts / n, (counts + 1) / (n + 2)
    said = f"Rubin's rules over {found.n_imputations} imputations ({found.strategy}); responders change by {mcid:g} or more"
    rules = rubin(share[0] - share[1], (shrunk * (1 - shrunk) / (n + 2)).sum(axis=0), float(sizes.sum() - 2))
    difference = _ruled(replace(label, method="responders_difference", reason=said), rules)
    ratio = replace(label, method="responders_ratio", reason=said)
    if not (counts > 0).all():
        reason = f"{said}; no ratio: an arm without responders in some imputations"
        return [difference, replace(ratio, status="failed", reason=reason), _needed(difference)]
    variance = (1 / counts - 1 / n).sum(axis=0)
    logs = _ruled(
        ratio, rubin(np.log(share[0] / share[1]), np.maximum(variance, 1e-12), float(sizes.sum() - 2))
    )
    turned = replace(
        logs,
        estimate=float(np.exp(logs.estimate)),
        std_error=np.nan,
        conf_low=float(np.exp(logs.conf_low)),
        conf_high=float(np.exp(logs.conf_high)),
    )
    return [difference, turned, _needed(difference)]


def _ruled(label: Estimate, rules: Rules) -> Estimate:
    from neurotrial.models.student import t_test

    error = float(np.sqrt(rules.total))
    test = t_test(float(rules.estimate), error, float(rules.df), label.conf_level, 0.0)
    return replace(
        label,
        estimate=test.estimate,
        std_error=error,
        df=test.df,
        statistic=test.statistic,
        conf_low=test.conf_low,
        conf_high=test.conf_high,
        interval_kind="t",
        p_value=test.p_value,
    )
