"""Scans: what became of each is counted and listed as the tables have it, and never by arm."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pandas as pd
import pypandoc
import pytest
from everything_study import png
from imaging_fixture import (
    imaging_results,
    imaging_stores,
    picture_of,
    tables_only,
    write_pictures,
)
from results_fixture import ARMS, HOSTILE, changed, make_results
from test_tables import cells, row_of

import neurotrial.reports as package
from neurotrial.reports import Report, floats
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.pictures import LARGEST, choose_pictures, picture_file, picture_float
from neurotrial.reports.quality_names import quality_name
from neurotrial.reports.scans import ScanCounts, count_scans, read_scans
from neurotrial.reports.tables.scans import decision_words, gap_table, scan_count_table, scan_table

CALLS = re.findall(r"report\.(\w+)\(\)", (Path(package.__file__).parent / "quality.qmd").read_text("utf-8"))


@pytest.fixture
def data():
    return CitedResults.of(imaging_results())


def with_rows(table, **rows):
    """Return the store with columns of one table replaced."""
    results = imaging_results()
    return CitedResults.of(changed(results, table, results.tables[table].assign(**rows)))


def scan_of(data, participant, visit, modality):
    wanted = (participant, visit, modality)
    return next(s for s in read_scans(data) if (s.participant, s.visit, s.modality) == wanted)


def test_counts_are_those_of_the_tables(data):
    tables = data.results.tables
    states = tables["status"]["state"].value_counts()
    flagged = tables["quality"][tables["quality"]["flagged"]]
    scans = flagged[["participant_id", "visit", "modality"]].drop_duplicates()
    counts = count_scans(read_scans(data))
    assert (counts.expected, counts.made) == (144, 144 - states["skipped"])
    assert (counts.measured, counts.failed) == (states["ok"], states["failed"])
    assert (counts.flagged, counts.excluded) == (len(scans), 2)
    assert count_scans([]) == ScanCounts(0, 0, 0, 0, 0, 0, 0)


def test_undecided_scans_are_those_that_are_used_without_a_decision(data):
    tables = data.results.tables
    keys = ["participant_id", "visit", "modality"]
    both = tables["decisions"].merge(tables["status"][[*keys, "state"]], on=keys)
    expected = int(((both["by"] == "undecided") & (both["state"] == "ok")).sum())
    assert count_scans(read_scans(data)).undecided == expected


def test_a_scan_has_its_measures_its_decision_and_its_state(data):
    excluded = scan_of(data, "sub-025", "baseline", "dwi")
    assert (excluded.include, excluded.by, excluded.why) == (False, "rater A", "ghosting")
    assert decision_words(excluded) == "excluded, by rater A: ghosting"
    failed = scan_of(data, "sub-020", "day90", "bold")
    assert (failed.state, failed.measures, failed.picture) == ("failed", {}, "")
    assert not scan_of(data, "sub-005", "baseline", "dwi").made
    quality = data.results.tables["quality"]
    rows = quality[(quality["participant_id"] == "sub-001") & (quality["visit"] == "day90")]
    values = rows[rows["modality"] == "bold"].set_index("measure")["value"]
    scan = scan_of(data, "sub-001", "day90", "bold")
    assert {name: measure.value for name, measure in scan.measures.items()} == values.to_dict()
    assert scan.measures["fd_mean"].limit == 0.5
    assert scan.measures["fd_max"].limit is None


def test_runs_are_scans_of_their_own():
    results = imaging_results()
    for table in ("status", "quality", "decisions"):
        frame = results.tables[table].assign(run=pd.array([1] * len(results.tables[table]), dtype="Int64"))
        results = changed(results, table, pd.concat([frame, frame.assign(run=2)], ignore_index=True))
    data = CitedResults.of(results)
    assert count_scans(read_scans(data)).expected == 288
    assert row_of(scan_table(data, "dwi"), "001, run 2")[0] == "Baseline"


def test_count_table(data):
    table = scan_count_table(data)
    assert [row[:2] for row in cells(table)[1:6]] == [
        ["DWI", "Baseline"], ["DWI", "Day 90"], ["BOLD", "Baseline"], ["BOLD", "Day 90"], ["All", ""],
    ]  # fmt: skip
    rows = [[int(cell) for cell in row[2:]] for row in cells(table)[1:6]]
    assert [sum(column) for column in zip(*rows[:4], strict=True)] == rows[4]
    assert rows[4][:4] == [144, 134, 132, 2]


def test_every_scan_that_was_made_is_in_its_table(data):
    for modality in ("dwi", "bold"):
        made = [scan for scan in read_scans(data) if scan.modality == modality and scan.made]
        rows = cells(scan_table(data, modality))[1 : len(made) + 1]
        assert [row[0] for row in rows] == [scan.participant.removeprefix("sub-") for scan in made]
        for scan, row in zip(made, rows, strict=True):
            assert sum("†" in cell for cell in row) == len(scan.flags)
    assert (
        row_of(scan_table(data, "dwi"), "003")[-1]
        == "not measurable: the brain mask is empty: no voxel is left"
    )
    assert "excluded, by rater A: ghosting" in [row[-1] for row in cells(scan_table(data, "bold"))]
    assert scan_table(data, "pet") is None


def test_values_are_printed_in_their_unit(data):
    scan = scan_of(data, "sub-001", "baseline", "bold")
    row = row_of(scan_table(data, "bold"), "001")
    assert row[1] == f"{scan.measures['fd_mean'].value:.2f}"
    assert row[2] == f"{100 * scan.measures['share_censored'].value:.0f}"
    notes = " ".join(row[0] for row in cells(scan_table(data, "bold")))
    assert "Mean FD, mm: 0.50; Censored, %: 30; tSNR: 30.0" in notes


def test_a_measure_that_nobody_named_is_shown_with_its_own_name():
    quality = imaging_results().tables["quality"]
    more = quality[quality["measure"] == "snr"].assign(measure="ghost_ratio", unit="a.u.", threshold=0.2)
    frame = pd.concat([quality, more], ignore_index=True)
    data = CitedResults.of(changed(imaging_results(), "quality", frame))
    assert "ghost ratio, a.u." in cells(scan_table(data, "dwi"))[0]
    assert quality_name("ghost_ratio", "a.u.").shown(None) == "–"


def test_gaps_are_listed_with_their_reasons(data):
    table = gap_table(data)
    assert row_of(table, "sub-005") == [
        "DWI and BOLD, Baseline; DWI and BOLD, Day 90",
        "not made",
        "no files",
    ]
    assert row_of(table, "sub-010") == ["DWI and BOLD, Day 90", "not made", "no files"]
    assert row_of(table, "sub-020")[1:] == ["not measurable", "the brain mask is empty: no voxel is left"]
    status = data.results.tables["status"]
    whole = changed(data.results, "status", status[status["state"] == "ok"])
    assert gap_table(CitedResults.of(whole)) is None


def test_a_study_without_scans_says_so():
    for results in (make_results(), tables_only()):
        report = Report(CitedResults.of(results))
        assert report.scan_counts().text.startswith("This study has no scans")
        assert [getattr(report, call)() for call in CALLS if call != "scan_counts"] == [None] * 4


@pytest.fixture
def study(tmp_path, data):
    write_pictures(tmp_path, data.results, png(30, 20))
    return tmp_path


def test_pictures_of_remarkable_scans_come_first_and_two_others_last(study, data):
    scans = read_scans(data)
    chosen = choose_pictures(scans, study)
    assert len(chosen.shown) == LARGEST
    assert [scan.include for scan in chosen.shown[:3]] == [False, False, True]
    assert all(not scan.include or scan.flags for scan in chosen.shown[:-2])
    assert all(scan.include and not scan.flags for scan in chosen.shown[-2:])
    remarkable = [
        scan for scan in scans if scan.made and (scan.flags or not scan.include or scan.state == "failed")
    ]
    assert len(chosen.shown) - 2 + len(chosen.named) + len(chosen.absent) == len(remarkable)
    assert {scan.state for scan in chosen.absent} == {"failed"}
    assert [scan.modality for scan in chosen.shown[-2:]] == ["dwi", "bold"]


def test_pictures_that_are_not_shown_are_named_by_their_folder(study, data, monkeypatch):
    monkeypatch.chdir(study)
    text = Report(data, study).scan_pictures().text.replace("\\", "")
    others = choose_pictures(read_scans(data), study).others
    assert f"Pictures of the {len(others)} other scans are in extraction/pictures." in text


@pytest.mark.parametrize("name", ["../../secret.png", "/etc/hostname", "missing.png", "note.png", ""])
def test_a_picture_that_is_no_picture_of_the_study_is_not_shown(study, data, name):
    (study / "note.png").write_text("no picture", encoding="utf-8")
    (study.parent / "secret.png").write_bytes(png(3, 2))
    shown = with_rows("status", picture=[name] * 144)
    assert picture_file(scan_of(shown, "sub-001", "baseline", "dwi"), study) is None
    assert picture_file(scan_of(data, "sub-001", "baseline", "dwi"), None) is None


def test_a_picture_is_copied_and_described(study, data, tmp_path):
    flagged = next(scan for scan in read_scans(data) if "snr" in scan.flags)
    text = picture_float(data, flagged, 3, study, tmp_path / "reports").text.replace("\\", "")
    value = f"{flagged.measures['snr'].value:.1f}"
    assert text.startswith(
        '::::: {#fig-scan-3}\n\n![](figures/scan-3.png){fig-alt="Quality control picture. DWI of'
    )
    assert f"flagged for SNR: {value} (limit 10.0)" in text
    assert " width=6.5in}" in text
    assert (tmp_path / "reports/figures/scan-3.png").read_bytes() == png(30, 20)


def test_a_tall_picture_fits_the_page(study, data, tmp_path):
    scan = scan_of(data, "sub-001", "baseline", "dwi")
    (study / scan.picture).write_bytes(png(20, 60))
    assert " width=2.5in}" in picture_float(data, scan, 1, study, tmp_path / "reports").text


@pytest.mark.parametrize("name", imaging_stores())
def test_the_quality_document_is_whole(name, tmp_path, monkeypatch):
    results = imaging_stores()[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(floats, "_DPI", 40)
    write_pictures(tmp_path, results, png(30, 20))
    report = Report(CitedResults.of(results), tmp_path)
    text = "\n\n".join(str(part) for call in CALLS if (part := getattr(report, call)()) is not None)
    labels = re.findall(r"^::::: \{#((?:fig|tbl)-[a-z0-9-]+)\}$", text, re.MULTILINE)
    assert len(labels) == len(set(labels))
    assert set(re.findall(r"@((?:fig|tbl)-[a-z0-9-]*[a-z0-9])", text)) <= set(labels)
    assert not re.search(r"\bnan\b|\bNone\b|<NA>", text)
    assert not any(f">{label}<" in text or f"{label} (n" in text for label in ARMS.values())
    assert "<script" not in re.sub(r"&lt;script", "", text).replace("\\<script", "")


def test_no_arm_is_named_on_the_pages_of_quality(study, data, monkeypatch):
    monkeypatch.chdir(study)
    monkeypatch.setattr(floats, "_DPI", 40)
    report = Report(data, study)
    text = " ".join(str(getattr(report, call)()) for call in CALLS).replace("\\", "")
    assert not [
        label for label in ARMS.values() if re.search(rf"\b{label}\b", text.replace("Quality control", ""))
    ]


def test_pictures_that_are_absent_are_named(study, data):
    path = study / picture_of("sub-030", "day90", "bold")
    path.unlink()
    text = Report(data, None).scan_pictures().text.replace("\\", "")
    assert "No picture of a scan is in the study folder." in text
    assert re.search(r"sub-030: [^;]*BOLD[^;]* at Day 90", text)
    chosen = choose_pictures(read_scans(data), study)
    assert "sub-030" in {scan.participant for scan in chosen.absent}


def test_reasons_raters_and_labels_come_out_literally(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(floats, "_DPI", 40)
    results = imaging_stores()["imaging, hostile"]
    status, decisions = results.tables["status"], results.tables["decisions"]
    results = changed(
        results, "status", status.assign(reason=status["reason"].where(status["reason"].isna(), HOSTILE))
    )
    results = changed(results, "decisions", decisions.assign(by=HOSTILE, reason=HOSTILE))
    write_pictures(tmp_path, results, png(30, 20))
    report = Report(CitedResults.of(results), tmp_path)
    text = "\n\n".join(str(getattr(report, call)()) for call in CALLS)
    page = pypandoc.convert_text(text, "html", format="markdown", extra_args=["--mathml"])
    assert "<script" not in page
    assert "<math" not in page
    body = " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())
    # every made scan has rater and reason in its table
    assert body.count(HOSTILE) > 2 * 130
    assert body.count(HOSTILE) == body.count("alert(1)") == body.count("pagebreak >}}")
