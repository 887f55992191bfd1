"""The whole way from a simulated trial with images to its reports, as `neurotrial demo` goes it, at a small size."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from neurotrial import cli
from neurotrial.cli import main
from neurotrial.results import read_results
from neurotrial.simulation import settings
from neurotrial.simulation import study as simulated_study
from neurotrial.simulation.truth import compare_with_truth


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder and output of `neurotrial demo` for a trial of 12."""
    small = functools.partial(
        settings.TrialSettings, planned=12, analysed=(8, 4), imaged=(6, 3), excluded=(1, 0)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "TrialSettings", small)
        patch.setattr(simulated_study, "MANY_PEOPLE", 120)
        patch.setattr(simulated_study, "MANY_BRAINS", 60)
        folder = tmp_path_factory.mktemp("demo") / "study"
        result = CliRunner().invoke(main, ["demo", str(folder)])
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_it_says_where_the_results_are_and_that_the_data_are_simulated(demo: tuple[Path, str]) -> None:
    folder, output = demo
    assert "All data of this study are simulated." in output
    assert f"Open {folder / 'output' / 'manuscript.html'}" in output.replace("\n", "")
    plan = read_results(folder).study
    for document in ("manuscript", "checklists", "quality", "supplement"):
        for kind in plan["report"]["formats"]:
            assert (folder / "output" / f"{document}.{kind}").stat().st_size > 10_000, (document, kind)


LARGEST_PAGE = 5_000_000
"""Bytes that a web page of a study may have: it is sent by mail."""


def test_every_page_is_small_and_accessible(
    demo: tuple[Path, str], open_page: Callable[[Path], Any], axe_faults: Callable[[Any], list[str]]
) -> None:
    folder, _ = demo
    names = (
        "output/manuscript.html",
        "output/supplement.html",
        "output/quality.html",
        "extraction/pictures.html",
    )
    for name in names:
        assert axe_faults(open_page(folder / name)) == [], name
        assert (folder / name).stat().st_size < LARGEST_PAGE, name


def test_every_word_file_is_valid(demo: tuple[Path, str]) -> None:
    from openxml_audit import FileFormat, OpenXmlValidator

    for path in sorted((demo[0] / "output").glob("*.docx")):
        found = OpenXmlValidator(file_format=FileFormat.OFFICE_2019).validate(path)
        assert found.errors == [], path.name


def test_it_shows_every_main_estimate_beside_the_truth(demo: tuple[Path, str]) -> None:
    folder, output = demo
    shown = output.partition("Estimates beside the truth")[2]
    for outcome in read_results(folder).study["outcomes"]:
        assert f": {outcome['name']} " in shown, outcome["name"]


def test_every_scan_has_a_picture_in_the_album_and_a_row_on_the_quality_page(demo: tuple[Path, str]) -> None:
    folder, output = demo
    status = pd.read_csv(folder / "tables" / "status.tsv", sep="\t")
    made = status[status["state"] != "skipped"]
    assert len(made) > 30
    assert set(made["state"]) == {"ok"}
    assert str(folder / "extraction" / "pictures.html") in output.replace("\n", "")
    album = (folder / "extraction" / "pictures.html").read_text(encoding="utf-8")
    assert album.count("<img ") == len(made)
    for picture in made["picture"]:
        assert f'src="../{picture}"' in album
        assert (folder / picture).read_bytes().startswith(b"\x89PNG"), picture
    page = (folder / "output" / "quality.html").read_text(encoding="utf-8")
    table = page.partition("Every BOLD scan")[2]
    assert table.count("<tr") >= (made["modality"] == "bold").sum()


def test_the_record_names_what_measured_the_images(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    measured = read_results(folder).provenance["extraction"]["versions"]
    assert measured["dipy"] == version("dipy")
    assert f"dipy {version('dipy')}" in (folder / "output" / "manuscript.html").read_text(encoding="utf-8")


def test_both_schools_stand_side_by_side_and_every_posterior_is_a_file(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    tables = read_results(folder).tables
    own = tables["estimates"][tables["estimates"]["analysis"] == "primary"].set_index("method")
    neutral, frequentist = own.loc["bayes_ancova_neutral"], own.loc["ancova_ols"]
    assert neutral["status"] == "ok"
    # a wide prior moves the posterior mean by less than its SD
    assert abs(neutral["estimate"] - frequentist["estimate"].iloc[0]) < neutral["std_error"]
    evidence = tables["diagnostics"]
    assert len(evidence) == 8 * 2 * 3
    for name in evidence["posterior"]:
        assert (folder / "results" / "posteriors" / name).stat().st_size > 10_000
    for kind in ("html", "docx", "pdf"):
        assert (folder / "output" / f"supplement.{kind}").is_file()


def test_it_says_what_would_change_each_conclusion(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    table = read_results(folder).tables["sensitivity"]
    mains = table[table["group"] == "main"]
    assert mains["outcome"].tolist()[:2] == ["fma_total", "fa_cst"]
    assert len(mains) == 8
    without = table[table["estimate"].isna()]
    assert (without["reason"].str.len() > 0).all()
    assert {"prior", "statistic", "lesion", "threshold", "confounding"} <= set(
        table.loc[table["status"] == "ok", "group"]
    )
    assert "What would change the conclusion" in (folder / "output" / "supplement.html").read_text("utf-8")


def test_the_flow_counts_scans(demo: tuple[Path, str]) -> None:
    flow = read_results(demo[0]).tables["flow"]
    assert {"scanned", "excluded"} <= {stage.rpartition(":")[2] for stage in flow["stage"].astype(str)}


def test_a_second_run_measures_and_fits_nothing_again(
    demo: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = demo
    rendered = []
    monkeypatch.setattr(cli, "_report", lambda *asked: rendered.append(asked))
    before = {path: path.stat().st_mtime_ns for path in (folder / "extraction" / "shards").rglob("*")}
    result = CliRunner().invoke(main, ["run", str(folder)])
    assert result.exit_code == 0, result.output
    assert "0 of " in result.output
    assert "not fitted again" in result.output
    assert rendered == [(folder, None, "auto")]
    assert {path: path.stat().st_mtime_ns for path in (folder / "extraction" / "shards").rglob("*")} == before


@pytest.mark.slow
def test_every_estimate_of_the_full_demo_is_within_four_standard_errors_of_its_estimand(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "study"
    result = CliRunner().invoke(main, ["demo", str(folder)])
    assert result.exit_code == 0, result.output
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    table = compare_with_truth(read_results(folder).tables["estimates"], truth)
    assert len(table) > 60
    assert table["distance"].abs().max() < 4, table.to_string()
