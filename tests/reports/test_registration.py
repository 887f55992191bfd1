"""The register of the plan and the deviations from it, in a report."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from results_fixture import make_results, plan

from neurotrial.reports.cited import CitedResults
from neurotrial.reports.prose.registration import deviations_section, register_section, registration_text
from neurotrial.reports.tables.registration import deviation_table, differences_from_plan, register_table
from neurotrial.study import Study


def registered(number: int = 1, **record):
    planned = Study.model_validate(plan()).model_dump(mode="json", exclude={"study", "report", "deviations"})
    return {
        "number": number, "registered": f"202{number}-01-15T10:00:00+00:00", "study_file": "ab" * 16, "note": None,
        "outcome_tables": [], "results": False, "plan": planned, **record,
    }  # fmt: skip


def cited(found, deviations=(), decisions=("every analysis was fitted as planned",)):
    store = make_results()
    values = {**store.study, "deviations": list(deviations)}
    record = {**store.provenance, "registered": found, "decisions": list(decisions)}
    return CitedResults.of(replace(store, study=values, provenance=record))


@pytest.fixture
def changed():
    other = registered()
    other["plan"] = copy.deepcopy(other["plan"])
    other["plan"]["analyses"][0]["main_method"] = "change_welch"
    other["plan"]["conf_level"] = 0.9
    return other


def test_nothing_registered_is_said():
    data = cited([])
    assert "No analysis plan was registered" in str(registration_text(data))
    assert "`neurotrial register`" in str(register_section(data))
    assert deviations_section(data) is None
    assert register_table(data) is None


def test_a_plan_that_was_kept():
    data = cited([registered()])
    text = str(registration_text(data))
    assert text.startswith("::: {#sec-changes}")
    assert "registered on 2021\\-01\\-15 before any outcome was in the tables" in text
    assert "The executed plan is the registered one." in text
    assert str(deviations_section(data)) == "Nothing was done otherwise than planned."


def test_changes_are_listed_with_reasons_and_those_without_are_flagged(changed):
    reason = {
        "what": "conf_level",
        "reason": "editor's wish",
        "date": "2022-03-01",
        "before_unblinding": True,
    }
    data = cited([changed], [reason])
    assert [one.path for one in differences_from_plan(data)] == [
        f"analyses.{data.study.analyses[0].name}.main_method",
        "conf_level",
    ]
    table = deviation_table(data).html
    assert "NO REASON GIVEN" in table
    assert "editor&#x27;s wish" in table or "editor's wish" in table
    assert "2022-03-01, before unblinding" in table
    assert "**No reason is given for 1 of them.**" in str(registration_text(data))


def test_an_amendment_is_named(changed):
    data = cited([changed, registered(2)])
    assert ", and amended once." in str(registration_text(data))
    assert "amendment 2 of 2022-01-15" in deviation_table(data).html


def test_what_was_known_at_registration():
    late = cited([registered(results=True)])
    assert "when results had been computed" in str(registration_text(late))
    assert "results had been computed" in register_table(late).html
    seen = cited([registered(outcome_tables=["motor"])])
    assert "when outcomes were in the tables" in str(registration_text(seen))
    assert "outcomes were in the tables (motor)" in register_table(seen).html


def test_decisions_of_the_run_are_listed():
    data = cited([registered()], decisions=["primary/fma: failed, no variation"])
    assert "primary/fma: failed, no variation" in deviation_table(data).html
