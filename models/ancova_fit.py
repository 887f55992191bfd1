"""Analysis of covariance: the difference between arms at follow-up, adjusted for baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem
from neurotrial.models.adjusted_design import adjusted_design
from neurotrial.models.checks import check_level
from neurotrial.models.least_squares import CLASSICAL, LeastSquares, Robust, least_squares
from neurotrial.models.linear_functions import linear_function
from neurotrial.models.student import t_test
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    from neurotrial.models.adjusted_design import AdjustedDesign
    from neurotrial.models.checks import ArmTable
    from neurotrial.models.student import FloatArray

__all__ = ["Ancova", "ancova", "fitted_ancova"]


@dataclass(frozen=True, slots=True)
class Ancova:
    """A fitted analysis of covariance.

    Attributes
    ----------
    coefficients : DataFrame, shape (n_coefficients, 4)
        Columns estimate, std_error, statistic and p_value (least squares); indexed by coefficient.
    vcov, vcov_robust : DataFrame, shape (n_coefficients, n_coefficients)
        Covariance of the coefficients: least squares, and heteroscedasticity-consistent.
    robust : {"HC0", "HC1", "HC2", "HC3"}
        Which of the consistent estimators.
    sigma, r_squared, df_resid : float
        Residual standard deviation (unit of the outcome), share of variance explained, residual degrees of freedom.
    estimates : tuple of Estimate
        Contrasts of arms, then least-squares means, each with both standard errors.
    n_per_arm : mapping of str to int
        Participants in the model.
    note : str
        Who was left out and why; empty where nobody was.
    """

    coefficients: pd.DataFrame
    vcov: pd.DataFrame
    vcov_robust: pd.DataFrame
    robust: Robust
    sigma: float
    r_squared: float
    df_resid: float
    estimates: tuple[Estimate, ...]
    n_per_arm: Mapping[str, int]
    note: str

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(self.estimates)


def ancova(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    robust: Robust = "HC3",
    conf_level: float = 0.95,
    visit: str = "",
) -> Ancova:
    """Compare arms at follow-up, adjusted for baseline, by least squares.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome : str
        Column with the value at follow-up.
    baseline : str or None
        Column with the value at baseline; None adjusts for the covariates only, e.g. where the outcome is a change.
    arm : str
        Column with the arm, two or more; a categorical column gives their order.
    covariates : sequence of str
        Further terms: columns (what is not a number is treatment coded) or formula terms such as
        ``"log(lesion_volume_ml)"``.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    robust : {"HC0", "HC1", "HC2", "HC3"}
        Second standard error. The classical one is biased where arms differ in size and in variance [2]_.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    Ancova
        For each arm against the reference, a row ``ancova_ols`` and a row such as ``ancova_hc3``, both with t on
        n - p degrees of freedom; the same for the least-squares mean of each arm, numeric covariates at their mean
        over the participants and factors with equal weights.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`, a covariate is no safe formula term, the
        baseline is constant, terms are aliased, or no residual degree of freedom is left.

    References
    ----------
    .. [1] MacKinnon JG, White H. J Econom 1985;29:305-325. https://doi.org/10.1016/0304-4076(85)90158-7
    .. [2] Bartlett JW. Biometrics 2020;76:1036-1046. https://doi.org/10.1111/biom.13184

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 3 + ["cells"] * 3, "baseline": [20.0, 31, 45, 22, 30, 47],
    ...                        "day90": [28.0, 40, 52, 35, 41, 60]})
    >>> fit = ancova(scores, outcome="day90", baseline="baseline", arm="arm", reference="control")
    >>> fit.tidy()[["method", "contrast", "estimate"]].head(1).round(2).to_dict("records")
    [{'method': 'ancova_ols', 'contrast': 'cells - control', 'estimate': 4.35}]
    """
    check_level(conf_level)
    _check_robust(robust)
    made = adjusted_design(
        data, outcome=outcome, baseline=baseline, arm=arm, covariates=covariates, reference=reference
    )
    return fitted_ancova(made, robust=robust, conf_level=conf_level, visit=visit)


def fitted_ancova(made: AdjustedDesign, *, robust: Robust, conf_level: float, visit: str = "") -> Ancova:
    """Fit a checked design; arguments as `ancova`."""
    fit = least_squares(made.y, made.design.matrix, robust)
    estimates = tuple(
        _infer(replace(template, visit=visit), weights, fit, kind, conf_level)
        for template, weights in (*made.contrasts(), *made.means())
        for kind in (CLASSICAL, robust)
    )
    return _result(fit, robust, estimates, made.table)


def _check_robust(robust: str) -> None:
    if robust not in get_args(Robust):
        rule = f"{robust!r} is not a heteroscedasticity-consistent estimator known here"
        raise InputError([Problem("robust", rule, f"use one of: {', '.join(get_args(Robust))}")])


def _infer(
    template: Estimate, weights: FloatArray, fit: LeastSquares, kind: str, conf_level: float
) -> Estimate:
    found = linear_function(
        replace(template, method=f"ancova_{kind.lower()}"), weights, fit, kind, conf_level
    )
    return found if found.term == "arm" else replace(found, statistic=np.nan, p_value=np.nan)


def _result(fit: LeastSquares, robust: Robust, estimates: tuple[Estimate, ...], table: ArmTable) -> Ancova:
    errors = np.sqrt(np.diag(fit.vcov[CLASSICAL]))
    tests = [t_test(b, se, fit.df_resid, 0.95, 0.0) for b, se in zip(fit.coefficients, errors, strict=True)]
    coefficients = pd.DataFrame(
        {
            "estimate": fit.coefficients,
            "std_error": errors,
            "statistic": [test.statistic for test in tests],
            "p_value": [test.p_value for test in tests],
        },
        index=pd.Index(fit.names, name="coefficient"),
    )
    return Ancova(
        coefficients=coefficients,
        vcov=_labelled(fit, CLASSICAL),
        vcov_robust=_labelled(fit, robust),
        robust=robust,
        sigma=fit.sigma,
        r_squared=fit.r_squared,
        df_resid=fit.df_resid,
        estimates=estimates,
        n_per_arm=table.n_per_arm,
        note=table.note,
    )


def _labelled(fit: LeastSquares, kind: str) -> pd.DataFrame:
    return pd.DataFrame(fit.vcov[kind], index=list(fit.names), columns=list(fit.names))
