"""The commands, as a user runs them, on the simulated table study."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from neurotrial.cli import main

COMMANDS = sorted(main.commands)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, write_study: Callable[[Path], None]) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "study"
    write_study(folder)
    result = CliRunner().invoke(main, ["fit", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom neurotrial.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "heavy = {'pandas', 'numpy', 'scipy', 'statsmodels', 'matplotlib', 'pandera', 'pydantic', 'rich', 'dipy', 'nilearn', 'pymc'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert f"neurotrial {command}" in result.output.partition("Example")[2]


def test_check_shows_what_is_missing_and_touches_nothing(
    tmp_path: Path, write_study: Callable[[Path], None]
) -> None:
    write_study(tmp_path / "study")
    before = {path: path.read_bytes() for path in (tmp_path / "study").rglob("*") if path.is_file()}
    result = CliRunner().invoke(main, ["check", str(tmp_path / "study")])
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.output.splitlines() if "fma_total, day90" in line] == [
        ["fma_total,", "day90", "cells", "39", "1"],
        ["fma_total,", "day90", "control", "15", "5"],
    ]
    assert {path: path.read_bytes() for path in (tmp_path / "study").rglob("*") if path.is_file()} == before


def test_of_two_files_of_one_table_the_one_that_is_not_read_is_named(
    tmp_path: Path, write_study: Callable[[Path], None]
) -> None:
    write_study(tmp_path / "study")
    table = tmp_path / "study" / "tables" / "harms"
    pd.read_csv(table.with_suffix(".tsv"), sep="\t").to_parquet(table.with_suffix(".parquet"))
    result = CliRunner().invoke(main, ["check", str(tmp_path / "study")])
    assert result.exit_code == 0, result.output
    assert "tables/harms.tsv: is not read, because tables/harms.parquet is there" in result.stderr


def test_fit_is_deterministic(fitted: Path, tmp_path: Path, write_study: Callable[[Path], None]) -> None:
    write_study(tmp_path / "again")
    assert CliRunner().invoke(main, ["fit", str(tmp_path / "again")]).exit_code == 0
    for path in (fitted / "results").glob("*.tsv"):
        assert path.read_bytes() == (tmp_path / "again" / "results" / path.name).read_bytes(), path.name


def test_fit_writes_a_log(fitted: Path) -> None:
    log = (fitted / "neurotrial.log").read_text()
    assert "INFO fit: primary/fma_total" in log


def test_estimates_come_from_the_plan(fitted: Path) -> None:
    table = pd.read_parquet(fitted / "results" / "estimates.parquet")
    assert (table["status"] == "ok").all()
    primary = table[(table["analysis"] == "primary") & (table["term"] == "arm")].set_index("method")
    assert primary.loc["ancova_hc3", "n_participants"] == 54
    assert primary.loc["ancova_hc3", "n_per_arm"] == '{"control": 15, "cells": 39}'
    assert primary.loc["ratio_baseline_welch", "unit"] == "ratio"
    imaging = table[
        (table["analysis"] == "imaging") & (table["method"] == "ancova_hc3") & (table["term"] == "arm")
    ]
    assert imaging["n_participants"].tolist() == [44] * 7
    adjusted = pd.read_parquet(fitted / "results" / "adjusted.parquet")
    adjusted = adjusted[adjusted["family"] == "imaging"]
    assert adjusted["key"].tolist() == imaging["key"].tolist()
    smallest = adjusted["p_raw"].min()
    assert adjusted["p_adjusted"].min() == pytest.approx(7 * smallest, rel=1e-12)


def test_an_analysis_that_cannot_be_fitted_is_a_row_and_exit_code_1(
    tmp_path: Path, write_study: Callable[[Path], None]
) -> None:
    write_study(tmp_path / "study")
    plan = tmp_path / "study" / "study.yaml"
    text = plan.read_text()
    assert "covariates: [days_stroke_to_baseline" in text
    table = tmp_path / "study" / "tables" / "participants.tsv"
    frame = pd.read_csv(table, sep="\t", dtype="str", keep_default_na=False)
    frame["years"] = frame["age"]
    frame.to_csv(table, sep="\t", index=False)
    plan.write_text(text.replace("covariates: [days_stroke_to_baseline", "covariates: [age, years"))
    result = CliRunner().invoke(main, ["fit", str(tmp_path / "study")])
    assert result.exit_code == 1, result.output
    rows = pd.read_parquet(tmp_path / "study" / "results" / "estimates.parquet")
    failed = rows[rows["status"] == "failed"]
    assert set(failed["analysis"]) == {"adjusted"}
    assert "years" in failed["reason"].iloc[0]
    assert failed["estimate"].isna().all()


def test_preflight_holds_the_executed_manuscript_against_a_profile(fitted: Path) -> None:
    result = CliRunner().invoke(main, ["preflight", str(fitted)])
    assert result.exit_code == 1, result.output
    assert "ICMJE recommendations" in result.output
    assert "read from a stored copy on 2026-11-27" in result.output
    table = pd.read_csv(fitted / "output" / "preflight.tsv", sep="\t", keep_default_na=False).set_index(
        "check"
    )
    assert table.loc["statement: registration", "found"] == "a placeholder"
    assert table.loc["heads of the abstract", "found"] == "Background, Methods, Results, Conclusions"
    # generated prose spells out what it abbreviates
    assert table.loc["abbreviations in the abstract", ["verdict", "details"]].tolist() == ["ok", ""]
    assert table.loc["abbreviations in the text", ["verdict", "details"]].tolist() == ["ok", ""]
    assert table.loc["resolution of figures", "found"] == "300 dpi at the least"


def test_preflight_lists_the_profiles_with_their_sources() -> None:
    result = CliRunner().invoke(main, ["preflight", "--list"])
    assert result.exit_code == 0
    assert "generic: ICMJE" in result.output
    assert "plos_one: PLOS ONE" in result.output
    assert result.output.count("read from a stored copy on") == len(result.output.splitlines()) / 2


def test_preflight_needs_a_folder_and_a_known_journal(fitted: Path) -> None:
    assert CliRunner().invoke(main, ["preflight"]).exit_code == 2
    unknown = CliRunner().invoke(main, ["preflight", str(fitted), "--journal", "plos_on"])
    assert unknown.exit_code == 2
    assert "did you mean 'plos_one'?" in unknown.output
    nothing = CliRunner().invoke(main, ["preflight", str(fitted / "tables")])
    assert nothing.exit_code == 2


def test_check_refuses_a_journal_that_has_no_profile(
    tmp_path: Path, write_study: Callable[[Path], None]
) -> None:
    write_study(tmp_path / "study")
    plan = tmp_path / "study" / "study.yaml"
    text = plan.read_text("utf-8")
    plan.write_text(text.replace("  journal: generic", "  journal: strok"), "utf-8")
    result = CliRunner().invoke(main, ["check", str(tmp_path / "study")])
    assert result.exit_code == 2
    assert "did you mean 'stroke'?" in result.output
