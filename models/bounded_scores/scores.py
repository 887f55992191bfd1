"""Comparisons of a bounded score between arms, adjusted for baseline, on the odds scale and in points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.bounded_scores.beta_binomial_fit import beta_binomial_fit
from neurotrial.models.bounded_scores.censored_fit import censored_fit
from neurotrial.models.bounded_scores.fractional_logit_fit import fractional_logit_fit
from neurotrial.models.bounded_scores.proportional_odds_fit import cumulative_logit
from neurotrial.models.bounded_scores.scale import ends, scaled_design, with_arm
from neurotrial.models.change import Comparison
from neurotrial.models.student import t_test
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.adjusted_design import AdjustedDesign
    from neurotrial.models.student import FloatArray
    from neurotrial.models.tidy import Estimate

__all__ = ["beta_binomial", "censored_gaussian", "fractional_logit", "proportional_odds"]

_Mean = Callable[["FloatArray"], tuple[float, "FloatArray"]]
"""From rows of the model matrix to the mean expected score and its gradient by the parameters."""


@dataclass(frozen=True, slots=True)
class _Scored:
    """A fit: parameters with their covariance, where those after the intercept begin, and the mean score."""

    theta: FloatArray
    vcov: FloatArray
    first: int
    mean: _Mean | None
    df: Callable[[FloatArray], float]
    note: str


def proportional_odds(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    maximum: float,
    minimum: float = 0.0,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare arms by a cumulative logit model in which every value of the score is a category.

    Only the order of the scores matters: floor, ceiling and skewness need no assumption, but the odds ratio must be
    the same wherever the scale is cut.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome, baseline, arm, covariates, reference
        As in `neurotrial.models.ancova`.
    maximum, minimum : float
        Ends of the scale.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``proportional_odds``, log odds of a higher score, and a row
        ``proportional_odds_points``, the difference of the mean expected scores of all participants in one and in the
        other arm. Errors are asymptotic, the t on n - p degrees of freedom a convention.

    Raises
    ------
    InputError
        As `neurotrial.models.ancova`; if a value lies outside the scale, or the likelihood has no maximum.

    References
    ----------
    McCullagh P. J R Stat Soc B 1980;42:109-142. https://doi.org/10.1111/j.2517-6161.1980.tb01109.x
    Liu Q, et al. Stat Med 2017;36:4316-4335. https://doi.org/10.1002/sim.7433

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 5 + ["cells"] * 5, "day90": [3, 17, 25, 40, 11, 21, 66, 34, 38, 52]})
    >>> fit = proportional_odds(scores, outcome="day90", baseline=None, arm="arm", maximum=66, reference="control")
    >>> fit.tidy()[["method", "estimate"]].round(2).to_dict("list")
    {'method': ['proportional_odds', 'proportional_odds_points'], 'estimate': [2.43, 20.99]}
    """
    made = scaled_design(
        data, outcome=outcome, baseline=baseline, arm=arm, covariates=covariates, reference=reference,
        minimum=minimum, maximum=maximum, conf_level=conf_level,
    )  # fmt: skip
    fit = cumulative_logit(made.y, made.matrix[:, 1:])
    k = fit.n_thresholds
    note = f"log odds of a higher score, {k + 1} distinct scores as categories"

    def mean(x: FloatArray) -> tuple[float, FloatArray]:
        return fit.mean(x[:, 1:])

    found = fit.maximum
    scored = _Scored(found.theta, found.vcov, k, mean, lambda _: made.df_resid, note)
    return _comparison(made, scored, "proportional_odds", conf_level, visit, minimum, maximum)


def fractional_logit(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    maximum: float,
    minimum: float = 0.0,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare the mean share of the scale between arms by a logistic curve, without a distribution.

    Parameters
    ----------
    data, outcome, baseline, arm, maximum, minimum, covariates, reference, conf_level, visit
        As in `proportional_odds`.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``fractional_logit``, log odds ratio of the mean share, and a row
        ``fractional_logit_points``, the difference of mean expected scores. Errors are HC2, with Satterthwaite's degrees
        of freedom.

    Raises
    ------
    InputError
        As `proportional_odds`.

    References
    ----------
    Papke LE, Wooldridge JM. J Appl Econom 1996;11:619-632.
    https://doi.org/10.1002/(SICI)1099-1255(199611)11:6%3C619::AID-JAE418%3E3.0.CO;2-1

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 5 + ["cells"] * 5, "day90": [3, 17, 25, 40, 11, 21, 66, 34, 38, 52]})
    >>> fit = fractional_logit(scores, outcome="day90", baseline=None, arm="arm", maximum=66, reference="control")
    >>> fit.tidy()["estimate"].round(2).tolist()  # without adjustment the second is the difference of the means
    [1.46, 23.0]
    """
    made = scaled_design(
        data, outcome=outcome, baseline=baseline, arm=arm, covariates=covariates, reference=reference,
        minimum=minimum, maximum=maximum, conf_level=conf_level,
    )  # fmt: skip
    fit = fractional_logit_fit((made.y - minimum) / (maximum - minimum), made.matrix)
    scored = _Scored(
        fit.coefficients,
        fit.vcov_cr2,
        1,
        _logistic_mean(fit.coefficients, minimum, maximum),
        fit.df,
        "log odds of the mean share of the scale; HC2 errors, Satterthwaite df",
    )
    return _comparison(made, scored, "fractional_logit", conf_level, visit, minimum, maximum)


def beta_binomial(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    maximum: float,
    minimum: float = 0.0,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare arms by a beta-binomial model of the points out of the maximum.

    Parameters
    ----------
    data, outcome, baseline, arm, maximum, minimum, covariates, reference, conf_level, visit
        As in `proportional_odds`; scores are whole points above the minimum.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``beta_binomial``, log odds ratio of the mean share, and a row
        ``beta_binomial_points``, the difference of mean expected scores. Errors are asymptotic, the t on n - p degrees of
        freedom a convention.

    Raises
    ------
    InputError
        As `proportional_odds`; if a score is no whole number of points.

    References
    ----------
    Williams DA. Biometrics 1975;31:949-952. https://doi.org/10.2307/2529820
    """
    made = scaled_design(
        data, outcome=outcome, baseline=baseline, arm=arm, covariates=covariates, reference=reference,
        minimum=minimum, maximum=maximum, conf_level=conf_level,
    )  # fmt: skip
    points = _whole_points(made, outcome, minimum, maximum)
    found = beta_binomial_fit(points, round(maximum - minimum), made.matrix)
    phi = float(np.exp(found.theta[-1]))
    scored = _Scored(
        found.theta,
        found.vcov,
        1,
        _logistic_mean(found.theta[:-1], minimum, maximum, extra=1),
        lambda _: made.df_resid,
        f"log odds of the mean share of the scale; precision phi {phi:.3g}",
    )
    return _comparison(made, scored, "beta_binomial", conf_level, visit, minimum, maximum)


def censored_gaussian(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    maximum: float,
    minimum: float = 0.0,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare arms by a Gaussian model in which scores at the ends of the scale are censored (Tobit).

    Parameters
    ----------
    data, outcome, baseline, arm, maximum, minimum, covariates, reference, conf_level, visit
        As in `proportional_odds`.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``censored_gaussian``: the difference in points of the score that would
        be seen without floor and ceiling. Errors are asymptotic, the t on n - p degrees of freedom a convention.

    Raises
    ------
    InputError
        As `proportional_odds`.

    References
    ----------
    Tobin J. Econometrica 1958;26:24-36. https://doi.org/10.2307/1907382
    """
    made = scaled_design(
        data, outcome=outcome, baseline=baseline, arm=arm, covariates=covariates, reference=reference,
        minimum=minimum, maximum=maximum, conf_level=conf_level,
    )  # fmt: skip
    found = censored_fit(made.y, made.matrix, minimum, maximum)
    note = "points of the score without floor and ceiling"
    scored = _Scored(found.theta, found.vcov, 1, None, lambda _: made.df_resid, note)
    return _comparison(made, scored, "censored_gaussian", conf_level, visit, minimum, maximum)


def _whole_points(made: AdjustedDesign, outcome: str, minimum: float, maximum: float) -> FloatArray:
    points = made.y - minimum
    frame = made.table.frame
    broken = frame.index[points != np.round(points)]
    if len(broken) or maximum - minimum != round(maximum - minimum):
        rule = f"must be whole points above {minimum:g}, up to {maximum:g}"
        rows = describe_rows(frame, broken, frame.columns)
        raise refuse(f"column {outcome!r}", rule, "use fractional_logit for other numbers", rows)
    return points


def _logistic_mean(coefficients: FloatArray, minimum: float, maximum: float, extra: int = 0) -> _Mean:
    from scipy.special import expit

    def mean(x: FloatArray) -> tuple[float, FloatArray]:
        share, width = expit(x @ coefficients), maximum - minimum
        gradient = width * (x * (share * (1 - share))[:, None]).mean(axis=0)
        return float(minimum + width * share.mean()), np.append(gradient, np.zeros(extra))

    return mean


def _comparison(
    made: AdjustedDesign,
    fit: _Scored,
    method: str,
    conf_level: float,
    visit: str,
    minimum: float,
    maximum: float,
) -> Comparison:
    rows = []
    at_ends = ends(made.y, minimum, maximum)
    for label, weights in made.contrasts():
        template = replace(label, visit=visit, conf_level=conf_level, interval_kind="t")
        spread = np.zeros(fit.theta.size)
        spread[fit.first : fit.first + weights.size - 1] = weights[1:]
        df = fit.df(weights)
        named = replace(template, method=method, df=df, reason=f"{fit.note}; {at_ends}")
        rows.append(_tested(named, float(spread @ fit.theta), spread, fit.vcov))
        if fit.mean is None:
            continue
        name = label.contrast.removesuffix(f" - {made.table.reference}")
        (one, up), (two, down) = (fit.mean(with_arm(made, arm)) for arm in (name, made.table.reference))
        said = f"difference of mean expected scores, everybody in each arm; {at_ends}"
        points = replace(template, method=f"{method}_points", df=df, reason=said)
        rows.append(_tested(points, one - two, up - down, fit.vcov))
    return Comparison(tuple(rows), made.table.note)


def _tested(label: Estimate, value: float, gradient: FloatArray, vcov: FloatArray) -> Estimate:
    error = float(np.sqrt(gradient @ vcov @ gradient))
    test = t_test(value, error, label.df, label.conf_level, 0.0)
    return replace(
        label,
        estimate=value,
        std_error=error,
        statistic=test.statistic,
        conf_low=test.conf_low,
        conf_high=test.conf_high,
        p_value=test.p_value,
    )
