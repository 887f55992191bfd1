from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from neurotrial.longitudinal import baseline_problems, longitudinal_problems, type_study_columns
from neurotrial.outcomes import build_outcomes, missingness
from neurotrial.study import Study

LABELS = {"participants": "p.tsv", "motor": "m.tsv", "features": "f.tsv"}


def make_study(**changes: Any) -> Study:
    plan: dict[str, Any] = {
        "version": 1,
        "study": {"title": "Toy"},
        "arms": [{"name": "control", "label": "Control", "reference": True}, {"name": "cells", "label": "Cells"}],
        "allocation": {"ratio": {"control": 1, "cells": 1}},
        "visits": [
            {"name": "v0", "label": "Baseline", "day": 0, "window": [-5, 0], "baseline": True},
            {"name": "v1", "label": "Day 90", "day": 90, "window": [80, 100]},
        ],
        "populations": [{"name": "all", "label": "All"}],
        "outcomes": [
            {
                "name": "ue", "label": "UE", "unit": "points", "direction": "higher_is_better", "range": [0, 66],
                "source": {"table": "motor", "where": {"scale": "fma_ue"}},
            },
            {
                "name": "fa", "label": "FA", "unit": "FA", "direction": "higher_is_better",
                "source": {"table": "features", "where": {"feature": "fa", "side": "ipsilesional"}},
            },
        ],
        "estimands": [{
            "name": "e", "label": "E", "population": "all", "treatment": "t", "outcomes": ["ue", "fa"], "visit": "v1",
            "variable": "v", "intercurrent_events": [], "summary": "s",
        }],
        "analyses": [
            {"name": "a", "label": "A", "estimand": "e", "role": "primary", "methods": ["ancova"], "covariates": ["site"]}
        ],
    }  # fmt: skip
    return Study.model_validate(plan | changes)


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    motor = [
        ("sub-1", "v0", 0.0, 10.0),
        ("sub-1", "v1", 90.0, 20.0),
        ("sub-2", "v0", -1.0, 30.0),
        ("sub-2", "v1", 110.0, 33.5),
    ]
    features = [
        (who, visit, 1, "dwi", "fa", side, value, status)
        for who, visit, side, value, status in (
            ("sub-1", "v0", "ipsilesional", 0.4, "ok"), ("sub-1", "v1", "ipsilesional", 0.5, "flagged"),
            ("sub-2", "v0", "ipsilesional", 0.3, "failed"), ("sub-2", "v1", "ipsilesional", 0.2, "ok"),
            ("sub-1", "v0", "contralesional", 0.6, "ok"),
        )
    ]  # fmt: skip
    return {
        "participants": pd.DataFrame(
            {"participant_id": ["sub-1", "sub-2"], "arm": ["control", "cells"], "site": ["x", "y"]}
        ),
        "motor": pd.DataFrame(
            motor, columns=["participant_id", "visit", "days_since_randomisation", "score"]
        ).assign(scale="fma_ue"),
        "features": pd.DataFrame(
            features,
            columns=["participant_id", "visit", "run", "modality", "feature", "side", "value", "status"],
        ),
    }


def values(outcomes: pd.DataFrame, name: str) -> dict[tuple[str, str], float]:
    own = outcomes[outcomes["outcome"] == name].dropna(subset="value")
    return {
        (who, visit): value
        for who, visit, value in zip(own["participant_id"], own["visit"], own["value"], strict=True)
    }


def test_the_grid_is_complete_and_carries_baseline_and_covariates(tables: dict[str, pd.DataFrame]) -> None:
    outcomes, problems = build_outcomes(make_study(), tables)
    assert problems == []
    assert len(outcomes) == 2 * 2 * 2
    assert list(outcomes.columns) == [
        "participant_id",
        "arm",
        "visit",
        "outcome",
        "value",
        "baseline",
        "site",
    ]
    row = outcomes[
        (outcomes["participant_id"] == "sub-2") & (outcomes["visit"] == "v1") & (outcomes["outcome"] == "ue")
    ].iloc[0]
    assert (row["value"], row["baseline"], row["site"], row["arm"]) == (33.5, 30.0, "y", "cells")


def test_population_flags_travel_with_the_outcomes(tables: dict[str, pd.DataFrame]) -> None:
    tables["participants"]["mri"] = [True, False]
    outcomes, _ = build_outcomes(
        make_study(populations=[{"name": "all", "label": "All", "flag": "mri"}]), tables
    )
    assert outcomes.groupby("participant_id")["mri"].unique().map(list).to_dict() == {
        "sub-1": [True],
        "sub-2": [False],
    }


def test_a_failed_feature_is_missing_and_a_flag_excludes_nothing(tables: dict[str, pd.DataFrame]) -> None:
    outcomes, _ = build_outcomes(make_study(), tables)
    assert values(outcomes, "fa") == {("sub-1", "v0"): 0.4, ("sub-1", "v1"): 0.5, ("sub-2", "v1"): 0.2}


def test_a_decision_excludes_its_scan_only(tables: dict[str, pd.DataFrame]) -> None:
    tables["decisions"] = pd.DataFrame({
        "participant_id": ["sub-1", "sub-2"], "visit": ["v1", "v1"], "run": [1, 1], "modality": ["dwi", "bold"],
        "include": pd.array([False, False], dtype="boolean"),
    })  # fmt: skip
    outcomes, _ = build_outcomes(make_study(), tables)
    assert values(outcomes, "fa") == {("sub-1", "v0"): 0.4, ("sub-2", "v1"): 0.2}


def test_a_visit_outside_its_window_is_kept_or_left_out_by_rule(tables: dict[str, pd.DataFrame]) -> None:
    kept, _ = build_outcomes(make_study(), tables)
    assert ("sub-2", "v1") in values(kept, "ue")
    left, _ = build_outcomes(make_study(visit_rules={"outside_window": "exclude"}), tables)
    assert ("sub-2", "v1") not in values(left, "ue")
    assert ("sub-1", "v1") in values(left, "ue")


@pytest.mark.parametrize(("rule", "expected"), [("closest", 22.0), ("first", 21.0), ("last", 23.0)])
def test_two_visits_in_one_window_are_resolved_by_rule(
    tables: dict[str, pd.DataFrame], rule: str, expected: float
) -> None:
    again = pd.DataFrame({
        "participant_id": "sub-1", "visit": "v1", "days_since_randomisation": [82.0, 91.0, 99.0],
        "score": [21.0, 22.0, 23.0], "scale": "fma_ue",
    })  # fmt: skip
    first = tables["motor"]
    tables["motor"] = pd.concat(
        [first[~((first["participant_id"] == "sub-1") & (first["visit"] == "v1"))], again], ignore_index=True
    )
    outcomes, problems = build_outcomes(make_study(visit_rules={"repeated": rule}), tables)
    assert problems == []
    assert values(outcomes, "ue")["sub-1", "v1"] == expected


def test_an_ambiguous_source_names_the_columns_to_add(tables: dict[str, pd.DataFrame]) -> None:
    study = make_study()
    loose = study.outcomes[1].model_copy(
        update={"source": study.outcomes[1].source.model_copy(update={"where": {"feature": "fa"}})}
    )
    _, problems = build_outcomes(study.model_copy(update={"outcomes": [study.outcomes[0], loose]}), tables)
    assert "several rows" in problems[0].rule
    assert "side" in problems[0].remedy


@pytest.mark.parametrize(
    ("where", "words"),
    [({"feature": "md"}, "no row of the table"), ({"feature": "fa", "tract": "x"}, "no column tract")],
)
def test_a_source_that_finds_nothing_is_a_problem(
    tables: dict[str, pd.DataFrame], where: dict[str, str], words: str
) -> None:
    study = make_study()
    other = study.outcomes[1].model_copy(
        update={"source": study.outcomes[1].source.model_copy(update={"where": where})}
    )
    _, problems = build_outcomes(study.model_copy(update={"outcomes": [other]}), tables)
    assert words in problems[0].rule


def test_missingness_is_counted_by_outcome_arm_and_visit(tables: dict[str, pd.DataFrame]) -> None:
    outcomes, _ = build_outcomes(make_study(), tables)
    counts = missingness(outcomes).set_index(["outcome", "arm", "visit"])
    assert counts.loc[("fa", "cells", "v0")].tolist() == [0, 1]
    assert counts.loc[("ue", "control", "v1")].tolist() == [1, 0]


def test_a_later_value_without_baseline_is_a_problem_unless_declared(tables: dict[str, pd.DataFrame]) -> None:
    study = make_study()
    outcomes, _ = build_outcomes(study, tables)
    assert [problem.rows for problem in baseline_problems(study, outcomes)] == [
        ("sub-2: v1=0.2, baseline=n/a",)
    ]
    declared = [outcome.model_copy(update={"missing_baseline": "exclude"}) for outcome in study.outcomes]
    assert baseline_problems(study.model_copy(update={"outcomes": declared}), outcomes) == []


def test_windows_and_totals_are_warnings(tables: dict[str, pd.DataFrame]) -> None:
    ue = tables["motor"]
    others = [ue.assign(scale="fma_le", score=1.0), ue.assign(scale="fma_total", score=ue["score"] + 1.0)]
    others[1].loc[0, "score"] = 50.0
    tables["motor"] = pd.concat([ue, *others], ignore_index=True)
    problems = longitudinal_problems(make_study(), tables, LABELS)
    assert {problem.severity for problem in problems} == {"warning"}
    text = "\n".join(map(str, problems))
    assert "outside the window 80 to 100 days; it is kept" in text
    assert "sub-1, v0: 10 + 1 is not 50" in text


def test_the_trial_checks_name_file_and_rows(tables: dict[str, pd.DataFrame]) -> None:
    tables["motor"].loc[0, "participant_id"] = "sub-9"
    tables["motor"].loc[1, "score"] = 67.0
    tables["participants"] = tables["participants"].drop(columns="site")
    text = "\n".join(
        str(p) for p in longitudinal_problems(make_study(), tables, LABELS) if p.severity == "error"
    )
    assert "m.tsv: participant_id: a participant is not in p.tsv" in text
    assert "fma_ue must lie in [0, 66] points" in text
    assert "p.tsv: site: the column is missing; analysis 'a' of study.yaml names it" in text


def test_study_columns_are_typed_by_the_plan() -> None:
    study = make_study(
        populations=[{"name": "all", "label": "All", "flag": "chosen"}],
        characteristics=[{"name": "height", "label": "Height", "kind": "continuous"}],
        analyses=[
            {
                "name": "a",
                "label": "A",
                "estimand": "e",
                "role": "primary",
                "methods": ["ancova"],
                "covariates": ["log(dose)", "site", "ward"],
            }
        ],
    )
    raw = pd.DataFrame(
        {
            "chosen": ["true", "maybe"],
            "height": ["1.8", "tall"],
            "site": ["1", "2"],
            "dose": ["1", "2"],
            "ward": ["1", "b"],
        },
        dtype="str",
    )
    typed, problems = type_study_columns(study, raw, "p.tsv")
    assert [problem.where for problem in problems] == ["p.tsv: chosen", "p.tsv: height"]
    assert typed["dose"].tolist() == [1.0, 2.0]
    assert typed["ward"].tolist() == ["1", "b"]
    assert typed["site"].tolist() == ["1", "2"]
    assert typed["height"].iloc[0] == 1.8
