"""The numbers of the references on repeated measures, from the estimators of this package, under the references' keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from neurotrial.models.repeated_measures.clda_fit import clda
from neurotrial.models.repeated_measures.hypotheses import type_2, type_3
from neurotrial.models.repeated_measures.mmrm_fit import mmrm
from neurotrial.models.repeated_measures.named import STRUCTURES, Covariance
from neurotrial.models.repeated_measures.sandwich import ROBUST
from neurotrial.models.verify_model_values import (
    QUANTITIES,
    Values,
    all_arm_values,
    coefficient_values,
    contrast_values,
    effect_values,
    fit_values,
    function_values,
    mean_values,
    r_names,
    test_values,
)

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.result import Mmrm

__all__ = [
    "clustered_values",
    "four_visit_values",
    "random_slopes_values",
    "two_visit_model_values",
]

_INFERENCE: dict[str, dict[str, Any]] = {
    "satterthwaite": {"df": "satterthwaite"},
    "kr_linear": {"df": "kenward-roger", "kr": "linear"},
    "kr_full": {"df": "kenward-roger", "kr": "mmrm"},
}
_ROLES: dict[str, Any] = {"subject": "participant_id", "visit": "visit"}


def two_visit_model_values(data: pd.DataFrame, spec: Mapping[str, Any]) -> Values:
    """Yield the repeated-measures models of the case ``two_visit``."""
    covariates = " + ".join(spec["covariates"])
    frame = _factors(data, spec)
    means = data[data["visit"] == spec["visits"][0]][spec["covariates"]].mean(numeric_only=True)
    for outcome in spec["outcomes"]:
        for variant, column in (("complete", outcome), ("mar", f"{outcome}_mar")):
            stem = f"{outcome}.{variant}"
            formulas = {
                "gxt0": f"{column} ~ arm * visit",
                "gxt": f"{column} ~ {covariates} + arm * visit",
                "gxtv": f"{column} ~ ({covariates}) * visit + arm * visit",
            }
            for name, formula in formulas.items():
                fit = mmrm(formula, frame, **_ROLES)
                yield from _group_by_time(fit, f"{stem}.{name}")
                if name == "gxt":
                    yield from _more_of_gxt(fit, f"{stem}.{name}", means.to_dict(), formula, frame)
            for name, terms in (("clda", covariates), ("cldav", f"({covariates}) * visit")):
                fit = clda(f"{column} ~ {terms}", frame, arm="arm", **_ROLES)
                yield from _constrained(fit, f"{stem}.{name}", spec)
            yield from _intercepts(formulas["gxt"], frame, stem)


def four_visit_values(data: pd.DataFrame, spec: Mapping[str, Any]) -> Values:
    """Yield every number of the case ``four_visit``."""
    frame = _factors(data, spec)
    formula = f"score ~ {' + '.join(spec['covariates'])} + arm * visit"
    for name in STRUCTURES:
        if name in {"ri", "rs", "rs_uncorrelated", "id"}:
            continue
        fit = mmrm(formula, frame, covariance=name, time="week", **_ROLES)
        yield from _structure(fit, "main", name)
        yield from _joint(fit, name)
        if name == "us":
            yield from _more_of_us(fit)
        if name in {"us", "cs"}:
            yield from _robust(fit, "main", name)
        if name in {"us", "toep"}:
            full = mmrm(formula, frame, covariance=name, method="ml", df="satterthwaite", **_ROLES)
            yield from coefficient_values(full, "main", name, "mmrm:ml_satterthwaite")
            yield from fit_values(full, "main", name, "mmrm:ml", "minus2loglik")
    by_arm: tuple[Covariance, ...] = ("us", "csh")
    for covariance in by_arm:
        fit = mmrm(formula, frame, covariance=covariance, by_arm="arm", **_ROLES)
        yield from _structure(fit, "grouped", f"{covariance}|arm")
    weighted: tuple[Covariance, ...] = ("us", "ar1h")
    for covariance in weighted:
        fit = mmrm(formula, frame, covariance=covariance, weights="weight", **_ROLES)
        yield from _structure(fit, "weighted", covariance)
        if covariance == "us":
            yield from _robust(fit, "weighted", covariance)


def random_slopes_values(data: pd.DataFrame, spec: Mapping[str, Any]) -> Values:
    """Yield every number of the case ``random_slopes`` whose method this package has."""
    frame = data.assign(arm=pd.Categorical(data["arm"], spec["arms"]))
    kinds: dict[Covariance, str] = {
        "rs": "random_slope",
        "ri": "random_intercept",
        "rs_uncorrelated": "random_slope_uncorrelated",
    }
    for variant, column in (("complete", "y"), ("mar", "y_mar")):
        for covariance, name in kinds.items():
            model = f"{variant}.{name}"
            formula = f"{column} ~ {' + '.join(spec['covariates'])} + arm * time"
            roles: dict[str, Any] = {
                "subject": "participant_id",
                "visit": "time",
                "time": "time",
                "covariance": covariance,
            }
            fit = mmrm(formula, frame, kr="pbkrtest", **roles)
            yield from _slopes(fit, model, name)
            yield from coefficient_values(
                fit.inferred("satterthwaite"), model, name, "lmerTest:reml_satterthwaite"
            )
            yield from all_arm_values(
                fit.inferred("satterthwaite"), model, name, "lmerTest:reml_satterthwaite"
            )
            yield from _variances(fit, model, name, "lmer:reml", "minus2reml")
            yield from _predicted(fit, model, name)
            full = mmrm(formula, frame, method="ml", **roles)
            yield from coefficient_values(full, model, name, "lmerTest:ml_satterthwaite")
            yield from _variances(full, model, name, "lmer:ml", "minus2loglik")


def clustered_values(data: pd.DataFrame, spec: Mapping[str, Any]) -> Values:
    """Yield the numbers of the case ``clustered_cr2`` that rest on ordinary least squares with two visits."""
    frame = data.assign(arm=pd.Categorical(data["arm"], spec["arms"]))
    therapist = data.groupby("participant_id")["therapist"].first()
    plans: dict[str, tuple[str, Any]] = {
        "ols": ("y ~ age + site + arm * visit", None),
        "ols_by_therapist": ("y ~ age + arm * visit", therapist),
    }
    for model, (formula, cluster) in plans.items():
        fit = mmrm(formula, frame, covariance="id", **_ROLES)
        yield from coefficient_values(fit, model, "none", "lm:ols")
        for kind in ROBUST:
            robust = fit.vcov_robust(kind, cluster)
            method = f"clubSandwich:{kind}_satterthwaite"
            yield from coefficient_values(robust, model, "none", method)
            differences = robust.emmeans("arm", by="visit").contrast("reference")
            yield from function_values(differences, model, "none", method, "{contrast} @ {visit}")
    weighted = mmrm("y ~ age + site + arm * visit", frame, covariance="id", weights="weight", **_ROLES)
    for kind in ("CR0", "CR3"):
        rows = coefficient_values(
            weighted.vcov_robust(kind), "wls", "none", f"clubSandwich:{kind}_satterthwaite"
        )
        yield from ((key, value) for key, value in rows if key[-1] in {"estimate", "se"})


def _factors(data: pd.DataFrame, spec: Mapping[str, Any]) -> pd.DataFrame:
    return data.assign(
        arm=pd.Categorical(data["arm"], spec["arms"]), visit=pd.Categorical(data["visit"], spec["visits"])
    )


def _group_by_time(fit: Mmrm, model: str) -> Values:
    for name, inference in _INFERENCE.items():
        other = fit.inferred(**inference)
        yield from coefficient_values(other, model, "us", f"mmrm:{name}")
        yield from effect_values(other, model, "us", f"emmeans:{name}")
    yield from fit_values(fit, model, "us", "mmrm:reml", "minus2reml")
    rows = effect_values(fit, model, "us", "closed_form")
    yield from ((key, value) for key, value in rows if key[3].startswith("group_x_time"))


def _more_of_gxt(fit: Mmrm, model: str, means: dict[str, float], formula: str, frame: pd.DataFrame) -> Values:
    for name, mean in fit.design.means.items():
        yield (model, "us", "emmeans", name, "ref_value"), mean
        yield (model, "us", "emmeans:at_baseline_mean", name, "ref_value"), means[name]
    yield (model, "us", "emmeans", "rows_used", "n"), fit.n_observations
    other = fit.inferred("satterthwaite")
    yield from mean_values(
        other.emmeans("arm", by="visit", weights="observed"), model, "emmeans:satterthwaite:proportional"
    )
    yield from mean_values(
        other.emmeans("arm", by="visit", at=means), model, "emmeans:satterthwaite:at_baseline_mean"
    )
    yield from _counted_df(fit, model)
    for kind in ROBUST:
        yield from effect_values(fit.vcov_robust(kind), model, "us", f"mmrm:{kind}")
    full = mmrm(formula, frame, method="ml", df="satterthwaite", **_ROLES)
    yield from coefficient_values(full, model, "us", "mmrm:ml_satterthwaite")
    yield from fit_values(full, model, "us", "mmrm:ml", "minus2loglik")
    yield from coefficient_values(fit.inferred("residual"), model, "us", "gls:reml")
    yield (model, "us", "gls:reml", "fit", "minus2reml"), fit.neg2_loglik


def _counted_df(fit: Mmrm, model: str) -> Values:
    """Yield residual and between-within df; R's mmrm takes CR0 errors with the former, unless told otherwise."""
    yield from coefficient_values(fit.inferred("between-within"), model, "us", "mmrm:between_within")
    rows = fit.inferred("residual").tidy()
    rows["std_error"] = fit.vcov_robust("CR0").tidy()["std_error"]
    rows["p_value"] = 2 * stats.t.sf((rows["estimate"] / rows["std_error"]).abs(), rows["df"])
    for _, row in rows.iterrows():
        for name in r_names(str(row["contrast"])):
            for quantity in ("se", "df", "p"):
                key = (model, "us", "mmrm:residual", name, quantity)
                yield key, float(row[QUANTITIES[quantity]])


def _constrained(fit: Mmrm, model: str, spec: Mapping[str, Any]) -> Values:
    last, treated = spec["visits"][1], spec["arms"][1]
    post = f"arm[T.{treated}]:visit[{last}]"
    for name, inference in _INFERENCE.items():
        other = fit.inferred(**inference)
        for key, value in coefficient_values(other, model, "us", f"mmrm:{name}"):
            yield (*key[:3], "arm_post" if key[3] in r_names(post) else key[3], key[4]), value
        yield from effect_values(other, model, "us", f"mmrm:{name}")
    yield from fit_values(fit, model, "us", "mmrm:reml", "minus2reml")


def _intercepts(formula: str, frame: pd.DataFrame, stem: str) -> Values:
    fit = mmrm(formula, frame, covariance="ri", df="satterthwaite", **_ROLES)
    model, structure = f"{stem}.gxt_ri", "random_intercept"
    yield from coefficient_values(fit, model, structure, "lmerTest:satterthwaite")
    yield from coefficient_values(
        fit.inferred("kenward-roger", "pbkrtest"), model, structure, "pbkrtest:kr_expected"
    )
    yield (model, structure, "lmer:reml", "fit", "minus2reml"), fit.neg2_loglik
    yield (model, structure, "lmer:reml", "var_participant", "variance"), float(fit.theta["var(intercept)"])
    yield (model, structure, "lmer:reml", "var_residual", "variance"), float(fit.theta["var(residual)"])
    symmetric = mmrm(formula, frame, covariance="cs", **_ROLES)
    for name, inference in _INFERENCE.items():
        yield from coefficient_values(symmetric.inferred(**inference), f"{stem}.gxt_cs", "cs", f"mmrm:{name}")
    yield from fit_values(symmetric, f"{stem}.gxt_cs", "cs", "mmrm:reml", "minus2reml")


def _structure(fit: Mmrm, model: str, structure: str) -> Values:
    for name, inference in _INFERENCE.items():
        other = fit.inferred(**inference)
        yield from coefficient_values(other, model, structure, f"mmrm:{name}")
        yield from contrast_values(other, model, structure, f"emmeans:{name}")
    yield from fit_values(fit, model, structure, "mmrm:reml", "minus2reml")


def _joint(fit: Mmrm, structure: str) -> Values:
    names = list(fit.design.names)
    unit = np.eye(len(names))
    crossed = [number for number, name in enumerate(names) if ":" in name]
    arm = unit[[names.index("arm[T.active]")]]
    plans = {
        "arm:visit coefficients = 0": unit[crossed],
        "arm difference = 0 at every visit": np.vstack([arm, unit[crossed] + arm]),
    }
    for name, inference in _INFERENCE.items():
        other = fit.inferred(**inference)
        for label, weights in plans.items():
            yield from test_values(other.joint_test(weights), "main", structure, f"mmrm:df_md:{name}", label)
        for roman, table in (("II", other.anova(2)), ("III", other.anova(3))):
            for term, row in table.iterrows():
                yield from test_values(
                    {str(key): value for key, value in row.items()},
                    "main",
                    structure,
                    f"mmrm:anova_{roman}:{name}",
                    str(term),
                )


def _more_of_us(fit: Mmrm) -> Values:
    other = fit.inferred("satterthwaite")
    for changes in ("reference", "successive"):
        yield from effect_values(other, "main", "us", "emmeans:satterthwaite", changes)
    yield from mean_values(
        other.emmeans("arm", by="visit", weights="observed"), "main", "emmeans:satterthwaite:proportional"
    )
    for name, mean in fit.design.means.items():
        yield ("main", "us", "emmeans", name, "ref_value"), mean
    yield from _counted_df(fit, "main")
    matrices = {
        "II": type_2(fit.design),
        "III": type_3(fit.design, fit.roles.terms, fit.long.frame),
    }
    for roman, terms in matrices.items():
        for term, rows in terms.items():
            for number, row in enumerate(rows):
                for name, value in zip(fit.design.names, row, strict=True):
                    for r_name in r_names(name):
                        label = f"{term} row {number + 1} x {r_name}"
                        yield (
                            ("main", "any", f"mmrm:anova_{roman}:matrix", label, "coefficient"),
                            float(value),
                        )


def _robust(fit: Mmrm, model: str, structure: str) -> Values:
    crossed = np.eye(len(fit.design.names))[[":" in name for name in fit.design.names]]
    for kind in ROBUST:
        robust = fit.vcov_robust(kind)
        yield from coefficient_values(robust, model, structure, f"mmrm:{kind}")
        yield from contrast_values(robust, model, structure, f"emmeans:{kind}")
        yield from test_values(
            robust.joint_test(crossed), model, structure, f"mmrm:df_md:{kind}", "arm:visit coefficients = 0"
        )


def _slopes(fit: Mmrm, model: str, structure: str) -> Values:
    method = "pbkrtest:kr_expected"
    yield from coefficient_values(fit, model, structure, method)
    yield from all_arm_values(fit, model, structure, method)
    at = fit.emmeans("arm", at={"time": 6})
    for key, value in function_values(at, model, structure, "emmeans:kr_expected", "{contrast} @ 6"):
        yield (*key[:3], key[3].replace("mean @", "lsmean"), key[4]), value
    yield from function_values(
        at.contrast("reference"), model, structure, "emmeans:kr_expected", "{contrast} @ 6"
    )
    slopes = {
        "slope control": {"time": 1.0},
        "slope treatment": {"time": 1.0, "arm[T.treatment]:time": 1.0},
    }
    yield from function_values(fit.contrast(slopes), model, structure, "emmeans:kr_expected", "{contrast}")


def _variances(fit: Mmrm, model: str, structure: str, method: str, likelihood: str) -> Values:
    yield (model, structure, method, "fit", likelihood), fit.neg2_loglik
    yield (model, structure, method, "fit", "n_obs"), fit.n_observations
    named = {
        "var(intercept)": "participant[(Intercept)]",
        "var(slope)": "participant[time]",
        "var(residual)": "residual",
    }
    for ours, name in named.items():
        if ours in fit.theta:
            yield (model, structure, method, name, "variance"), float(fit.theta[ours])
            yield (model, structure, method, name, "sd"), float(np.sqrt(fit.theta[ours]))
    if "cov(intercept, slope)" in fit.theta:
        covariance = float(fit.theta["cov(intercept, slope)"])
        scale = float(np.sqrt(fit.theta["var(intercept)"] * fit.theta["var(slope)"]))
        name = "participant[(Intercept),time]"
        yield (model, structure, method, name, "covariance"), covariance
        yield (model, structure, method, name, "correlation"), covariance / scale


def _predicted(fit: Mmrm, model: str, structure: str) -> Values:
    columns = {"intercept": "(Intercept)", "slope": "time"}
    for who, row in fit.random_effects().iterrows():
        for ours, value in row.items():
            name = f"blup {who} {columns[str(ours)]}"
            yield (model, structure, "lmer:reml", name, "blup"), float(value)
