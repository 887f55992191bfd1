"""Robust and quantile regression, adjusted for baseline: few extreme outcomes do not decide."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.adjusted_design import AdjustedDesign, adjusted_design
from neurotrial.models.change import Comparison
from neurotrial.models.checks import check_level
from neurotrial.models.student import t_test

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray
    from neurotrial.models.tidy import Estimate

__all__ = ["quantile_regression", "robust_regression"]

_ITERATIONS = 5000
_TOLERANCE = 1e-10
_EFFICIENCY = 0.95
_BREAKDOWN = 0.5

_Fitted = tuple["FloatArray", "FloatArray", str]
"""Coefficients, their covariance, and what should be known."""


def robust_regression(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    covariates: Sequence[str] = (),
    estimator: Literal["MM", "M"] = "MM",
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare arms at follow-up, adjusted for baseline, by robust regression.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome, baseline, arm, covariates, reference
        As in `neurotrial.models.ancova`.
    estimator : {"MM", "M"}
        MM: biweight with 95 % efficiency from a start with 50 % breakdown [1]_, withstands outlying baselines too. M:
        Huber's, withstands outlying outcomes only.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``mm_regression`` or ``m_regression``; the standard error is
        asymptotic, the t on n - p degrees of freedom a convention.

    Raises
    ------
    InputError
        As `neurotrial.models.ancova`; if the estimator is unknown, or does not converge.

    References
    ----------
    .. [1] Yohai VJ. Ann Stat 1987;15:642-656. https://doi.org/10.1214/aos/1176350366

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 5 + ["cells"] * 5, "baseline": [20.0, 31, 45, 38, 25, 22, 30, 47, 41, 27],
    ...                        "day90": [28.0, 40, 52, 44, 90, 35, 41, 60, 52, 39]})
    >>> fit = robust_regression(scores, outcome="day90", baseline="baseline", arm="arm", reference="control")
    >>> fit.tidy()["estimate"].round(1).tolist()
    [4.5]
    """
    fitters: dict[str, Callable[[AdjustedDesign], _Fitted]] = {
        "MM": lambda made: _mm(made, baseline),
        "M": _m,
    }
    if estimator not in fitters:
        raise refuse("estimator", f"{estimator!r} is unknown", "use one of: MM, M")
    made = adjusted_design(
        data, outcome=outcome, baseline=baseline, arm=arm, covariates=covariates, reference=reference
    )
    return _comparison(made, fitters[estimator], f"{estimator.lower()}_regression", conf_level, visit)


def quantile_regression(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    covariates: Sequence[str] = (),
    quantile: float = 0.5,
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare the median, or another quantile, of arms at follow-up, adjusted for baseline.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome, baseline, arm, covariates, reference
        As in `neurotrial.models.ancova`.
    quantile : float
        In (0, 1).
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``median_regression``, or for example ``quantile_25``; the standard
        error is a kernel sandwich [1]_, asymptotic, the t on n - p degrees of freedom a convention.

    Raises
    ------
    InputError
        As `neurotrial.models.ancova`; if the quantile is not between 0 and 1, or the search does not converge.

    References
    ----------
    .. [1] Koenker R. Quantile Regression. Cambridge 2005. https://doi.org/10.1017/CBO9780511754098
    """
    if not 0 < quantile < 1:
        raise refuse(
            "quantile", f"{quantile:g} is not between 0 and 1", "give a share, e.g. 0.5 for the median"
        )
    made = adjusted_design(
        data, outcome=outcome, baseline=baseline, arm=arm, covariates=covariates, reference=reference
    )
    method = "median_regression" if quantile == 0.5 else f"quantile_{100 * quantile:g}"  # noqa: PLR2004
    return _comparison(made, lambda given: _quantile(given, quantile), method, conf_level, visit)


def _mm(made: AdjustedDesign, baseline: str | None) -> _Fitted:
    from statsmodels.robust.resistant_linear_model import RLMDetSMM

    names = list(made.design.matrix.columns)
    numbers = [k for k, name in enumerate(names) if np.unique(made.matrix[:, k]).size > 2]  # noqa: PLR2004
    if baseline is None and not numbers:
        raise refuse("estimator", "MM needs a number to adjust for, as its start does", 'use "M"')
    model = RLMDetSMM(
        made.y, made.matrix, efficiency=_EFFICIENCY, breakdown_point=_BREAKDOWN, col_indices=numbers
    )
    return _converged(model.fit, "MM regression")


def _m(made: AdjustedDesign) -> _Fitted:
    from statsmodels.robust.robust_linear_model import RLM

    model = RLM(made.y, made.matrix)
    return _converged(lambda: model.fit(tol=_TOLERANCE, maxiter=_ITERATIONS), "M regression")


def _quantile(made: AdjustedDesign, quantile: float) -> _Fitted:
    from statsmodels.regression.quantile_regression import QuantReg

    model = QuantReg(made.y, made.matrix)
    return _converged(
        lambda: model.fit(q=quantile, p_tol=_TOLERANCE, max_iter=_ITERATIONS), "quantile regression"
    )


def _converged(fit: Callable[[], Any], name: str) -> _Fitted:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = fit()
    vcov = np.asarray(found.cov_params(), dtype="float64")
    if not np.isfinite(vcov).all():
        why = str(said[0].message) if said else "the standard errors are not finite"
        raise refuse(name, f"does not converge: {why}", "leave out covariates, or use ANCOVA")
    note = "; ".join(dict.fromkeys(str(one.message) for one in said if "terat" in str(one.message)))
    return np.asarray(found.params, dtype="float64"), vcov, note


def _comparison(
    made: AdjustedDesign, fit: Callable[[AdjustedDesign], _Fitted], method: str, conf_level: float, visit: str
) -> Comparison:
    check_level(conf_level)
    coefficients, vcov, note = fit(made)
    said = "asymptotic standard error" + (f"; {note}" if note else "")
    rows = tuple(
        _row(
            replace(label, method=method, visit=visit, reason=said),
            weights,
            coefficients,
            vcov,
            made,
            conf_level,
        )
        for label, weights in made.contrasts()
    )
    return Comparison(rows, made.table.note)


def _row(
    label: Estimate,
    weights: FloatArray,
    coefficients: FloatArray,
    vcov: FloatArray,
    made: AdjustedDesign,
    conf_level: float,
) -> Estimate:
    value, error = float(weights @ coefficients), float(np.sqrt(weights @ vcov @ weights))
    test = t_test(value, error, made.df_resid, conf_level, float(np.abs(made.y).max()))
    if not np.isfinite(test.statistic):
        return replace(label, estimate=value, status="failed", reason="the standard error is zero")
    return replace(
        label,
        estimate=value,
        std_error=error,
        df=made.df_resid,
        statistic=test.statistic,
        conf_low=test.conf_low,
        conf_high=test.conf_high,
        conf_level=conf_level,
        interval_kind="t",
        p_value=test.p_value,
    )
