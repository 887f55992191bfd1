from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.results import RESULT_TABLES, Results, estimate_key, read_results, write_results

KEY = "primary/fma/itt/ancova_hc3/cells-control/day90"


def estimates() -> pd.DataFrame:
    row: dict[str, Any] = {
        "key": KEY, "analysis": "primary", "outcome": "fma", "estimand": "motor", "population": "itt",
        "method": "ancova_hc3", "term": "arm", "contrast": "cells - control", "visit": "day90",
        "reference_arm": "control", "estimate": 8.1, "std_error": 2.0, "df": 41.0, "statistic": 4.05, "conf_low": 4.06,
        "conf_high": 12.14, "conf_level": 0.95, "interval_kind": "t", "p_value": 0.0002, "probability_benefit": None,
        "probability_mcid": None, "probability_rope": None, "n_participants": 44, "n_per_arm": '{"control": 13, "cells": 31}', "n_observations": 44, "unit": "points",
        "status": "ok", "reason": None, "spec_hash": "x",
    }  # fmt: skip
    return pd.DataFrame([row])


@pytest.fixture
def results() -> Results:
    def empty(name: str) -> pd.DataFrame:
        return pd.DataFrame(columns=[column.name for column in RESULT_TABLES[name].columns])

    descriptive = {column.name: None for column in RESULT_TABLES["descriptives"].columns}
    descriptive |= {
        "key": "outcome/itt/fma/day90/cells",
        "section": "outcome",
        "population": "itt",
        "variable": "fma",
        "arm": "cells",
    }
    tables = {
        "estimates": estimates(),
        "adjusted": empty("adjusted"),
        "statements": pd.DataFrame({"key": ["primary/fma/itt/agreement"], "statement": ["They agree."]}),
        "descriptives": pd.DataFrame([descriptive]),
        "flow": pd.DataFrame({
            "key": ["flow/randomised/all"], "order": [1], "stage": ["randomised"], "label": ["Randomised"], "arm": ["all"], "n": [60],
        }),
        **{name: empty(name) for name in ("harms_summary", "connectivity", "diagnostics", "evidence", "predictive", "influence", "tipping", "sensitivity", "associations", "planning", "features", "quality", "decisions", "status")},
        "missingness": pd.DataFrame({
            "key": ["missing/fma/itt/day90/cells"], "outcome": ["fma"], "population": ["itt"], "visit": ["day90"], "arm": ["cells"],
            "n": [1], "n_observed": [1], "n_missing": [0], "proportion_missing": [0.0], "p_value": [None],
        }),
        "outcomes": pd.DataFrame({
            "participant_id": ["sub-1"], "arm": ["cells"], "visit": ["day90"], "outcome": ["fma"], "value": [1.0], "baseline": [0.0],
        }),
    }  # fmt: skip
    return Results(tables, {"study": {"title": "Toy"}}, {"seed": 1})


def test_results_come_back_as_they_were_written(tmp_path: Path, results: Results) -> None:
    write_results(tmp_path, results)
    again = read_results(tmp_path)
    assert again.study == results.study
    assert again.provenance["seed"] == 1
    assert again.value(f"{KEY}#estimate") == 8.1
    assert again.value("primary/fma/itt/agreement#statement") == "They agree."
    assert again.value("flow/randomised/all#n") == 60
    assert set(json.loads((tmp_path / "results" / "provenance.json").read_text())["files"]) == {
        f"{name}{suffix}" for name in RESULT_TABLES for suffix in (".parquet", ".tsv", ".json")
    }


@pytest.mark.parametrize(
    "citation", [f"{KEY}#estimat", "primary/fma/itt/ancova_hc4/cells-control/day90#estimate", "nothing"]
)
def test_an_unknown_citation_suggests_a_near_key(results: Results, citation: str) -> None:
    with pytest.raises(InputError, match="no result has this key and column"):
        results.value(citation)


def test_a_citation_that_two_families_answer_is_refused(results: Results) -> None:
    rows = {
        "family": ["a", "b"],
        "procedure": ["holm", "bh"],
        "key": [KEY, KEY],
        "p_raw": [0.1, 0.1],
        "p_adjusted": [0.2, 0.1],
    }
    results.tables["adjusted"] = pd.DataFrame(rows)
    with pytest.raises(InputError, match="several results"):
        results.value(f"{KEY}#p_adjusted")


def test_results_that_break_their_contract_are_not_written(tmp_path: Path, results: Results) -> None:
    results.tables["estimates"] = pd.concat([estimates(), estimates()], ignore_index=True)
    with pytest.raises(InputError, match="one row for each key"):
        write_results(tmp_path, results)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["estimates.tsv", "flow.parquet"])
def test_edited_results_are_refused(tmp_path: Path, results: Results, name: str) -> None:
    write_results(tmp_path, results)
    (tmp_path / "results" / name).write_bytes(b"edited")
    with pytest.raises(InputError, match="not those that the fit wrote") as caught:
        read_results(tmp_path)
    assert name in str(caught.value)


def test_a_fit_that_was_cut_off_leaves_no_results(
    tmp_path: Path, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results(tmp_path, results)
    monkeypatch.setattr("neurotrial.results.write_table", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_results(tmp_path, results)
    with pytest.raises(InputError, match="there are no results"):
        read_results(tmp_path)


def test_keys_are_slugs() -> None:
    place = {"analysis": "a", "outcome": "o", "population": "p", "visit": "v"}
    assert (
        estimate_key(**place, method="paired_t", contrast="day90 - baseline @ cells")
        == "a/o/p/paired_t/day90-baseline@cells/v"
    )
