"""The standard sensitivity set of a simulated store: rows of every state, made from the estimates that it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from neurotrial.models.sensitivity_variations.sentences_of_changes import change_statements
from neurotrial.results import RESULT_TABLES, Results, estimate_key
from neurotrial.study import Study

_NONE = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high", "p_value"), np.nan)


def with_sensitivity(results: Results) -> Results:
    """Return the store with a table `sensitivity`, and the sentences about it."""
    study = Study.model_validate(results.study)
    rows = list(_rows(study, results.tables["estimates"]))
    columns = [column.name for column in RESULT_TABLES["sensitivity"].columns]
    table = pd.DataFrame(rows).reindex(columns=columns).astype({"reason": "str", "n_per_arm": "str"})
    told = pd.DataFrame(change_statements(study, table))
    statements = pd.concat([results.tables["statements"], told], ignore_index=True)
    return replace(results, tables={**results.tables, "sensitivity": table, "statements": statements})


def _rows(study: Study, estimates: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for analysis in study.analyses:
        for name in study.estimand_of(analysis).outcomes:
            mains = estimates[
                (estimates["analysis"] == analysis.name)
                & (estimates["outcome"] == name)
                & (estimates["method"] == analysis.main_method)
                & (estimates["term"] == "arm")
            ]
            for main in mains.to_dict("records"):
                for row in _varied(main, study.outcome(name).unit):
                    place = {
                        key: row[key] for key in ("analysis", "outcome", "population", "contrast", "visit")
                    }
                    key = f"sensitivity/{estimate_key(method=row['variation'], **place)}"
                    yield {**row, "key": key}


def _varied(main: dict[str, Any], unit: str) -> Iterator[dict[str, Any]]:
    """Yield a main comparison and a row of each state and conclusion; none can be held against a failed one."""
    failed = main["status"] == "failed"

    def row(variation: str, group: str, words: str, conclusion: str, **more: Any) -> dict[str, Any]:
        told = "not_estimable" if failed else conclusion
        own = {
            "variation": variation,
            "group": group,
            "description": words,
            "conclusion": told,
            "change_in_se": 0.3,
        }
        return {**main, "status": "ok", "unit": unit, "delta": np.nan, **own, **more}

    yield row("main", "main", "main analysis", "same", status=main["status"], change_in_se=0.0)
    turned = {"estimate": -1.0, "conf_low": -2.0, "conf_high": -0.1, "p_value": 0.04}
    yield row(
        "population_itt",
        "population",
        "population: <everybody>",
        "same",
        status="repeats",
        reason="same numbers",
    )
    yield row(
        "without_highest",
        "participants",
        "without sub-001: highest estimate of 20",
        "significance",
        p_value=0.07,
    )
    yield row("ranks", "model", "ranks of the change", "direction", **turned)
    yield row(
        "robust",
        "model",
        "robust regression (MM)",
        "not_estimable",
        status="failed",
        reason="too few",
        **_NONE,
    )
    reason = "baseline is all that the main analysis adjusts for"
    yield row("baseline_only", "covariates", "adjusted for baseline only", "not_estimable", status="not_applicable",
              reason=reason, n_per_arm="{}", **_NONE)  # fmt: skip
    yield row(
        "tipping_lower",
        "tipping",
        "imputed values shifted lower until significance is lost",
        "significance",
        delta=-1.25,
    )
    yield row("tipping_higher", "tipping", "no shift changes it", "same")
    yield row("bayes_ancova_sceptical", "prior", "Bayesian ANCOVA, sceptical prior", "same", p_value=np.nan)
    yield row(
        "statistic_ratio", "statistic", "ratio of both sides", "same", unit="ratio", change_in_se=np.nan
    )
