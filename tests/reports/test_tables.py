"""Tables show what the store holds, cell by cell."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from imaging_fixture import imaging_plan, imaging_results
from results_fixture import THREE_ARMS, changed, failed_store, make_results, plan

from neurotrial.reports.cited import CitedResults
from neurotrial.reports.effect_cells import effect_cell
from neurotrial.reports.floats import table_float
from neurotrial.reports.number_format import count_percent, mean_sd, median_iqr, p_cell, p_value
from neurotrial.reports.prose.counts import harms_text
from neurotrial.reports.tables.estimators import estimator_table, within_arm_table
from neurotrial.reports.tables.harms import harms_table
from neurotrial.reports.tables.outcomes import outcome_table
from neurotrial.reports.tables.participants import baseline_table, flow_table
from neurotrial.reports.tables.plan import estimand_table
from neurotrial.reports.tables.record import record_table
from neurotrial.reports.tables.style import make_table


class Rows(HTMLParser):
    """The cells of the tables in an HTML text."""

    def __init__(self):
        super().__init__()
        self.rows = []
        self.inside = False

    def handle_starttag(self, tag, attrs):
        del attrs
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in {"td", "th"}

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def cells(tabulation) -> list[list[str]]:
    """Return the text of a table, row by row, header and notes included."""
    return rows_of(tabulation.html)


def rows_of(text: str) -> list[list[str]]:
    reader = Rows()
    reader.feed(text)
    return [[cell.strip() for cell in row] for row in reader.rows]


def row_of(tabulation, label: str) -> list[str]:
    return next(row[1:] for row in cells(tabulation) if row[0] == label)


def described(data, key):
    frame = data.results.tables["descriptives"]
    return frame[frame["key"] == key].iloc[0]


def test_baseline_table(data):
    table = baseline_table(data)
    assert cells(table)[0] == ["Characteristic", "Control (n = 12)", "Stem cells (n = 24)", "All (n = 36)"]
    for number, arm in enumerate(("control", "cells", "all")):
        age = described(data, f"characteristic/itt/age/{arm}")
        nihss = described(data, f"characteristic/itt/nihss/{arm}")
        male = described(data, f"characteristic/itt/sex/male/{arm}")
        assert row_of(table, "Age, years, mean (SD)")[number] == mean_sd(age["mean"], age["sd"], 1)
        assert row_of(table, "NIHSS, median (IQR)")[number] == median_iqr(
            nihss["median"], nihss["q1"], nihss["q3"], 0
        )
        assert row_of(table, "male")[number] == count_percent(male["count"], male["proportion"])
    labels = [row[0] for row in cells(table)]
    assert labels.count("Missing, n") == 2
    assert not re.search(r"\bp\b|p-value", table.html.partition("<table")[2])


def test_flow_table_has_every_stage_once(data):
    table = flow_table(data)
    assert cells(table)[0] == ["Stage", "Control", "Stem cells", "All"]
    assert row_of(table, "Planned") == ["–", "–", "48"]
    assert row_of(table, "Randomised") == ["12", "24", "36"]
    assert row_of(table, "Analysed: Fugl-Meyer motor total (Primary analysis)") == ["11", "23", "34"]
    assert len(cells(table)) == 1 + data.results.tables["flow"]["stage"].nunique()


def test_estimand_table_has_five_attributes_each(data):
    rows = cells(estimand_table(data))
    assert [row[0] for row in rows[1:7]] == [
        "Estimand motor", "Population", "Treatment", "Variable", "Intercurrent events", "Population-level summary",
    ]  # fmt: skip
    assert rows[5][1] == "Death: hypothetical"
    assert len(rows) == 1 + 2 * 6


def test_outcome_table(data):
    analysis = data.study.analyses[1]
    table = outcome_table(data, analysis)
    assert cells(table)[1] == ["Baseline", "Day 90", "Baseline", "Day 90"]
    adjusted = data.results.tables["adjusted"].set_index("key")["p_adjusted"]
    for outcome in data.outcomes_of(analysis):
        (effect,) = data.effects("imaging", outcome.name, "ancova_hc3")
        means = [
            described(data, f"outcome/imaging/{outcome.name}/{visit}/{arm}")
            for arm in ("control", "cells")
            for visit in ("baseline", "day90")
        ]
        assert row_of(table, f"{outcome.label}, {outcome.unit}") == [
            "8\u00a0/\u00a019",
            *(mean_sd(row["mean"], row["sd"], outcome.digits) for row in means),
            effect_cell(effect),
            p_cell(effect.p),
            p_cell(adjusted[effect.key]),
        ]
    notes = " ".join(row[0] for row in cells(table)[-7:])
    assert "Higher is better: FA of the corticospinal tract; Interhemispheric connectivity." in notes
    assert "Lower is better: Mean diffusivity." in notes
    assert "Imaging family (Holm)" in notes


def test_outcome_table_without_family_has_no_adjusted_column(data):
    head = cells(outcome_table(data, data.primary))[0]
    assert head == [
        "Outcome",
        "n",
        "Control",
        "Stem cells",
        "Effect, interval",
        "p",
        "Group × time, interval",
    ]


def test_group_time_stands_beside_the_main_effect():
    data = CitedResults.of(imaging_results())
    analysis = data.study.analyses[1]
    table = outcome_table(data, analysis)
    assert cells(table)[0][-1] == "Group × time, interval"
    for outcome in data.outcomes_of(analysis):
        (main,) = data.effects("imaging", outcome.name, "ancova_hc3")
        (beside,) = data.effects("imaging", outcome.name, "mmrm_group_time")
        row = row_of(table, f"{outcome.label}, {outcome.unit}")
        assert row[5] == effect_cell(main)
        assert row[8].replace("\u00a0", " ") == f"{effect_cell(beside)}; {p_value(beside.p)}"
    sensitivity = cells(outcome_table(data, data.study.analyses[2]))[0]
    assert "Group × time, interval" not in sensitivity


def test_group_time_that_is_adjusted_says_so():
    values = imaging_plan()
    values["families"][0]["method"] = "mmrm_group_time"
    data = CitedResults.of(imaging_results(values))
    table = outcome_table(data, data.study.analyses[1])
    assert "p, adj." not in cells(table)[0]
    adjusted = data.results.tables["adjusted"].set_index("key")["p_adjusted"]
    (beside,) = data.effects("imaging", "fa_cst", "mmrm_group_time")
    row = row_of(table, "FA, ipsilesional corticospinal tract, FA")
    assert row[-1].replace("\u00a0", " ").endswith(p_value(adjusted[beside.key], "adj. p"))


def test_outcome_table_of_three_arms_has_a_row_for_each_contrast():
    data = CitedResults.of(make_results(plan(THREE_ARMS)))
    labels = [row[0] for row in cells(outcome_table(data, data.primary))]
    assert "Fugl-Meyer motor total, points: Stem cells minus Control" in labels
    assert "Fugl-Meyer motor total, points: Sham minus Control" in labels


def test_outcome_table_says_why_an_estimate_is_missing():
    data = CitedResults.of(failed_store())
    row = row_of(outcome_table(data, data.study.analyses[1]), "Interhemispheric connectivity, Fisher z")
    assert row[-3:] == ["not estimable: fewer than 2 participants in an arm", "–", "–"]


def test_estimator_table_marks_requested_and_adjusted(data):
    table = estimator_table(data, data.primary, data.outcomes_of(data.primary)[0])
    roles = {row[0]: row[1] for row in cells(table)[1:17]}
    assert roles["ANCOVA, HC3 standard error"] == "main, baseline-adjusted"
    assert roles["ANCOVA, model-based standard error"] == "baseline-adjusted"
    assert roles["Improvement ratio, Welch t"] == "requested"
    assert roles["Change from baseline, Welch t"] == ""
    assert row_of(table, "Improvement ratio, permutation")[2] == "1.43 (no interval)"
    assert row_of(table, "ANCOVA, HC3 standard error")[2:] == [
        "9.7 points (4.8 to 14.6)",
        "<0.001",
        "–",
        "Stem cells",
    ]
    assert row_of(table, "Bayesian ANCOVA, neutral prior")[3:] == ["–", ">0.999", "Stem cells"]
    assert any(
        row[0].startswith("95 % CI by exact rank inversion: improvement ratio") for row in cells(table)
    )


def test_within_arm_changes_stand_beside_the_contrast(data):
    table = within_arm_table(data, data.study.analyses[1])
    labels = [row[0] for row in cells(table)]
    for outcome in data.outcomes_of(data.study.analyses[1]):
        at = labels.index(f"{outcome.label}, {outcome.unit}")
        assert [label.partition(":")[0] for label in labels[at + 1 : at + 5]] == ["Within arm"] * 2 + [
            "Between arms"
        ] * 2
    assert "only the contrast between the arms compares them" in labels[-2]


def test_within_arm_changes_without_contrast_are_not_shown():
    results = make_results()
    frame = results.tables["estimates"]
    data = CitedResults.of(changed(results, "estimates", frame[frame["term"] != "arm"]))
    assert all(within_arm_table(data, analysis) is None for analysis in data.study.analyses)


def test_harms_table(data):
    table = harms_table(data)
    assert cells(table)[0] == [
        "Event",
        "Control (n = 12)",
        "Stem cells (n = 24)",
        "Risk difference, % (95 % CI)",
    ]
    assert row_of(table, "Any adverse event")[:8] == ["1 (8 %)", "2", "0", "1", "2 (8 %)", "2", "1", "0"]
    assert row_of(table, "Any serious event")[:8] == ["0 (0 %)", "0", "0", "0", "1 (4 %)", "1", "1", "0"]
    assert row_of(table, "Pneumonia")[:8] == ["0 (0 %)", "0", "0", "0", "1 (4 %)", "1", "1", "0"]
    assert re.fullmatch(r"0 \(−\d+ to \d+\)", row_of(table, "Any adverse event")[8])


def test_harms_of_earlier_results_have_no_risk_difference():
    results = make_results()
    old = results.tables["harms_summary"].drop(columns=["risk_difference", "conf_low", "conf_high"])
    data = CitedResults.of(changed(results, "harms_summary", old))
    assert len(row_of(harms_table(data), "Any adverse event")) == 8
    assert "risk difference" not in harms_text(data).text
    assert "risk difference of any serious event" in harms_text(CitedResults.of(results)).text


def test_a_study_without_harms():
    assert harms_table(CitedResults.of(make_results(harms=False))) is None


def test_record_table_names_the_renderer(data):
    assert row_of(record_table(data, {"NEUROTRIAL_RENDERER": "builtin (pandoc 3.9)"}), "Rendered by") == [
        "builtin (pandoc 3.9)"
    ]
    table = record_table(data, {})
    assert row_of(table, "Rendered by") == ["not stated by the renderer"]
    assert row_of(table, "Analysis plan, BLAKE2b") == [data.study.spec_hash]
    assert row_of(table, "statsmodels") == ["0.15"]


@pytest.mark.parametrize("text", ["{{x^2}}", "<b>", "a & b", "**c**", "```", "名前"])
def test_labels_notes_groups_and_cells_are_literal(text):
    table = make_table(
        "t", [{"group": text, "row": text, "value": text}], {"row": text, "value": text}, spanners=[(text, ["value"])],
        notes=[text], row_label="row", group="group",
    )  # fmt: skip
    shown = [cell for row in rows_of(table.as_raw_html()) for cell in row]
    assert shown == [text] * 7


def test_a_table_stays_one_block_whatever_it_holds(data):
    results = changed(
        data.results, "harms_summary", data.results.tables["harms_summary"].replace("Fall", "``` :::::")
    )
    text = table_float(harms_table(CitedResults.of(results))).text
    assert text.startswith("::::: {#tbl-harms}\n\n````{=html}\n")
    assert text.endswith("\n````\n\nAdverse events by arm as treated.\n\n:::::")
    assert "\n\n" not in text.partition("{=html}\n")[2].partition("\n````")[0]


def test_the_same_store_gives_the_same_table(data):
    again = CitedResults.of(make_results())
    assert outcome_table(again, again.primary).html == outcome_table(data, data.primary).html


def test_a_count_that_is_missing_is_a_dash(data):
    frame = data.results.tables["descriptives"].copy()
    frame.loc[frame["key"] == "outcome/itt/fma_total/day90/cells", ["mean", "sd"]] = np.nan
    table = outcome_table(CitedResults.of(changed(data.results, "descriptives", frame)), data.primary)
    assert row_of(table, "Fugl-Meyer motor total, points")[4] == "–"
