"""The examples do what their README says: on synthetic data with the quirks of the real ones."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from neurotrial.loading import load_study

ROOT = Path(__file__).resolve().parents[2]
SYNTHETIC = ROOT / "tests" / "data" / "clinical_scales_synthetic.csv"
CONVERT = ROOT / "examples" / "fugl_meyer_recovery" / "convert.py"


def run(script: Path, *arguments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(script), *map(str, arguments)])
    runpy.run_path(str(script), run_name="__main__")


def test_the_synthetic_file_has_the_quirks() -> None:
    raw = SYNTHETIC.read_bytes()
    assert raw.count(b"\r") == 13
    assert b"\n" not in raw
    assert b"NULL" in raw
    assert b"30.5" in raw


def test_the_conversion_makes_a_study_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "study"
    run(CONVERT, SYNTHETIC, folder, monkeypatch=monkeypatch)
    data = load_study(folder)
    assert data.warnings == ()
    people = data.tables["participants"].set_index("participant_id")
    assert people["arm"].to_dict() == {
        "sub-001": "rgs", "sub-002": "control", "sub-003": "rgs", "sub-004": "control", "sub-005": "control", "sub-006": "rgs",
    }  # fmt: skip
    assert people["days_stroke_to_baseline"].isna().tolist() == [False, False, False, False, True, False]
    late = data.outcomes[data.outcomes["visit"] == "w12"].set_index("participant_id")
    assert late["value"].dropna().to_dict() == {
        "sub-001": 30.5,
        "sub-002": 41,
        "sub-004": 52,
        "sub-005": 20.5,
        "sub-006": 58,
    }
    assert late["baseline"].tolist() == [21, 33.5, 8, 40, 17.5, 44]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"fuglmeyer", b"fugl", "fuglmeyer: the column is missing"),
        (b"cIOT", b"cXYZ", "line 8: cXYZ"),
    ],
)
def test_a_table_that_is_another_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes, words: str
) -> None:
    (tmp_path / "other.csv").write_bytes(SYNTHETIC.read_bytes().replace(old, new))
    with pytest.raises(SystemExit) as caught:
        run(CONVERT, tmp_path / "other.csv", tmp_path / "study", monkeypatch=monkeypatch)
    assert words in str(caught.value)
    assert not (tmp_path / "study").exists()
