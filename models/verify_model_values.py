"""The numbers of one fitted mixed model, under the keys of the references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.functions import Functions
    from neurotrial.models.repeated_measures.result import Mmrm

__all__ = [
    "QUANTITIES",
    "Values",
    "all_arm_values",
    "coefficient_values",
    "contrast_values",
    "effect_values",
    "fit_values",
    "function_values",
    "mean_values",
    "r_names",
    "test_values",
]

Values = Iterator[tuple[tuple[str, str, str, str, str], float]]
"""Model, structure, method, term or contrast, quantity; and the number."""

QUANTITIES = {
    "estimate": "estimate",
    "se": "std_error",
    "df": "df",
    "t": "statistic",
    "p": "p_value",
    "lower": "conf_low",
    "upper": "conf_high",
}


def r_names(name: str) -> list[str]:
    """Return a coefficient's name in R, with the parts of an interaction in either order."""
    parts = [part.replace("[T.", "").replace("[", "").replace("]", "") for part in name.split(":")]
    plain = ["(Intercept)" if part == "Intercept" else part for part in parts]
    return [":".join(plain), ":".join(reversed(plain))] if len(plain) > 1 else plain


def coefficient_values(fit: Mmrm, model: str, structure: str, method: str) -> Values:
    """Yield estimate, standard error, df, t, p and limits of every coefficient."""
    for _, row in fit.tidy().iterrows():
        for name in r_names(str(row["contrast"])):
            for quantity, column in QUANTITIES.items():
                yield (model, structure, method, name, quantity), float(row[column])


def function_values(functions: Functions, model: str, structure: str, method: str, pattern: str) -> Values:
    """Yield the same of linear functions, whose names a pattern of contrast and visit gives."""
    for row in functions.rows():
        name = pattern.format(contrast=row.contrast, visit=row.visit)
        for quantity, column in QUANTITIES.items():
            yield (model, structure, method, name, quantity), float(getattr(row, column))


def effect_values(fit: Mmrm, model: str, structure: str, method: str, changes: Any = "reference") -> Values:
    """Yield the same of means, differences between arms, changes within arms, and differences in the changes."""
    crossed = "interaction" if changes == "successive" else "group_x_time"
    for _, row in fit.effects("arm", changes=changes).iterrows():
        name = {
            "lsmean": f"{str(row['contrast']).replace('mean @', 'lsmean')} @ {row['visit']}",
            "arm": f"{row['contrast']} @ {row['visit']}",
            "within_arm": str(row["contrast"]),
            "group_by_time": f"{crossed} {row['contrast']}",
        }[str(row["term"])]
        for quantity, column in QUANTITIES.items():
            yield (model, structure, method, name, quantity), float(row[column])


def fit_values(fit: Mmrm, model: str, structure: str, method: str, likelihood: str) -> Values:
    """Yield likelihood, information criteria, counts and the fitted covariance."""
    numbers = {
        likelihood: fit.neg2_loglik,
        "aic": fit.aic,
        "aicc": fit.aicc,
        "bic": fit.bic,
        "n_theta": fit.n_theta,
        "n_obs": fit.n_observations,
        "n_subjects": fit.n_participants,
    }
    for quantity, value in numbers.items():
        yield (model, structure, method, "fit", quantity), float(value)
    levels = fit.long.levels
    for group in fit.long.groups or ("",):
        block = fit.covariance_of(group).to_numpy()
        for a, first in enumerate(levels):
            for b, second in enumerate(levels):
                name = f"sigma{'_' + group if group else ''}[{first},{second}]"
                yield (model, structure, method, name, "covariance"), float(block[a, b])
    if structure == "sp_exp":
        variance = float(fit.covariance.to_numpy()[0, 0])
        first, second = fit.covariance.to_numpy()[0, :2] / variance
        times = np.asarray(fit.long.times)
        yield (model, structure, method, "variance", "covariance"), variance
        per_week = (second / first) ** (1 / (times[1] - times[0]))
        yield (model, structure, method, "correlation one week apart", "correlation"), float(per_week)


def mean_values(means: Functions, model: str, method: str) -> Values:
    """Yield the numbers of least-squares means by visit."""
    for key, value in function_values(means, model, "us", method, "{contrast} @ {visit}"):
        yield (*key[:3], key[3].replace("mean @", "lsmean"), key[4]), value


def test_values(test: Mapping[str, Any], model: str, structure: str, method: str, label: str) -> Values:
    """Yield the numbers of an F test."""
    for quantity, name in (("num_df", "num_df"), ("den_df", "den_df"), ("f", "f"), ("p", "p_value")):
        yield (model, structure, method, label, quantity), float(test[name])


def all_arm_values(fit: Mmrm, model: str, structure: str, method: str) -> Values:
    """Yield the F test of all coefficients of the arm."""
    weights = np.eye(len(fit.design.names))[["arm" in name for name in fit.design.names]]
    test = fit.joint_test(weights)
    yield from test_values(test, model, structure, method, "all arm coefficients = 0")
    key = (model, structure, method, "all arm coefficients = 0", "f_scaling")
    yield key, float(test["scaling"])


def contrast_values(fit: Mmrm, model: str, structure: str, method: str) -> Values:
    """Yield the differences between arms at each visit, and their average over the visits."""
    by_visit = fit.emmeans("arm", by="visit").contrast("reference")
    yield from function_values(by_visit, model, structure, method, "{contrast} @ {visit}")
    average = fit.emmeans("arm").contrast("reference")
    yield from function_values(average, model, structure, method, "average over visits {contrast}")
