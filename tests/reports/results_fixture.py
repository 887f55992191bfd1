"""A small simulated results store that keeps the contract, and variants of it that a report must survive."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from posterior_fixture import FAILURE, SLUGS, diagnostics, evidence, pooled, predictions, shrunk
from scipy import stats

from neurotrial.method_names import METHODS, scale_of
from neurotrial.models.cells import study_cells
from neurotrial.models.connectivity import summarise_connectivity
from neurotrial.models.descriptives import describe_study
from neurotrial.models.flow import count_flow
from neurotrial.models.harms import summarise_harms
from neurotrial.models.study_associations import association_rows
from neurotrial.models.study_fit import framed
from neurotrial.models.study_planning import planning_rows
from neurotrial.models.study_sensitivity import study_sensitivity
from neurotrial.models.study_subgroups import study_subgroups
from neurotrial.models.timing import describe_timing
from neurotrial.multiverse_tables import MULTIVERSE_TABLES
from neurotrial.outcomes import covariate_columns
from neurotrial.results import RESULT_TABLES, Results, estimate_key
from neurotrial.study import Study
from neurotrial.tables import TABLES
from neurotrial.tabular import empty_table

ARMS = {"control": "Control", "cells": "Stem cells"}
THREE_ARMS = {**ARMS, "sham": "Sham"}
HOSTILE = (
    "<script>alert(1)</script> a|b $x_1$ **c** Ωμέγα Жук_{{< pagebreak >}} 山田 "
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft שלום مرحبا"
)
OUTCOMES = {
    "fma_total": ("Fugl-Meyer motor total", "points", "higher_is_better", (0, 100), 1),
    "cst_fa": ("FA of the corticospinal tract", "FA", "higher_is_better", None, 3),
    "inter_z": ("Interhemispheric connectivity", "Fisher z", "higher_is_better", None, 2),
    "mean_diffusivity": ("Mean diffusivity", "um2/ms", "lower_is_better", None, 3),
}
SCALE = {
    "fma_total": (25, 15, 12, 8),
    "cst_fa": (0.5, 0.05, -0.02, 0.02),
    "inter_z": (0.3, 0.1, 0.05, 0.04),
    "mean_diffusivity": (0.8, 0.1, 0.02, -0.03),
}
"""Baseline mean, SD, mean change, effect."""


def plan(arms: dict[str, str] | None = None, **info: Any) -> dict[str, Any]:
    """Return a study file as values: one primary analysis, one imaging analysis with a Holm family."""
    arms = arms or ARMS
    imaging = [name for name in OUTCOMES if name != "fma_total"]
    return {
        "version": 1,
        "study": {"title": "Cells after stroke", "registration": "NCT00000000", "simulated": True, **info},
        "arms": [{"name": name, "label": label, "reference": name == "control"} for name, label in arms.items()],
        "allocation": {"ratio": {name: 1 if name == "control" else 2 for name in arms}, "planned": 48},
        "visits": [
            {"name": "baseline", "label": "Baseline", "day": 0, "baseline": True},
            {"name": "day90", "label": "Day 90", "day": 90, "window": [75, 120]},
        ],
        "populations": [
            {"name": "itt", "label": "Intention to treat"},
            {"name": "imaging", "label": "Completer imaging set", "flag": "imaging"},
        ],
        "characteristics": [
            {"name": "age", "label": "Age", "kind": "continuous", "unit": "years"},
            {"name": "nihss", "label": "NIHSS", "kind": "continuous", "summary": "median_iqr", "digits": 0},
            {"name": "sex", "label": "Sex", "kind": "categorical"},
        ],
        "outcomes": [
            {
                "name": name, "label": label, "unit": unit, "direction": direction, "digits": digits,
                "source": {"table": "features", "where": {"feature": name}}, **({"range": list(bounds)} if bounds else {}),
            }
            for name, (label, unit, direction, bounds, digits) in OUTCOMES.items()
        ],
        "estimands": [
            _estimand("motor", "itt", ["fma_total"], [{"event": "Death", "strategy": "hypothetical"}]),
            _estimand("network", "imaging", imaging, []),
        ],
        "analyses": [
            {
                "name": "primary", "label": "Primary analysis", "estimand": "motor", "role": "primary",
                "methods": [method for method in METHODS if method != "bayes_outcomes"], "requested_method": "ratio_baseline_welch",
                "sensitivity": ["leave_one_out", "tipping_point"],
            },
            {
                "name": "imaging", "label": "Imaging analysis", "estimand": "network", "role": "secondary",
                "methods": ["ancova", "change_score", "within_arm", "bayes_ancova"],
            },
        ],
        "bayes": {},
        "families": [{"name": "network", "label": "Imaging family", "analyses": ["imaging"]}],
        "subgroups": [
            _subgroup("sex", "fma_total", "itt", "categorical"),
            _subgroup("nihss", "fma_total", "itt", "categorical", name="severe", cut=[12.0], role="secondary"),
            _subgroup("nihss", "mean_diffusivity", "imaging", "continuous", name="severity", per=5.0, at=[8.0, 15.0, 90.0]),
            _subgroup("baseline", "fma_total", "itt", "continuous", name="start", spline_df=2, covariates=["sex"]),
            _subgroup("age", "cst_fa", "imaging", "categorical", name="lost"),
        ],
    }  # fmt: skip


def _estimand(
    name: str, population: str, outcomes: list[str], events: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "name": name, "label": f"Estimand {name}", "population": population, "treatment": "cells against control",
        "outcomes": outcomes, "visit": "day90", "variable": "value at day 90", "intercurrent_events": events,
        "summary": "difference in means",
    }  # fmt: skip


def _subgroup(
    by: str, outcome: str, population: str, kind: str, *, name: str = "", **more: Any
) -> dict[str, Any]:
    """Return a subgroup analysis; age has too many values for categories, so that it cannot be computed."""
    shared = {"outcome": outcome, "visit": "day90", "population": population, "by": by, "kind": kind}
    return {"name": name or by, "label": f"By {name or by}", **shared, **more}


def make_results(values: dict[str, Any] | None = None, *, harms: bool = True) -> Results:
    """Return a whole store for a study file: simulated participants, descriptives counted, estimates by formulas."""
    return _made(json.dumps(values or plan()), harms=harms)


@cache
def _made(values: str, *, harms: bool) -> Results:
    study = Study.model_validate(json.loads(values))
    participants = simulated_people(study)
    tables = {"participants": participants}
    if harms:
        tables["harms"] = _harms(participants)
    return store_of(study, tables, _outcomes(study, participants))


def store_of(study: Study, tables: dict[str, pd.DataFrame], outcomes: pd.DataFrame) -> Results:
    """Return the store of a study: tables counted and described, estimates by formulas."""
    participants = tables["participants"]
    tables = {"events": _events(participants), **tables}
    estimates = _estimates(study, participants, outcomes)
    data = SimpleNamespace(
        study=study, tables=tables, outcomes=_with_moderators(study, outcomes, participants)
    )
    again, moderated = study_sensitivity(data, study_cells(study)), study_subgroups(data)
    frames = {
        "estimates": estimates,
        "adjusted": _adjusted(study, estimates),
        "statements": pd.concat(
            [_statements(study), pd.DataFrame([*again.statements, *moderated.statements])], ignore_index=True
        ),
        **{name: framed(name, getattr(again, name)) for name in ("influence", "tipping", "missingness")},
        "sensitivity": empty_table(RESULT_TABLES["sensitivity"]),
        "associations": framed("associations", association_rows(data)),
        "subgroups": framed("subgroups", moderated.subgroups),
        "planning": framed("planning", planning_rows(study)),
        "descriptives": pd.concat(
            [describe_study(study, participants, outcomes), describe_timing(study, tables)], ignore_index=True
        ),
        "flow": count_flow(study, tables, outcomes),
        "harms_summary": summarise_harms(study, tables),
        "connectivity": summarise_connectivity(study, tables),
        "diagnostics": diagnostics(study, estimates, _baseline_sds(outcomes)),
        "evidence": evidence(estimates),
        "predictive": predictions(study, estimates, outcomes),
        "outcomes": data.outcomes,
    }
    shown = ("features", "quality", "decisions", "status")
    frames |= {name: tables.get(name, empty_table(TABLES[name])) for name in shown}
    frames |= {table.name: empty_table(table) for table in MULTIVERSE_TABLES}
    return Results(frames, study.model_dump(mode="json"), _provenance(study))


def _with_moderators(study: Study, outcomes: pd.DataFrame, participants: pd.DataFrame) -> pd.DataFrame:
    """Return the outcomes with the columns of participants that subgroup analyses use."""
    names = [name for name in covariate_columns(study) if name in participants and name not in outcomes]
    return outcomes.join(participants.set_index("participant_id")[names], on="participant_id")


def _baseline_sds(outcomes: pd.DataFrame) -> dict[str, float]:
    """Return the SD of each outcome at baseline."""
    before = outcomes[outcomes["visit"] == "baseline"]
    return before.groupby("outcome")["value"].std().to_dict()


def changed(results: Results, table: str, frame: pd.DataFrame) -> Results:
    """Return the results with one table replaced."""
    return replace(results, tables={**results.tables, table: frame})


def simulated_people(study: Study) -> pd.DataFrame:
    """Return the table of participants."""
    rng = np.random.default_rng(7)
    names = [arm.name for arm in study.arms]
    arms = np.repeat(names, [study.allocation.ratio[name] * 12 for name in names])
    n = len(arms)
    age = np.where(np.arange(n) == 3, np.nan, rng.normal(66, 9, n).round())
    return pd.DataFrame({
        "participant_id": [f"sub-{index:03d}" for index in range(n)],
        "arm": arms,
        "age": age,
        "nihss": rng.integers(6, 21, n),
        "sex": [None if index == 5 else str(rng.choice(["female", "male"])) for index in range(n)],
        "treated": np.arange(n) % 17 != 0,
        "imaging": np.arange(n) % 5 != 0,
    })  # fmt: skip


def _outcomes(study: Study, participants: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    parts = []
    for outcome in study.outcomes:
        mean, sd, change, effect = SCALE[outcome.name]
        before = rng.normal(mean, sd, len(participants))
        if outcome.range:
            before = np.clip(before, *outcome.range).round()
            before[:2] = 0
        treated = (participants["arm"] != study.reference_arm.name).to_numpy()
        after = before + change + effect * treated + rng.normal(0, sd / 2, len(participants))
        after = np.clip(after, *outcome.range).round() if outcome.range else after
        after[[7, 20]] = np.nan
        for visit, value in (("baseline", before), ("day90", after)):
            parts.append(
                participants[["participant_id", "arm"]].assign(
                    visit=visit, outcome=outcome.name, value=value, baseline=before
                )
            )
    return pd.concat(parts, ignore_index=True)


def _events(participants: pd.DataFrame) -> pd.DataFrame:
    ids = participants["participant_id"].iloc[[7, 20]]
    return pd.DataFrame({"participant_id": ids, "day": [10.0, 40.0], "type": ["withdrawal", "death"]})


def _harms(participants: pd.DataFrame) -> pd.DataFrame:
    ids = participants["participant_id"].iloc[[1, 1, 15, 22]]
    terms = ["Fever", "Fever", "Fall", "Pneumonia"]
    return pd.DataFrame({
        "participant_id": ids, "term": terms, "serious": [False, False, False, True],
        "related": pd.array([True, None, False, False], dtype="boolean"),
    })  # fmt: skip


def _estimates(study: Study, participants: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for analysis in study.analyses:
        own = [
            row
            for name in study.estimand_of(analysis).outcomes
            for row in _analysis_rows(study, analysis, name, participants, outcomes)
        ]
        rows += [*own, *pooled(study, analysis, own, _baseline_sds(outcomes))]
    frame = pd.DataFrame(rows)[[column.name for column in RESULT_TABLES["estimates"].columns]]
    return frame.astype({"n_participants": "Int64", "n_observations": "Int64"})


def _analysis_rows(study, analysis, name, participants, outcomes):
    population = study.population_of(analysis)
    ids = (
        participants.loc[participants[population.flag].astype(bool), "participant_id"]
        if population.flag
        else participants["participant_id"]
    )
    rows = outcomes[
        (outcomes["outcome"] == name) & (outcomes["visit"] == "day90") & outcomes["participant_id"].isin(ids)
    ]
    whole = rows.dropna(subset=["value", "baseline"])
    shared = {
        "analysis": analysis.name, "outcome": name, "estimand": analysis.estimand, "population": population.name,
        "visit": "day90", "reference_arm": study.reference_arm.name, "conf_level": study.conf_level,
        "probability_benefit": np.nan, "probability_mcid": np.nan, "probability_rope": np.nan,
        "status": "ok", "reason": None, "spec_hash": study.spec_hash,
    }  # fmt: skip
    for part in _arm_rows(study, analysis, whole):
        row = {
            **shared,
            "unit": study.outcome(name).unit,
            "std_error": np.nan,
            "df": np.nan,
            "statistic": np.nan,
            **part,
        }
        row["key"] = estimate_key(
            analysis=analysis.name, outcome=name, population=population.name, method=row["method"],
            contrast=row["contrast"], visit="day90",
        )  # fmt: skip
        yield row


def _arm_rows(study, analysis, whole):
    reference = study.reference_arm.name
    by_arm = {arm.name: whole[whole["arm"] == arm.name] for arm in study.arms}
    counts = {arm: len(rows) for arm, rows in by_arm.items()}
    base = {"n_participants": len(whole), "n_observations": len(whole), "n_per_arm": json.dumps(counts)}
    for method in dict.fromkeys(row for name in analysis.methods for row in METHODS[name]):
        if method == "paired_t":
            continue
        for arm in study.arms:
            if not arm.reference:
                found = _two_sample(method, by_arm[arm.name], by_arm[reference], study.conf_level)
                if method in SLUGS:
                    outcome = study.outcome(whole["outcome"].iloc[0])
                    found = shrunk(found, method, study, outcome, whole["baseline"].std())
                yield {
                    **base,
                    "method": method,
                    "term": "arm",
                    "contrast": f"{arm.name} - {reference}",
                    **found,
                }
    for arm, rows in by_arm.items():
        if "within_arm" in analysis.methods:
            found = _one_sample(rows["value"] - rows["baseline"], study.conf_level)
            one = {
                "n_participants": len(rows),
                "n_observations": 2 * len(rows),
                "n_per_arm": json.dumps({arm: len(rows)}),
            }
            yield {
                **one,
                "method": "paired_t",
                "term": "within_arm",
                "contrast": f"day90 - baseline @ {arm}",
                **found,
            }
        found = _one_sample(rows["value"], study.conf_level)
        yield {**base, "method": "ancova_hc3", "term": "lsmean", "contrast": f"mean @ {arm}", **found}


def _values(method: str, rows: pd.DataFrame) -> pd.Series:
    change = rows["value"] - rows["baseline"]
    if method.startswith("ratio_baseline"):
        return (change / rows["baseline"].where(rows["baseline"] != 0)).dropna()
    if method.startswith("ratio_potential"):
        return change / (100 - rows["baseline"])
    return rows["value"] if method == "follow_up_welch" else change


def _two_sample(method: str, first: pd.DataFrame, second: pd.DataFrame, level: float) -> dict[str, Any]:
    pooled = method == "mmrm_group_time"
    test = stats.ttest_ind(_values(method, first), _values(method, second), equal_var=pooled)
    limits = test.confidence_interval(level)
    kind = {"mann_whitney": "exact_rank", "permutation": "none"}.get(method.split("_", 2)[-1], "t")
    ends = {} if kind == "none" else {"conf_low": limits.low, "conf_high": limits.high}
    estimate = _values(method, first).mean() - _values(method, second).mean()
    found = {
        "estimate": estimate,
        "conf_low": np.nan,
        "conf_high": np.nan,
        "p_value": test.pvalue,
        "interval_kind": kind,
        **ends,
    }
    unit = scale_of(method).unit
    return found | ({"unit": unit} if unit else {})


def _one_sample(values: pd.Series, level: float) -> dict[str, Any]:
    test = stats.ttest_1samp(values, 0)
    limits = test.confidence_interval(level)
    return {
        "estimate": values.mean(), "conf_low": limits.low, "conf_high": limits.high, "p_value": test.pvalue,
        "interval_kind": "t",
    }  # fmt: skip


def _adjusted(study: Study, estimates: pd.DataFrame) -> pd.DataFrame:
    parts = [pd.DataFrame(columns=["family", "procedure", "key", "p_raw", "p_adjusted"])]
    for family in study.families:
        chosen = estimates["analysis"].isin(family.analyses) & (estimates["method"] == family.method)
        rows = estimates[chosen & (estimates["term"] == "arm")]
        p = rows["p_value"].to_numpy()
        adjusted = np.empty(len(p))
        order = p.argsort()
        adjusted[order] = np.maximum.accumulate(np.minimum(1, p[order] * (len(p) - np.arange(len(p)))))
        named = {"family": family.name, "procedure": family.procedure}
        parts.append(pd.DataFrame({**named, "key": rows["key"], "p_raw": p, "p_adjusted": adjusted}))
    return pd.concat([part for part in parts if not part.empty] or parts[:1], ignore_index=True)


def _statements(study: Study) -> pd.DataFrame:
    keys = [
        f"{analysis.name}/{name}/{study.population_of(analysis).name}/agreement"
        for analysis in study.analyses
        for name in study.estimand_of(analysis).outcomes
    ]
    return pd.DataFrame({"key": keys, "statement": "The estimators were compared for <this> outcome."})


def _provenance(study: Study) -> dict[str, Any]:
    return {
        "neurotrial": "0.1", "code_hash": "c" * 32, "spec_hash": study.spec_hash, "inputs": {"study.yaml": "a" * 32},
        "python": "3.11.7", "platform": "Linux", "versions": {"numpy": "2.0", "statsmodels": "0.15"}, "seed": study.seed,
        "n_resamples": study.n_resamples, "created": "2026-01-01T00:00:00+00:00",
        "decisions": ["every analysis was fitted as planned"], "warnings": [],
    }  # fmt: skip


def awkward_stores() -> dict[str, Results]:
    """Return stores that a report must survive, by what is awkward about them."""
    return {
        "plain": make_results(),
        "no harms": make_results(harms=False),
        "three arms": make_results(plan(THREE_ARMS)),
        "failed": failed_store(),
        "failed posterior": failed_posterior(),
        "no intervals": without_intervals(),
        "hostile": make_results(hostile_plan()),
        "bare": make_results(bare_plan(), harms=False),
        "pooled": make_results(pooled_plan()),
    }


def failed_store() -> Results:
    """Return a store in which one outcome has a single failed row, and another only failed main estimates."""
    results = make_results()
    frame = results.tables["estimates"].copy()
    lost = {"status": "failed", "reason": "fewer than 2 participants in an arm", "interval_kind": "none"}
    empty = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high", "p_value"), np.nan)
    main = (frame["outcome"] == "inter_z") & frame["method"].str.startswith("ancova")
    first = frame["outcome"] == "cst_fa"
    frame = frame[~first | (first.cumsum() == 1)]
    for column, value in {**lost, **empty}.items():
        frame.loc[main | first, column] = value
    frame.loc[first, ["method", "term", "contrast", "n_per_arm"]] = ["ancova_hc3", "arm", "arm", "{}"]
    adjusted = results.tables["adjusted"].copy()
    adjusted.loc[adjusted["key"].str.contains("inter_z"), ["p_raw", "p_adjusted"]] = np.nan
    return changed(changed(results, "estimates", frame.reset_index(drop=True)), "adjusted", adjusted)


def failed_posterior() -> Results:
    """Return a store in which the group x time posterior under the neutral prior has failed."""
    values = plan()
    results = make_results(values)
    frame = results.tables["estimates"].copy()
    lost = frame["method"] == "bayes_group_time_neutral"
    chances = ("probability_benefit", "probability_mcid", "probability_rope")
    numbers = ("estimate", "std_error", "conf_low", "conf_high", *chances)
    gone = dict.fromkeys(numbers, np.nan) | {
        "status": "failed",
        "reason": FAILURE,
        "interval_kind": "none",
    }
    for column, value in gone.items():
        frame.loc[lost, column] = value
    study = Study.model_validate(values)
    outcomes = results.tables["outcomes"]
    tables = {
        "estimates": frame,
        "diagnostics": diagnostics(study, frame, _baseline_sds(outcomes)),
        "evidence": evidence(frame),
        "predictive": predictions(study, frame, outcomes),
    }
    return replace(results, tables=results.tables | tables)


def without_intervals() -> Results:
    """Return a store whose estimates have no interval."""
    results = make_results()
    frame = results.tables["estimates"].assign(conf_low=np.nan, conf_high=np.nan, interval_kind="none")
    return changed(results, "estimates", frame)


def hostile_plan() -> dict[str, Any]:
    """Return a study file in which every label and text would be markup, mathematics or another script."""
    values = plan({"control": HOSTILE, "cells": f"_{HOSTILE}"})
    for part in (
        "visits",
        "populations",
        "characteristics",
        "outcomes",
        "estimands",
        "analyses",
        "families",
        "subgroups",
    ):
        for index, item in enumerate(values[part]):
            item["label"] = f"{index} {HOSTILE}"
    texts = ("title", "registration", "design", "setting", "funding", "data_sharing")
    values["study"] = dict.fromkeys(texts, HOSTILE) | {"simulated": False}
    values["outcomes"][0] |= {"unit": HOSTILE, "mcid": {"value": 5.0, "source": HOSTILE}}
    values["estimands"][0] |= {"treatment": HOSTILE, "variable": HOSTILE, "summary": HOSTILE}
    return values


def pooled_plan(arms: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a study file whose imaging outcomes are pooled, with published control arms for two of its outcomes."""
    values = plan(arms)
    values["analyses"][1]["methods"] = [*values["analyses"][1]["methods"], "bayes_outcomes"]
    motor = {"source": "Doe 2019", "n": 40, "mean_change": 9.5, "sd_change": 8}
    tract = {"source": "Roe 2020", "n": 25, "mean_change": -0.02, "sd_change": 0.03}
    values["bayes"] = {
        "historical": [
            {"outcome": "fma_total", "method": "map", "arms": [motor]},
            {"outcome": "cst_fa", "method": "power", "power": 0.5, "arms": [tract]},
        ]
    }
    return values


def bare_plan() -> dict[str, Any]:
    """Return the smallest study file: one outcome, one method, nothing optional."""
    values = plan(simulated=False, registration=None)
    values |= {"families": [], "subgroups": [], "characteristics": [], "outcomes": values["outcomes"][:1]}
    values |= {"estimands": values["estimands"][:1], "analyses": values["analyses"][:1]}
    del values["bayes"]
    values["analyses"][0] |= {
        "methods": ["change_score"],
        "main_method": "change_welch",
        "requested_method": None,
    }
    del values["allocation"]["planned"]
    return values
