"""Bad input, as a user meets it: everything is listed at once, exit code 2, nothing is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from neurotrial.cli import main


@pytest.fixture
def study(tmp_path: Path, write_study: Callable[[Path], None]) -> Path:
    write_study(tmp_path / "study")
    return tmp_path / "study"


def edit(path: Path, pattern: str, replacement: str, count: int = 1) -> None:
    text = path.read_text(encoding="utf-8")
    changed = re.sub(pattern, replacement, text, count=count, flags=re.MULTILINE)
    assert changed != text, f"{pattern!r} is not in {path.name}"
    path.write_text(changed, encoding="utf-8")


def unknown_key(study: Path) -> None:
    edit(study / "study.yaml", r"^    direction: higher", "    direktion: higher")


def undeclared_arm(study: Path) -> None:
    edit(study / "tables" / "participants.tsv", r"^(sub-003\t)cells", r"\1stem")


def undeclared_visit(study: Path) -> None:
    edit(study / "tables" / "motor.tsv", r"^(sub-003\t)day90", r"\1day180")


def duplicate_row(study: Path) -> None:
    table = study / "tables" / "motor.tsv"
    line = next(line for line in table.read_text().splitlines() if line.startswith("sub-003\tday90"))
    table.write_text(table.read_text() + line + "\n")


def arm_changes(study: Path) -> None:
    table = study / "tables" / "participants.tsv"
    line = next(line for line in table.read_text().splitlines() if line.startswith("sub-003\tcells"))
    table.write_text(table.read_text() + line.replace("cells", "control", 1) + "\n")


def score_outside(study: Path) -> None:
    edit(study / "tables" / "motor.tsv", r"^(sub-003\tday90\t\d+\tfma_le\t)\d+$", r"\g<1>35")


def nan_baseline(study: Path) -> None:
    edit(study / "tables" / "motor.tsv", r"^(sub-003\tbaseline\t-?\d+\tfma_ue\t)\d+$", r"\1n/a")


def not_a_number(study: Path) -> None:
    edit(study / "tables" / "motor.tsv", r"^(sub-003\tbaseline\t-?\d+\tfma_ue\t)\d+$", r"\1NaN")


def missing_column(study: Path) -> None:
    edit(study / "tables" / "motor.tsv", r"^(participant_id.*\t)score$", r"\1points")


def wrong_encoding(study: Path) -> None:
    table = study / "tables" / "harms.tsv"
    table.write_bytes(table.read_bytes().replace(b"Fever", "Fièvre".encode("latin-1"), 1))


def empty_table(study: Path) -> None:
    (study / "tables" / "motor.tsv").write_text("")


def header_only(study: Path) -> None:
    table = study / "tables" / "motor.tsv"
    table.write_text(table.read_text().splitlines()[0] + "\n")


def id_with_slash(study: Path) -> None:
    edit(study / "tables" / "participants.tsv", r"^sub-003", "sub-003/../x")


def formula_call(study: Path) -> None:
    edit(study / "study.yaml", r"log\(lesion_volume_ml\)", "\"__import__('os').system('x')\"")


def identifier_column(study: Path) -> None:
    table = study / "tables" / "participants.tsv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0] + "\tpatient_name", *(line + "\tx" for line in lines[1:])]) + "\n")


def table_outside(study: Path) -> None:
    edit(study / "study.yaml", r"^report:", "tables: {motor: ../../motor.tsv}\nreport:")


def unwritable_results(study: Path) -> None:
    (study / "results").write_text("a file stands where the folder should be")


CASES: list[tuple[Callable[[Path], None], list[str]]] = [
    (unknown_key, ["study.yaml:", "outcomes[0].direktion", "did you mean 'direction'?"]),
    (undeclared_arm, ["tables/participants.tsv: arm", "not declared", "sub-003", "declared: control, cells"]),
    (
        undeclared_visit,
        ["tables/motor.tsv: visit", "not declared", "sub-003", "day180", "declared: baseline, day90"],
    ),
    (
        duplicate_row,
        ["tables/motor.tsv", "one row for each participant_id x visit x scale", "sub-003", "keep one"],
    ),
    (
        arm_changes,
        ["tables/participants.tsv: arm", "the arm changes within a participant", "line 62", "sub-003"],
    ),
    (
        score_outside,
        ["tables/motor.tsv: score", "fma_le must lie in [0, 34] points", "sub-003", "score=35", "remedy"],
    ),
    (
        nan_baseline,
        ["outcome 'fma_ue': baseline", "needs a baseline value", "sub-003", "missing_baseline: exclude"],
    ),
    (not_a_number, ["tables/motor.tsv: score", "must be a finite number", "score=NaN", "write n/a"]),
    (missing_column, ["tables/motor.tsv: score", "the column is missing", "remedy"]),
    (
        wrong_encoding,
        ["tables/harms.tsv", "must be UTF-8 text", "line ", "save the table with the encoding UTF-8"],
    ),
    (empty_table, ["tables/motor.tsv", "is empty", "remedy"]),
    (header_only, ["tables/motor.tsv", "has no rows", "remedy"]),
    (
        id_with_slash,
        ["tables/participants.tsv: participant_id", "letters and digits only", "sub-003/../x", "rename"],
    ),
    (
        formula_call,
        ["study.yaml:", "analyses[4].covariates[1]", "part of a formula", "name columns of participants"],
    ),
    (identifier_column, ["tables/participants.tsv: patient_name", "direct identifier", "allowed_columns"]),
    (table_outside, ["../../motor.tsv", "leads outside the study folder", "remedy"]),
]


@pytest.mark.parametrize("command", ["check", "fit"])
@pytest.mark.parametrize(("damage", "words"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_fault_is_named_and_nothing_is_written(
    study: Path, damage: Callable[[Path], None], words: list[str], command: str
) -> None:
    damage(study)
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    result = CliRunner().invoke(main, [command, str(study)])
    assert result.exit_code == 2, result.output
    for word in words:
        assert word in result.stderr
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before


def test_all_faults_are_listed_at_once(study: Path) -> None:
    for damage in (
        undeclared_arm,
        undeclared_visit,
        duplicate_row,
        score_outside,
        not_a_number,
        wrong_encoding,
        identifier_column,
    ):
        damage(study)
    result = CliRunner().invoke(main, ["check", str(study)])
    assert result.exit_code == 2
    for word in ("not declared", "day180", "one row for each", "score=35", "NaN", "UTF-8", "patient_name"):
        assert word in result.stderr


def test_faults_of_plan_and_tables_are_listed_together(study: Path) -> None:
    unknown_key(study)
    not_a_number(study)
    result = CliRunner().invoke(main, ["check", str(study)])
    assert "direktion" in result.stderr
    assert "score=NaN" in result.stderr


def test_a_results_folder_that_cannot_be_written_is_an_error(study: Path) -> None:
    unwritable_results(study)
    result = CliRunner().invoke(main, ["fit", str(study)])
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert (study / "results").read_text() == "a file stands where the folder should be"


def test_init_overwrites_nothing(study: Path) -> None:
    before = (study / "study.yaml").read_bytes()
    result = CliRunner().invoke(main, ["init", str(study)])
    assert result.exit_code == 2
    assert "never overwritten" in result.stderr
    assert (study / "study.yaml").read_bytes() == before


def test_a_folder_without_a_study_file_says_what_to_do(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert result.exit_code == 2
    assert "neurotrial init" in result.stderr


def test_report_without_results_says_what_to_do(study: Path) -> None:
    result = CliRunner().invoke(main, ["report", str(study)])
    assert result.exit_code == 2
    assert "neurotrial fit" in result.stderr
