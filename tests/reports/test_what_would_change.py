"""The standard sensitivity set in the report: flagged where it is not there, else sentence, tables and figures."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
import pytest
from results_fixture import THREE_ARMS, changed, make_results, plan
from sensitivity_fixture import with_sensitivity

from neurotrial.models.sensitivity_variations.sentences_of_changes import change_statements
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.figures.what_would_change import changes_figure
from neurotrial.reports.sections_sensitivity import what_would_change_section
from neurotrial.reports.sensitivity_blocks import blocks
from neurotrial.reports.tables.what_would_change import e_value_table, overview_table, variations_table
from neurotrial.study import Study


@pytest.fixture(scope="module")
def results():
    return with_sensitivity(make_results())


@pytest.fixture
def varied(results):
    return CitedResults.of(results)


def cells(tabulation):
    return [
        [
            html.unescape(re.sub("<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", tabulation.html, re.DOTALL)
    ]


def test_without_the_set_it_is_said_and_how_to_compute_it():
    text = what_would_change_section(CitedResults.of(make_results())).text
    assert "## What would change the conclusion" in text
    assert "**Not computed.**" in text
    assert "`neurotrial fit --sensitivity`" in text


def test_the_first_sentence_counts_what_agrees(varied, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = what_would_change_section(varied).text.replace("\\", "")
    # four main comparisons, each with two that agree, one of another significance, one of another direction
    assert "Of 16 variations of 4 main comparisons, 8 agree with them in direction and significance; " in text
    assert "4 change the significance, 4 change the direction." in text
    own = text.partition("**Primary analysis, Fugl-Meyer motor total.**")[2].partition("See ")[0]
    assert "2 of 4 variations agree with the main analysis" in own
    assert "Significance changes: without sub-001: highest estimate of 20." in own
    assert "Direction changes: ranks of the change." in own
    assert "until significance is lost, by −1.25 points." in own
    assert "what_would_change#statement" in varied.citations
    assert len(list((tmp_path / "figures").glob("what-would-change-*.png"))) == 4


def test_the_overview_has_a_row_for_each_main_comparison(varied):
    shown = list(blocks(varied))
    rows = cells(overview_table(varied, shown))
    first = next(row for row in rows if row[0].startswith("Fugl-Meyer"))
    assert first[2] == "2 of 4"
    assert first[4] == "single participants (1); model (1)"
    assert first[5] == "−1.2 points or none"
    assert sum(row[2:3] == ["2 of 4"] for row in rows) == 4


def test_every_variation_is_in_the_table_or_its_notes(varied):
    block = next(iter(blocks(varied)))
    rows = cells(variations_table(varied, block))
    by_label = {row[0]: row for row in rows if row}
    assert by_label["population: <everybody>"][5] == "no: same numbers"
    assert by_label["without sub-001: highest estimate of 20"][5] == "yes: significance"
    assert by_label["ranks of the change"][5] == "yes: direction"
    assert by_label["robust regression (MM)"][2] == "not estimable: too few"
    assert by_label["robust regression (MM)"][5] == "not estimable"
    assert by_label["ratio of both sides"][2].partition(" (")[0].endswith(" ratio")
    assert by_label["ratio of both sides"][4] == "–"
    (note,) = [label for label in by_label if label.startswith("Not applicable")]
    assert note == (
        "Not applicable: adjusted for baseline only (baseline is all that the main analysis adjusts for)."
    )


def test_the_figure_marks_the_main_estimate_and_says_what_changes_it(varied):
    block = next(iter(blocks(varied)))
    plot = changes_figure(varied, block)
    axes = plot.figure.axes[0]
    labels = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert labels[0].startswith("main analysis: ANCOVA, HC3")
    # not the very same numbers again, no failure, no tipping point, no other unit
    assert labels[1:] == [
        "without sub-001: highest estimate of 20", "ranks of the change", "Bayesian ANCOVA, sceptical prior",
    ]  # fmt: skip
    main = block.main["estimate"]
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in dashed] == [main]
    names = {text.get_text() for text in plot.figure.legends[0].get_texts()}
    assert names == {"main analysis", "same conclusion", "significance changes", "direction changes"}
    assert (
        "the conclusion changes with: without sub-001: highest estimate of 20; ranks of the change"
        in plot.alt
    )


def test_a_failed_main_comparison_has_a_table_and_no_figure(results):
    table = results.tables["sensitivity"].copy()
    lost = table["group"].eq("main") & table["outcome"].eq("fma_total")
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "p_value"]
    table.loc[lost, numbers] = np.nan
    table.loc[lost, ["status", "reason"]] = ["failed", "too few"]
    data = CitedResults.of(changed(results, "sensitivity", table))
    block = next(iter(blocks(data)))
    assert changes_figure(data, block) is None
    assert any("not estimable: too few" in row for row in cells(variations_table(data, block)))
    assert "not estimable: too few" in overview_table(data, [block]).html


def test_of_three_arms_each_contrast_has_a_block():
    data = CitedResults.of(with_sensitivity(make_results(plan(THREE_ARMS))))
    shown = [block for block in blocks(data) if block.outcome.name == "fma_total"]
    assert [block.comparison for block in shown] == ["Stem cells minus Control", "Sham minus Control"]
    assert len({block.name for block in shown}) == 2
    statement = data.cite("primary/fma_total/itt/what_would_change#statement")
    assert "Stem cells minus Control: 2 of 4" in statement
    assert "Sham minus Control: 2 of 4" in statement


def confounded_store(**failed):
    """Return a store with an association of a motor and an imaging outcome, and its E-values."""
    values = plan()
    values["outcomes"][0]["source"] = {"table": "motor", "where": {"scale": "fma_total"}}
    values["associations"] = [
        {"name": "link", "label": "Connectivity and score", "x": "inter_z", "y": "fma_total", "visit": "day90", "population": "imaging"}
    ]  # fmt: skip
    results = with_sensitivity(make_results(values))
    table = results.tables["sensitivity"]
    shared = table.iloc[0].to_dict() | {
        "analysis": "link", "outcome": "fma_total", "population": "imaging", "group": "confounding", "unit": "risk ratio",
        "conclusion": None, "conf_low": np.nan, "conf_high": np.nan, "contrast": "fma_total ~ inter_z",
    }  # fmt: skip
    rows = [
        {
            **shared,
            "variation": "risk_ratio",
            "estimate": 1.5,
            "conf_low": 1.1,
            "conf_high": 2.0,
            "description": "ratio",
        },
        {**shared, "variation": "e_value", "estimate": 2.366, "description": "to explain the association"},
        {**shared, "variation": "e_value_limit", "estimate": 1.43, "description": "to explain the limit"},
    ]
    rows = [{**shared, "variation": "e_value", "description": "E-value", **failed}] if failed else rows
    more = pd.DataFrame([{**row, "key": f"sensitivity/link/{row['variation']}"} for row in rows])
    whole = pd.concat([table, more[table.columns]], ignore_index=True)
    study = Study.model_validate(results.study)
    statements = pd.DataFrame(change_statements(study, whole))
    old = results.tables["statements"]
    told = pd.concat([old[~old["key"].isin(statements["key"])], statements], ignore_index=True)
    return changed(changed(results, "sensitivity", whole), "statements", told)


def test_e_values_stand_at_the_end_with_their_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = CitedResults.of(confounded_store())
    rows = cells(e_value_table(data))
    assert ["ratio", "1.50 (1.10 to 2.00)"] in rows
    assert ["to explain the association", "2.37"] in rows
    text = what_would_change_section(data).text.replace("\\", "")
    end = text.partition("**Unmeasured confounding.**")[2]
    assert "would need a risk ratio of 2.37 with both to explain the association, and of 1.43" in end
    assert "[@vanderweele2017]" in end
    # an association is no main comparison
    assert "of 4 main comparisons" in text


def test_an_e_value_that_cannot_be_computed_says_why(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = CitedResults.of(confounded_store(status="failed", reason="too few participants", estimate=np.nan))
    assert ["E-value", "not estimable: too few participants"] in cells(e_value_table(data))
    assert "could not be computed" in what_would_change_section(data).text
