"""Reports that are rendered anew are the same bytes, and what differs is named."""

from __future__ import annotations

import shutil

import pytest
from click.testing import CliRunner
from results_fixture import changed, make_results

from neurotrial.cli import main
from neurotrial.errors import InputError
from neurotrial.loading import load_study
from neurotrial.provenance import code_hash
from neurotrial.reports.verification.verify import plan_verification, verify_reports
from neurotrial.results import write_results

KEY = "primary/fma_total/itt/ancova_ols/cells-control/day90"
TEXT = f"""---
title: Short
date: today
---

```{{python}}
#| include: false
from neurotrial.reports import open_report
report = open_report()
```

The difference was `{{python}} report.effect("{KEY}")`.

```{{python}}
#| output: asis
report.flow()
```
"""


@pytest.fixture
def study(tmp_path, monkeypatch, simulated_tables):
    """A study folder with one short document, rendered in all formats."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    folder = shutil.copytree(simulated_tables, tmp_path / "study")
    store(folder, make_results())
    for path in (folder / "reports").glob("*.qmd"):
        path.unlink()
    (folder / "reports" / "short.qmd").write_text(TEXT, "utf-8")
    result = CliRunner().invoke(main, ["report", str(folder), "--engine", "builtin"])
    assert result.exit_code == 0, result.output
    return folder


def store(folder, results):
    """Write results as if they had been fitted from the study folder as it is."""
    own = {"code_hash": code_hash(), "inputs": load_study(folder).hashes}
    results.provenance.update(own)
    write_results(folder, results)


def verdicts(folder):
    return {file.file: file.verdict for file in verify_reports(plan_verification(folder, "builtin")).files}


def test_the_same_results_give_the_same_bytes_in_every_format(study):
    found = verify_reports(plan_verification(study, "builtin"))
    assert verdicts(study) == dict.fromkeys(("short.html", "short.docx", "short.pdf"), "identical")
    assert found.outdated == ()
    assert found.passed
    page = (study / "output" / "short.html").read_text("utf-8")
    # the day of the fit, as the fixture has it, not of today
    assert make_results().provenance["created"][:4] in page


def test_other_results_are_shown_in_the_words_that_differ_and_nothing_is_overwritten(study):
    before = {path: path.read_bytes() for path in (study / "output").iterdir()}
    results = make_results()
    frame = results.tables["estimates"].copy()
    frame.loc[frame["key"] == KEY, "estimate"] += 50
    store(study, changed(results, "estimates", frame))
    result = CliRunner().invoke(main, ["verify", str(study), "--engine", "builtin"])
    assert result.exit_code == 1, result.output
    assert "0 of 3 files are identical" in result.output
    assert "short.html: - " in result.output
    assert "short.docx: + " in result.output
    assert {path: path.read_bytes() for path in (study / "output").iterdir()} == before


def test_a_file_that_was_edited_by_hand_or_is_gone_is_named(study):
    page = study / "output" / "short.html"
    page.write_text(page.read_text("utf-8").replace("<body", "<body data-edited='1'", 1), "utf-8")
    (study / "output" / "short.docx").unlink()
    assert verdicts(study) == {"short.html": "other bytes", "short.docx": "missing", "short.pdf": "identical"}


def test_results_that_are_older_than_their_study_file_are_told(study):
    plan = study / "study.yaml"
    plan.write_text(plan.read_text("utf-8").replace("seed:", "# changed\nseed:", 1) + "\n# later\n", "utf-8")
    result = CliRunner().invoke(main, ["verify", str(study), "--engine", "builtin"])
    assert result.exit_code == 1, result.output
    assert (
        "The results are out of date: study.yaml has changed (remedy: neurotrial fit)"
        in result.output.replace("\n", " ").replace("  ", " ")
    )


def test_reports_are_verified_without_the_data_of_participants_and_that_is_told(study):
    shutil.rmtree(study / "tables")
    found = verify_reports(plan_verification(study, "builtin"))
    assert {file.verdict for file in found.files} == {"identical"}
    assert found.outdated == ("the study cannot be read: tables/participants.tsv: the table is missing",)
    assert not found.passed


def test_there_must_be_results_and_reports(study):
    for path in (study / "output").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="holds no report"):
        plan_verification(study)
    (study / "results" / "estimates.parquet").unlink()
    with pytest.raises(InputError, match="not those that the fit wrote"):
        plan_verification(study)


def test_references_and_reports_are_not_verified_at_once(study):
    result = CliRunner().invoke(main, ["verify", str(study), "--bayes"])
    assert result.exit_code == 2
    assert "leave DIR out" in result.output
