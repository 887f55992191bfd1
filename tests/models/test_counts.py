"""Descriptives, flow and harms are counted right on a study small enough to count by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from neurotrial.models.descriptives import describe_study, summary
from neurotrial.models.exact_risk_difference import exact_risk_difference
from neurotrial.models.flow import count_flow
from neurotrial.models.harms import summarise_harms
from neurotrial.models.timing import describe_timing
from neurotrial.outcomes import build_outcomes
from neurotrial.study import Study


@pytest.fixture
def study() -> Study:
    return Study.model_validate({
        "version": 1,
        "study": {"title": "Counting"},
        "arms": [{"name": "control", "label": "Control", "reference": True}, {"name": "cells", "label": "Cells"}],
        "allocation": {"ratio": {"control": 1, "cells": 2}, "planned": 7},
        "visits": [
            {"name": "baseline", "label": "Baseline", "day": 0, "baseline": True},
            {"name": "day90", "label": "Day 90", "day": 90},
        ],
        "populations": [{"name": "everyone", "label": "All"}, {"name": "pp", "label": "Per protocol", "flag": "pp"}],
        "characteristics": [
            {"name": "age", "label": "Age", "kind": "continuous"},
            {"name": "sex", "label": "Sex", "kind": "categorical"},
        ],
        "outcomes": [{
            "name": "fma", "label": "Fugl-Meyer", "unit": "points", "direction": "higher_is_better", "range": [0, 66],
            "source": {"table": "motor", "where": {"scale": "fma_ue"}},
        }],
        "estimands": [{
            "name": "main", "label": "Main", "population": "everyone", "treatment": "cells v control",
            "outcomes": ["fma"], "visit": "day90", "variable": "score", "intercurrent_events": [],
            "summary": "difference",
        }],
        "analyses": [
            {"name": "primary", "label": "Primary", "estimand": "main", "role": "primary", "methods": ["ancova"]},
            {
                "name": "pp", "label": "Per protocol", "estimand": "main", "role": "sensitivity",
                "methods": ["ancova"], "population": "pp",
            },
        ],
    })  # fmt: skip


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    participants = pd.DataFrame({
        "participant_id": ["sub-1", "sub-2", "sub-3", "sub-4", "sub-5", "sub-6"],
        "arm": ["control", "control", "cells", "cells", "cells", "cells"],
        "age": [50.0, 60, 40, None, 70, 80],
        "sex": ["male", "female", "male", "male", None, "female"],
        "pp": [True, True, True, True, False, True],
        "treated": pd.array([True, True, True, True, False, None], dtype="boolean"),
        "treatment_received": ["control", "control", "cells", "cells", None, "control"],
    })  # fmt: skip
    scores = {
        "sub-1": (10, 20),
        "sub-2": (66, 66),
        "sub-3": (0, 8),
        "sub-4": (20, 40),
        "sub-5": (30, None),
        "sub-6": (12, 18),
    }
    motor = pd.DataFrame(
        [
            {"participant_id": participant, "visit": visit, "scale": "fma_ue", "score": score}
            for participant, both in scores.items()
            for visit, score in zip(("baseline", "day90"), both, strict=True)
        ]
    )
    events = pd.DataFrame(
        {"participant_id": ["sub-5", "sub-5"], "day": [3.0, 9.0], "type": ["withdrawal", "withdrawal"]}
    )
    harms = pd.DataFrame({
        "participant_id": ["sub-3", "sub-3", "sub-6", "sub-5"],
        "term": ["Fever", "Fever", "Fall", "Fall"],
        "serious": [False, True, False, False],
        "related": pd.array([True, None, False, False], dtype="boolean"),
    })  # fmt: skip
    return {"participants": participants, "motor": motor, "events": events, "harms": harms}


def by_key(frame: pd.DataFrame) -> pd.DataFrame:
    assert frame["key"].is_unique
    return frame.set_index("key")


def test_summary_counts_missing_and_uses_n_minus_1() -> None:
    row = summary(pd.Series([1.0, 2, 3, 10, None]))
    assert (row["n"], row["n_missing"], row["mean"], row["median"]) == (4, 1, 4.0, 2.5)
    assert row["sd"] == pytest.approx((50 / 3) ** 0.5, rel=1e-15)
    assert (row["q1"], row["q3"], row["minimum"], row["maximum"]) == (1.75, 4.75, 1, 10)


def test_descriptives(study: Study, tables: dict[str, pd.DataFrame]) -> None:
    outcomes, problems = build_outcomes(study, tables)
    assert problems == []
    rows = by_key(describe_study(study, tables["participants"], outcomes))
    age = rows.loc["characteristic/everyone/age/cells"]
    assert (age["n"], age["n_missing"], age["mean"]) == (3, 1, pytest.approx(190 / 3, rel=1e-15))
    male = rows.loc["characteristic/everyone/sex/male/all"]
    assert (male["count"], male["n"], male["n_missing"], male["proportion"]) == (3, 5, 1, 0.6)
    assert rows.loc["outcome/everyone/fma/day90/cells", "n_missing"] == 1
    assert rows.loc["change/everyone/fma/day90/cells", "mean"] == pytest.approx((8 + 20 + 6) / 3, rel=1e-15)
    assert rows.loc["change/pp/fma/day90/cells", "n"] == 3
    assert rows.loc["outcome/pp/fma/baseline/cells", "n"] == 3


def test_undefined_ratios_are_counted_and_not_averaged(study: Study, tables: dict[str, pd.DataFrame]) -> None:
    outcomes, _ = build_outcomes(study, tables)
    rows = by_key(describe_study(study, tables["participants"], outcomes))
    cells = rows.loc["ratio/everyone/fma/day90/baseline/cells"]
    assert (cells["n_undefined"], cells["n"], cells["n_missing"]) == (1, 2, 1)
    assert cells["mean"] == pytest.approx((1 + 0.5) / 2, rel=1e-15)
    control = rows.loc["ratio/everyone/fma/day90/potential/control"]
    assert (control["n_undefined"], control["n"], control["mean"]) == (
        1,
        1,
        pytest.approx(10 / 56, rel=1e-15),
    )


def test_flow_counts_participants_once_and_by_arm(study: Study, tables: dict[str, pd.DataFrame]) -> None:
    outcomes, _ = build_outcomes(study, tables)
    flow = by_key(count_flow(study, tables, outcomes))["n"]
    assert flow["flow/planned/all"] == 7
    assert (flow["flow/randomised/control"], flow["flow/randomised/cells"], flow["flow/randomised/all"]) == (
        2,
        4,
        6,
    )
    assert (flow["flow/treated/cells"], flow["flow/treated/all"]) == (2, 4)
    assert flow["flow/lost:withdrawal/cells"] == 1
    assert flow["flow/population:pp/cells"] == 3
    assert (flow["flow/analysed:primary/fma/cells"], flow["flow/analysed:pp/fma/all"]) == (3, 5)


def test_harms_are_counted_as_treated(study: Study, tables: dict[str, pd.DataFrame]) -> None:
    rows = by_key(summarise_harms(study, tables))
    cells, control = rows.loc["harms/any/cells"], rows.loc["harms/any/control"]
    assert (
        cells["n_at_risk"],
        cells["n_participants"],
        cells["n_events"],
        cells["n_serious"],
        cells["n_related"],
    ) == (2, 1, 2, 1, 1)
    assert (control["n_at_risk"], control["n_participants"], control["n_events"]) == (4, 2, 2)
    assert rows.loc["harms/Fall/cells", "n_events"] == 0
    serious, related = rows.loc["harms/any serious/cells"], rows.loc["harms/any related/cells"]
    assert (serious["n_participants"], serious["n_events"], related["n_participants"]) == (1, 1, 1)
    assert rows.loc["harms/any serious/control", "n_participants"] == 0


def test_risk_differences_are_those_of_participants_as_treated(
    study: Study, tables: dict[str, pd.DataFrame]
) -> None:
    rows = by_key(summarise_harms(study, tables))
    cells = rows.loc["harms/any/cells"]
    expected = exact_risk_difference(1, 2, 2, 4)
    assert (cells["risk_difference"], cells["conf_low"], cells["conf_high"]) == (
        expected.estimate,
        expected.conf_low,
        expected.conf_high,
    )
    assert rows.loc["harms/any/control", ["risk_difference", "conf_low", "conf_high"]].isna().all()
    treated = tables["participants"].assign(treatment_received="control")
    nobody = by_key(summarise_harms(study, {**tables, "participants": treated}))
    assert pd.isna(nobody.loc["harms/any/cells", "risk_difference"])


def test_a_study_without_harms_has_no_harm_rows(study: Study, tables: dict[str, pd.DataFrame]) -> None:
    del tables["harms"]
    assert summarise_harms(study, tables).empty


def test_days_of_stages_and_visits_are_summarised(study: Study, tables: dict[str, pd.DataFrame]) -> None:
    values = study.model_dump(mode="json")
    values["visits"][1]["window"] = [80.0, 100.0]
    participants = tables["participants"].assign(days_stroke_to_baseline=[10.0, 20, 30, 40, None, 60])
    motor = tables["motor"].assign(
        days_since_randomisation=lambda frame: frame["visit"].map({"baseline": 0.0, "day90": 90.0})
    )
    motor.loc[
        (motor["participant_id"] == "sub-3") & (motor["visit"] == "day90"), "days_since_randomisation"
    ] = 101
    motor.loc[motor["participant_id"] == "sub-5", "days_since_randomisation"] = None
    # a second scale of the same day is the same visit
    motor = pd.concat([motor, motor.assign(scale="fma_le")], ignore_index=True)
    changed = {**tables, "participants": participants, "motor": motor}
    rows = by_key(describe_timing(Study.model_validate(values), changed))
    stroke = rows.loc["timing/randomised/days_stroke_to_baseline/all"]
    assert (stroke["n"], stroke["n_missing"], stroke["median"]) == (5, 1, 30)
    visit = rows.loc["timing/randomised/days_since_randomisation/day90/cells"]
    assert (visit["n"], visit["count"], visit["maximum"]) == (3, 1, 101)
    assert visit["proportion"] == pytest.approx(1 / 3)
    assert rows.loc["timing/randomised/days_since_randomisation/day90/control", "count"] == 0
    # no window, no count
    assert pd.isna(rows.loc["timing/randomised/days_since_randomisation/baseline/all", "count"])


def test_a_study_without_days_has_no_rows_of_timing(study: Study, tables: dict[str, pd.DataFrame]) -> None:
    assert describe_timing(study, tables).empty
    assert describe_timing(study, {"participants": tables["participants"]}).empty
