"""The numbers of the references on bounded scores, from the fits of this package, under the references' keys."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from neurotrial.models.bounded_scores.beta_binomial_fit import beta_binomial_fit
from neurotrial.models.bounded_scores.censored_fit import censored_fit
from neurotrial.models.bounded_scores.fractional_logit_fit import FractionalLogit, fractional_logit_fit
from neurotrial.models.bounded_scores.proportional_odds_fit import cumulative_logit

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray
    from neurotrial.models.verify_model_values import Values

__all__ = ["bounded_values"]

_TERMS = ("age10", "armtreatment", "visitday90", "armtreatment:visitday90")
_FULL = ("(Intercept)", *_TERMS)
_ML = ("estimate", "se", "p", "lower", "upper")


def bounded_values(data: pd.DataFrame, spec: Mapping[str, Any]) -> Values:
    """Yield every kept number of the case ``bounded``.

    Parameters
    ----------
    data : DataFrame
        The case's ``data.csv``, one row per participant and visit.
    spec : mapping
        Its ``spec.json``.
    """
    terms, size = _matrix(data), int(spec["max_score"])
    full = np.column_stack([np.ones(len(terms)), terms])
    score = data["fma"].to_numpy(dtype="float64")
    code = (
        data["category"].map({name: k for k, name in enumerate(spec["categories"])}).to_numpy(dtype="float64")
    )
    yield from _proportional_odds(code, terms, spec)
    cluster = np.unique(data["participant_id"], return_inverse=True)[1]
    yield from _fractional(score / size, full, cluster)
    found = beta_binomial_fit(score, size, full)
    place = ("beta_binomial", "none", "glmmTMB:ml")
    yield from _normal(place, _FULL, found.theta, found.vcov, _ML[:3])
    yield (*place, "phi", "estimate"), float(np.exp(found.theta[-1]))
    yield (*place, "log phi", "se"), float(np.sqrt(found.vcov[-1, -1]))
    yield (*place, "fit", "loglik"), found.loglik
    found = censored_fit(score, full, 0.0, float(size))
    place = ("censored_normal", "none", "survreg:ml")
    yield from _normal(place, _FULL, found.theta, found.vcov, _ML)
    yield (*place, "sigma", "estimate"), float(np.exp(found.theta[-1]))
    yield (*place, "log sigma", "se"), float(np.sqrt(found.vcov[-1, -1]))
    yield (*place, "fit", "loglik"), found.loglik
    yield (*place, "n at 0", "n"), float((score <= 0).sum())
    yield (*place, "n at max", "n"), float((score >= size).sum())


def _matrix(data: pd.DataFrame) -> FloatArray:
    age = (data["age"].to_numpy(dtype="float64") - 65) / 10
    treated, late = (data["arm"] == "treatment").to_numpy(), (data["visit"] == "day90").to_numpy()
    return np.column_stack([age, treated, late, treated & late]).astype("float64")


def _proportional_odds(code: FloatArray, terms: FloatArray, spec: Mapping[str, Any]) -> Values:
    fit = cumulative_logit(code, terms)
    names, place = spec["categories"], ("clm", "none", "clm:ml")
    cuts = [f"{one}|{two}" for one, two in itertools.pairwise(names)]
    yield from _normal(place, [*cuts, *_TERMS], fit.maximum.theta, fit.maximum.vcov, _ML)
    yield (*place, "fit", "loglik"), fit.maximum.loglik
    yield (*place, "fit", "aic"), 2 * (fit.maximum.theta.size - fit.maximum.loglik)
    at_day_90 = {"control": [0, 0, 1, 0], "treatment": [0, 1, 1, 1]}
    for arm, row in at_day_90.items():
        chances = fit.probabilities(np.array([row], dtype="float64"))[0]
        for name, chance in zip(names, chances, strict=True):
            yield (*place, f"P({name}) {arm} day90 age10=0", "probability"), float(chance)


def _fractional(share: FloatArray, full: FloatArray, cluster: np.ndarray) -> Values:
    alone, grouped = fractional_logit_fit(share, full), fractional_logit_fit(share, full, cluster)
    place = ("fractional_logit", "none")
    for k, name in enumerate(_FULL):
        value, error = float(alone.coefficients[k]), float(np.sqrt(alone.vcov_quasi[k, k]))
        rows = {"estimate": value, "se": error, "df": alone.df_resid}
        rows["p"] = float(2 * stats.t.sf(abs(value / error), alone.df_resid))
        for quantity, number in rows.items():
            yield (*place, "glm:quasi", name, quantity), number
    yield (*place, "glm:quasi", "fit", "dispersion"), alone.dispersion
    yield (*place, "glm:quasi", "fit", "deviance"), alone.deviance
    yield from _normal((*place, "sandwich:HC0"), _FULL, alone.coefficients, alone.vcov_cr0, ("se", "p"))
    yield from _normal(
        (*place, "sandwich:CL_HC0"), _FULL, grouped.coefficients, grouped.vcov_cr0, ("se", "p")
    )
    yield from _small_sample((*place, "clubSandwich:CR0_satterthwaite"), grouped, grouped.vcov_cr0, "CR0")
    yield from _small_sample((*place, "clubSandwich:CR2_satterthwaite"), grouped, grouped.vcov_cr2, "CR2")


def _small_sample(place: tuple[str, str, str], fit: FractionalLogit, vcov: FloatArray, kind: str) -> Values:
    for k, name in enumerate(_FULL):
        error, df = float(np.sqrt(vcov[k, k])), fit.df(np.eye(len(_FULL))[k], kind)
        yield (*place, name, "se"), error
        yield (*place, name, "df"), df
        yield (*place, name, "p"), float(2 * stats.t.sf(abs(fit.coefficients[k] / error), df))


def _normal(
    place: tuple[str, str, str],
    names: Sequence[str],
    theta: FloatArray,
    vcov: FloatArray,
    wanted: Sequence[str],
) -> Values:
    half = float(stats.norm.isf(0.025))
    for k, name in enumerate(names):
        value, error = float(theta[k]), float(np.sqrt(vcov[k, k]))
        rows = {"estimate": value, "se": error, "p": float(2 * stats.norm.sf(abs(value / error)))}
        rows |= {"lower": value - half * error, "upper": value + half * error}
        for quantity in wanted:
            yield (*place, name, quantity), rows[quantity]
