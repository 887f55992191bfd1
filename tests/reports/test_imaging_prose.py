"""Sentences of images are true: of counts, of reasons, and of what the plan says."""

from __future__ import annotations

import pytest
from imaging_fixture import imaging_plan, imaging_results
from results_fixture import changed, make_results
from test_prose import words

from neurotrial.reports.cited import CitedResults
from neurotrial.reports.number_format import p_value
from neurotrial.reports.prose.counts import flow_text
from neurotrial.reports.prose.imaging import group_time_text, scan_counts_text, unmeasured_text
from neurotrial.reports.prose.imaging_methods import imaging_methods_text
from neurotrial.reports.prose.limits import limitations_text
from neurotrial.reports.sections_imaging import imaging_section


@pytest.fixture
def data():
    return CitedResults.of(imaging_results())


def test_group_time_of_every_outcome_has_its_interval(data):
    analysis = data.study.analyses[1]
    text = words(group_time_text(data, analysis))
    for outcome in data.outcomes_of(analysis):
        (effect,) = data.effects("imaging", outcome.name, "mmrm_group_time")
        assert f"{outcome.label} (Stem cells minus Control): {effect.text}" in text
    assert text.count("95 % CI") == 5
    assert group_time_text(data, data.study.analyses[2]).text == ""


def test_group_time_of_a_family_carries_its_adjusted_p_values():
    values = imaging_plan()
    values["families"][0]["method"] = "mmrm_group_time"
    data = CitedResults.of(imaging_results(values))
    text = words(group_time_text(data, data.study.analyses[1]))
    for row in data.rows("adjusted"):
        assert f"{data.effect(row.key).text}, {p_value(row['p_adjusted'], 'adjusted p')}" in text
    assert text.endswith("Adjusted over: Imaging family (Holm).")


def test_group_time_as_main_estimator_is_not_told_twice():
    values = imaging_plan()
    values["analyses"][1]["main_method"] = "mmrm_group_time"
    data = CitedResults.of(imaging_results(values))
    assert group_time_text(data, data.study.analyses[1]).text == ""


def test_scans_are_counted_with_the_reasons_of_exclusion(data):
    text = words(scan_counts_text(data))
    assert "144 scans were expected (72 DWI and 72 BOLD); 134 were made and 132 measured." in text
    assert "2 scans could not be measured." in text
    assert "2 scans were excluded by decision (ghosting: 2)." in text
    assert scan_counts_text(CitedResults.of(make_results())).text == ""


def test_everything_decided_leaves_no_sentence_of_the_undecided(data):
    decided = data.results.tables["decisions"].assign(by="rater A")
    data = CitedResults.of(changed(data.results, "decisions", decided))
    assert "nobody has decided" not in words(scan_counts_text(data))
    assert "nobody has judged" not in words(limitations_text(data))


def test_reasons_of_missing_scans_are_counted(data):
    text = words(unmeasured_text(data))
    assert "Not measurable (the brain mask is empty: no voxel is left): 2; not made (no files): 10." in text
    ok = data.results.tables["status"].assign(state="ok")
    assert unmeasured_text(CitedResults.of(changed(data.results, "status", ok))).text == ""


def test_flow_tells_who_was_scanned(data):
    text = words(flow_text(data))
    assert "Scans of every visit exist for 33: 10 (Control) and 23 (Stem cells)." in text
    assert "2 with a scan that a decision excludes: 0 (Control) and 2 (Stem cells)" in text
    assert "2 with a scan that could not be measured: 1 (Control) and 1 (Stem cells)." in text
    assert "Scans of every visit" not in words(flow_text(CitedResults.of(make_results())))


def test_limitations_of_images_follow_from_the_scans(data):
    text = words(limitations_text(data))
    assert (
        "Participants who lack at least one usable scan: 7 (10 scans not made, 2 not measurable, 2 excluded by decision)."
        in text
    )
    assert "have no ipsilesional measures: 1." in text
    assert "usable scan" not in words(limitations_text(CitedResults.of(make_results())))


def test_methods_say_what_the_plan_says(data):
    text = words(imaging_methods_text(data))
    for part in (
        "sessions 01 (Baseline) and 02 (Day 90)", "weighted least squares", "b = 1500 s/mm²", "those up to 50 s/mm²",
        "24 motion regressors", "0.01 to 0.1 Hz", "framewise displacement above 0.5 mm", "r ≥ 0.3", "the first 100 retained",
        "less than 50 %", "above 0.5 mm, more than 30 % of volumes", "ratio below 30 (BOLD)", "below 10 (DWI)",
        "more than 10 % of volumes with residuals", "the union of the masks of all visits", "a ring of 6 mm", "dipy",
        "without sight of the arm", "a scan whose lesion mask lies on the other side was not measured",
    ):  # fmt: skip
        assert part in text, part


def test_methods_change_with_the_plan():
    values = imaging_plan()
    values["imaging"] |= {
        "trust": "mask",
        "tensor": {"fit": "ols", "max_b": 1000},
        "cleaning": {"strategy": "6p", "common_volumes": 80, "fd_threshold": 0.4},
        "network": {"density_threshold": 0.25},
        "quality": {"tsnr": 40, "snr": 12},
    }
    text = words(imaging_methods_text(CitedResults.of(imaging_results(values))))
    for part in (
        "the mask holds", "ordinary least squares", "b = 1000 s/mm²", "the six motion parameters and", "r ≥ 0.25", "the first 80",
        "above 0.4 mm", "below 40 (BOLD)", "below 12 (DWI)",
    ):  # fmt: skip
        assert part in text, part
    assert "satterthwaite" not in text
    assert imaging_methods_text(CitedResults.of(make_results())) is None


def test_every_claim_of_the_imaging_results_has_its_interval(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("neurotrial.reports.floats._DPI", 40)
    text = words(imaging_section(data))
    claims = [line for line in text.splitlines() if line.startswith(("At Day 90", "Group × time, the"))]
    assert len(claims) == 7
    assert all("95 % CI" in claim and "Stem cells minus Control" in claim for claim in claims)
    assert text.count("Adjusted over the family Imaging family (Holm)") == 5
