"""The numbers of this package for the rows of the R references, under the names that R gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from neurotrial.models.ancova_fit import Ancova, ancova
from neurotrial.models.change import change_score, follow_up_only, within_arm
from neurotrial.models.effect_sizes import hedges_g, hedges_gz
from neurotrial.models.least_squares import Robust
from neurotrial.models.multiplicity import PROCEDURES, adjust
from neurotrial.models.randomisation.allocation import Allocation
from neurotrial.models.randomisation.freedman_lane_test import freedman_lane
from neurotrial.models.randomisation.rerandomisation import maxt
from neurotrial.models.ranks import asymptotic_p, doubled_midranks, rank_test
from neurotrial.models.student import FloatArray, TTest, pooled_t

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Key", "multiplicity_values", "two_visit_values"]

Key = tuple[str, str, str, str]
"""Model, method, term or contrast, quantity."""

Values = Iterator[tuple[Key, float]]

_QUANTITIES = {
    "estimate": "estimate",
    "se": "std_error",
    "df": "df",
    "t": "statistic",
    "p": "p_value",
    "lower": "conf_low",
    "upper": "conf_high",
    "n": "n_participants",
}
"""R's names of quantities, and the tidy columns that hold them."""

_ROLES: dict[str, Any] = {"arm": "arm", "reference": "control"}


def two_visit_values(data: pd.DataFrame, spec: Mapping[str, Any]) -> Values:
    """Yield every number of the case ``two_visit``.

    Parameters
    ----------
    data : DataFrame
        The case's ``data.csv``, one row per participant and visit.
    spec : mapping
        Its ``spec.json``.
    """
    for outcome in spec["outcomes"]:
        for variant, column in (("complete", outcome), ("mar", f"{outcome}_mar")):
            wide, stem = _wide(data, spec, column), f"{outcome}.{variant}"
            yield from _models(wide, stem, spec["covariates"])
            yield from _t_tests(wide, f"{stem}.unadjusted")
            yield from _rank_tests(wide, f"{stem}.unadjusted")
            yield from _effect_sizes(wide, f"{stem}.unadjusted", spec)


def multiplicity_values(data: pd.DataFrame, spec: Mapping[str, Any], p_values: pd.DataFrame) -> Values:
    """Yield every number of the case ``multiplicity``.

    Parameters
    ----------
    data : DataFrame
        The case's ``data.csv``, one row per participant.
    spec : mapping
        Its ``spec.json``.
    p_values : DataFrame
        Its ``pvalues.csv``: hypothesis, p.
    """
    for procedure in PROCEDURES:
        adjusted = adjust(p_values["p"].to_numpy(), procedure)
        for name, p_value in zip(p_values["hypothesis"], adjusted, strict=True):
            yield ("p_adjust", procedure, str(name), "p"), float(p_value)
    for design, rows in data.groupby("design"):
        yield from _permutations(rows, str(design), spec["outcomes"])


def _permutations(rows: pd.DataFrame, design: str, outcomes: Sequence[str]) -> Values:
    plans: dict[str, dict[str, Any]] = {
        "welch": {"statistic": "hc2"},
        "pooled": {"statistic": "pooled"},
        "blocked": {"statistic": "pooled", "allocation": Allocation("block")},
    }
    for name, plan in plans.items():
        found = maxt(rows, outcomes=outcomes, **_ROLES, **plan)
        yield from _maxima(found.table, found.n_relabellings, f"{design}_{name}")
    residuals = freedman_lane(rows, outcomes=outcomes, covariates=["covariate"], n_resamples=40_320, **_ROLES)
    yield from _maxima(residuals.table, residuals.n_permutations, f"{design}_freedman_lane")


def _maxima(table: pd.DataFrame, number: int, model: str) -> Values:
    yield (model, "relabelings", "all", "n"), number
    for row in table.to_dict("records"):
        outcome = str(row["outcome"])
        yield (model, "statistic", outcome, "abs_t"), abs(row["statistic"])
        for method, column in (("raw", "p_value"), ("step_down_maxT", "p_adjusted")):
            yield (model, method, outcome, "p"), row[column]
            yield (model, method, outcome, "count"), round(row[column] * number)


def _wide(data: pd.DataFrame, spec: Mapping[str, Any], column: str) -> pd.DataFrame:
    first, last = (data[data["visit"] == name].set_index("participant_id") for name in spec["visits"])
    wide: pd.DataFrame = first[["arm", *spec["covariates"]]].assign(y0=first[column], y1=last[column])
    wide["change"] = wide["y1"] - wide["y0"]
    return wide


def _by_arm(rows: pd.DataFrame, column: str) -> tuple[FloatArray, FloatArray]:
    given = rows.dropna(subset=[column])
    treated = given["arm"] == "treatment"
    return (
        given.loc[treated, column].to_numpy(dtype="float64"),
        given.loc[~treated, column].to_numpy(dtype="float64"),
    )


def _models(wide: pd.DataFrame, stem: str, covariates: Sequence[str]) -> Values:
    plans: dict[str, tuple[str, str | None, Sequence[str]]] = {
        "ancova0": ("y1", "y0", ()),
        "ancova": ("y1", "y0", covariates),
        "change_adj": ("change", None, covariates),
    }
    for name, (outcome, baseline, terms) in plans.items():
        model = f"{stem}.{name}"
        for robust in get_args(Robust):
            fit = ancova(wide, outcome=outcome, baseline=baseline, covariates=terms, robust=robust, **_ROLES)
            yield from _ancova_values(fit, model, robust)


def _ancova_values(fit: Ancova, model: str, robust: str) -> Values:
    for term, row in fit.coefficients.iterrows():
        for quantity in ("estimate", "se", "p"):
            yield (model, "lm:ols", _r_name(str(term)), quantity), float(row[_QUANTITIES[quantity]])
    rows = fit.tidy()
    for method, ours in (("lm:ols", "ancova_ols"), (f"lm:{robust}", f"ancova_{robust.lower()}")):
        yield from _tidy_values(
            rows[(rows["method"] == ours) & (rows["term"] == "arm")], model, method, "armtreatment"
        )
    means = rows[(rows["method"] == "ancova_ols") & (rows["term"] == "lsmean")]
    for contrast, mean in means.groupby("contrast"):
        yield from _tidy_values(mean, model, "emmeans:ols", str(contrast).replace("mean @", "lsmean"))
    yield (model, "lm:ols", "fit", "sigma"), fit.sigma
    yield (model, "lm:ols", "fit", "r_squared"), fit.r_squared
    yield (model, "lm:ols", "fit", "n"), sum(fit.n_per_arm.values())


def _r_name(term: str) -> str:
    return "(Intercept)" if term == "Intercept" else term.replace("[T.", "").removesuffix("]")


def _tidy_values(row: pd.DataFrame, model: str, method: str, term: str) -> Values:
    for quantity, column in _QUANTITIES.items():
        yield (model, method, term, quantity), float(row[column].item())


def _t_tests(wide: pd.DataFrame, model: str) -> Values:
    of = "treatment - control of"
    rows = change_score(wide, outcome="y1", baseline="y0", **_ROLES).tidy().set_index("method")
    yield from _tidy_values(rows.loc[["change_welch"]], model, "t:welch", f"{of} change")
    yield from _tidy_values(rows.loc[["change_pooled"]], model, "t:pooled", f"{of} change")
    whole = wide.dropna(subset=["change"])
    for outcome, other in (("y1", "y0"), ("y0", "y1")):
        row = follow_up_only(wide, outcome=outcome, baseline=other, **_ROLES).tidy()
        yield from _tidy_values(row, model, "t:welch", f"{of} {outcome}")
        yield from _t_values(pooled_t(*_by_arm(whole, outcome)), model, "t:pooled", f"{of} {outcome}")
    rows = within_arm(
        wide, outcome="y1", baseline="y0", visit="day90", baseline_visit="baseline", **_ROLES
    ).tidy()
    for contrast, row in rows[rows["method"] == "paired_t"].groupby("contrast"):
        yield from _tidy_values(row, model, "t:paired", str(contrast))


def _effect_sizes(wide: pd.DataFrame, model: str, spec: Mapping[str, Any]) -> Values:
    whole = wide.dropna(subset=["change"])
    first, last = spec["visits"]
    for name, group in zip(spec["arms"], reversed(_by_arm(whole, "change")), strict=True):
        key = (model, "effectsize:hedges_gz_paired", f"{last} - {first} @ {name}", "estimate")
        yield key, hedges_gz(group).estimate
    for column in ("change", "y1"):
        effect = hedges_g(*_by_arm(whole, column))
        found = {
            ("effectsize:cohens_d_pooled", "estimate"): effect.uncorrected,
            ("effectsize:hedges_g_pooled", "estimate"): effect.estimate,
            ("effectsize:hedges_g_pooled", "lower"): effect.conf_low,
            ("effectsize:hedges_g_pooled", "upper"): effect.conf_high,
            ("metafor:SMD", "estimate"): effect.estimate,
            ("metafor:SMD", "variance"): effect.variance,
        }
        for (method, quantity), value in found.items():
            yield (model, method, f"treatment - control of {column}", quantity), value


def _t_values(test: TTest, model: str, method: str, term: str) -> Values:
    for quantity, name in _QUANTITIES.items():
        if quantity != "n":
            yield (model, method, term, quantity), float(getattr(test, name))


def _rank_tests(wide: pd.DataFrame, model: str) -> Values:
    treated, control = _by_arm(wide, "change")
    doubled = doubled_midranks(np.concatenate([treated, control]))
    exact = rank_test(treated, control, method="exact_conditional")
    normal = rank_test(treated, control, method="asymptotic_cc")
    term = "treatment - control of change"
    found = {
        ("asymptotic_cc", "w"): normal.u,
        ("asymptotic_cc", "p"): normal.p_value,
        ("asymptotic", "p"): asymptotic_p(doubled, treated.size, continuity=False),
        ("exact_conditional", "p"): exact.p_value,
        ("exact", "p"): exact.p_value,
        ("exact", "hodges_lehmann"): exact.hodges_lehmann,
        ("exact", "lower"): exact.conf_low,
        ("exact", "upper"): exact.conf_high,
        ("median_of_differences", "hodges_lehmann"): exact.hodges_lehmann,
    }
    for (method, quantity), value in found.items():
        yield (model, f"wilcoxon:{method}", term, quantity), value
