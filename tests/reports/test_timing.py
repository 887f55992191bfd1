"""When things happened: told where the results hold days, left to the authors where they hold none."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from results_fixture import changed, make_results, plan, simulated_people, store_of

from neurotrial.models.timing import describe_timing
from neurotrial.reports import Report
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.prose.timing import timing_text
from neurotrial.study import Study


def store(**changes: object) -> CitedResults:
    """Return a store whose participants have days: 10 to stroke, 5 to treatment (cells), visits at 90 but one at 130."""
    values = json.loads(json.dumps(plan())) | changes
    study = Study.model_validate(values)
    people = simulated_people(study)
    people["days_stroke_to_baseline"] = 10.0
    people["days_randomisation_to_treatment"] = [5.0 if arm == "cells" else None for arm in people["arm"]]
    motor = pd.DataFrame(
        {
            "participant_id": people["participant_id"],
            "visit": "day90",
            "days_since_randomisation": 90.0,
            "scale": "fma_total",
        }
    )
    motor.loc[0, "days_since_randomisation"] = 130
    results = make_results(values)
    timing = describe_timing(study, {"participants": people, "motor": motor})
    rows = pd.concat([results.tables["descriptives"], timing], ignore_index=True)
    return CitedResults.of(changed(results, "descriptives", rows))


def words(data: CitedResults) -> str:
    return timing_text(data).text.replace("\\", "")


def test_days_and_visits_outside_their_window_are_told() -> None:
    data = store()
    text = words(data)
    assert (
        "From stroke to baseline it took a median of 10 days (IQR 10 to 10, n = 12) with Control and a median of 10 days "
        "(IQR 10 to 10, n = 24) with Stem cells." in text
    )
    # nobody in the control arm was treated
    assert (
        "From randomisation to treatment it took a median of 5 days (IQR 5 to 5, n = 24) with Stem cells."
        in text
    )
    assert (
        "1 of 36 visits were outside the window of 75 to 120 days: 1 (Control) and 0 (Stem cells); their values were kept."
        in text
    )
    assert "[Authors:" not in text
    assert "timing/randomised/days_since_randomisation/day90/all#count" in data.citations


def test_values_that_the_plan_leaves_out_are_said_to_be() -> None:
    assert "their values were left out." in words(store(visit_rules={"outside_window": "exclude"}))


def test_what_the_results_do_not_hold_is_left_to_the_authors(data: CitedResults) -> None:
    text = words(data)
    for part in (
        "no days from stroke to baseline",
        "no days from randomisation to treatment",
        "no days of visits",
    ):
        assert text.count(f"*[Authors: the results hold {part}") == 1
    assert "median" not in text


def test_the_store_of_a_whole_fit_has_these_rows() -> None:
    study = Study.model_validate(plan())
    people = simulated_people(study).assign(days_stroke_to_baseline=10.0)
    results = store_of(study, {"participants": people}, make_results(plan()).tables["outcomes"])
    assert "From stroke to baseline" in timing_text(CitedResults.of(results)).text


@pytest.mark.parametrize("harms", [True, False])
def test_harms_that_were_not_given_are_left_to_the_authors(harms: bool) -> None:
    made = Report(CitedResults.of(make_results(harms=harms))).harms()
    assert made is not None
    assert ("[Authors: no table of harms was given" in made.text.replace("\\", "")) is not harms
