"""Tables of confounds: fMRIPrep's real ones of three versions, older names, other programs, and what is wrong with them."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import nilearn
import numpy as np
import pandas as pd
import pytest

from neurotrial.extract import read_confounds
from neurotrial.extract.cleaning.columns import PARAMETERS, translated
from neurotrial.extract.scan_result import ScanFault

FOLDER = Path(nilearn.__file__).parent / "interfaces" / "fmriprep" / "data"
REAL = {
    "1.4": FOLDER / "test_desc-confounds_regressors.tsv",
    "1.4, no unsteady volumes": FOLDER / "no_nonsteady_desc-confounds_regressors.tsv",
    "21": FOLDER / "test-v21_desc-confounds_timeseries.tsv",
}
OLD = {
    "X": "trans_x", "Y": "trans_y", "Z": "trans_z", "RotX": "rot_x", "RotY": "rot_y", "RotZ": "rot_z",
    "FramewiseDisplacement": "framewise_displacement", "CSF": "csf", "WhiteMatter": "white_matter", "GlobalSignal": "global_signal",
    "stdDVARS": "std_dvars", "non-stdDVARS": "dvars", "aCompCor00": "a_comp_cor_00", "tCompCor05": "t_comp_cor_05",
    "Cosine01": "cosine01", "NonSteadyStateOutlier00": "non_steady_state_outlier00",
}  # fmt: skip


def written(table, path):
    table.to_csv(path, sep="," if path.suffix == ".csv" else "\t", na_rep="n/a", index=False)
    return path


@pytest.fixture
def real():
    return pd.read_csv(REAL["1.4"], sep="\t")


@pytest.mark.parametrize("name", REAL)
def test_real_tables_are_read_as_they_stand(name):
    found = read_confounds(REAL[name], 30)
    expected = pd.read_csv(REAL[name], sep="\t")
    same = [column for column in expected if column in found]
    assert len(found.columns) == len(expected.columns)
    assert set(expected) - set(same) <= {f"a_comp_cor_{place:02d}" for place in range(126)}
    pd.testing.assert_frame_equal(found[same], expected[same].astype("float64"))
    assert found.attrs == {"file": REAL[name].name}


def test_components_of_version_1_4_are_told_apart_by_the_json_file(real):
    found = read_confounds(REAL["1.4"], 30)
    meta = json.loads(REAL["1.4"].with_suffix(".json").read_text(encoding="utf-8"))
    for mask, prefix in {"WM": "w_comp_cor_", "CSF": "c_comp_cor_"}.items():
        own = [name for name in real if meta.get(name, {}).get("Mask") == mask]
        assert len(own) == sum(name.startswith(prefix) for name in found) > 5
        assert np.array_equal(found[[f"{prefix}{place:02d}" for place in range(len(own))]], real[own])
    assert "a_comp_cor_00" in found


def test_components_stand_by_the_variance_that_they_explain(tmp_path, real):
    path = written(real[["a_comp_cor_00", "a_comp_cor_01", "a_comp_cor_02"]], tmp_path / "c.tsv")
    entries = {
        f"a_comp_cor_0{place}": {"Mask": "WM", "VarianceExplained": share}
        for place, share in enumerate([0.1, 0.3, 0.2])
    }
    path.with_suffix(".json").write_text(json.dumps(entries), encoding="utf-8")
    found = read_confounds(path, 30)
    order = [f"a_comp_cor_0{place}" for place in (1, 2, 0)]
    assert np.array_equal(found[["w_comp_cor_00", "w_comp_cor_01", "w_comp_cor_02"]], real[order])


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a_comp_cor_00": 3}', '{"a_comp_cor_00": {"Mask": "WM", "VarianceExplained": "x"}}']
)
def test_a_json_file_that_says_nothing_costs_nothing(tmp_path, real, text):
    path = written(real, tmp_path / "c.tsv")
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    assert len(read_confounds(path, 30).columns) == len(real.columns)


def test_components_of_version_21_keep_their_names():
    found = read_confounds(REAL["21"], 30)
    assert [name for name in found if "_comp_cor_" in name] == [
        *(f"t_comp_cor_0{place}" for place in range(3)), *(f"c_comp_cor_0{place}" for place in range(3)),
        *(f"w_comp_cor_0{place}" for place in range(4)), *(f"a_comp_cor_0{place}" for place in range(5)),
    ]  # fmt: skip


def test_the_names_of_early_versions_are_translated(tmp_path, real):
    old = real.rename(columns={new: name for name, new in OLD.items()})[list(OLD)]
    found = read_confounds(written(old, tmp_path / "old.tsv"), 30)
    pd.testing.assert_frame_equal(found, real[list(OLD.values())].astype("float64"))


def test_a_present_name_stands_before_an_old_one():
    assert translated(["X", "trans_x", "Y", "aCompCor", "Xylophone", "aCompCor3"]) == {
        "Y": "trans_y",
        "aCompCor3": "a_comp_cor_3",
    }


def test_other_tables_are_read(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(0, 0.1, (12, 6)), columns=list(PARAMETERS))
    table.insert(0, "site", "Würzburg")
    table["trans_x_filtered"] = 1
    table["rot_z"] = [np.nan, *table["rot_z"][1:]]
    for name in ("plain.csv", "motion.tsv"):
        found = read_confounds(written(table, tmp_path / name), 12)
        pd.testing.assert_frame_equal(found, table.drop(columns="site").astype("float64"))
    path = tmp_path / "nan.tsv"
    table.to_csv(path, sep="\t", na_rep="NaN", index=False)
    pd.testing.assert_frame_equal(read_confounds(path, 12), found)
    table.to_parquet(tmp_path / "motion.parquet")
    pd.testing.assert_frame_equal(read_confounds(tmp_path / "motion.parquet", 12), found)


def fault(path, volumes=30):
    with pytest.raises(ScanFault) as caught:
        read_confounds(path, volumes)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - of our own
    return str(caught.value)


def test_another_number_of_rows_is_a_fault():
    expected = f"{REAL['1.4'].name}: has 30 rows, the image has 31 volumes (remedy: take the table that belongs to this image)"
    assert fault(REAL["1.4"], 31) == expected


def test_cells_that_are_no_numbers_are_named_with_their_columns(tmp_path, real):
    broken = real.astype({"trans_y": "object", "rot_z": "object"})
    broken.loc[[2, 7], "trans_y"] = "?"
    broken.loc[4, "rot_z"] = "0,01"
    assert re.fullmatch(
        r"c\.tsv: has cells that are no numbers: trans_y \(line 4: '\?', 9: '\?'\); rot_z \(line 6: '0,01'\) "
        r"\(remedy: correct the table, with n/a for what is missing, or run fMRIPrep again\)",
        fault(written(broken, tmp_path / "c.tsv")),
    )


def test_angles_in_degrees_are_a_fault(tmp_path, real):
    broken = real.assign(rot_x=real["rot_x"] * 1000, rot_y=-1.2)
    assert re.search(
        r"c\.tsv: has rotations that go beyond 0\.5 rad \(rot_x to [\d.]+, rot_y to 1\.2\): .*remedy: give rotations in radians",
        fault(written(broken, tmp_path / "c.tsv")),
    )


def test_a_file_that_is_no_table_is_a_fault(tmp_path):
    assert fault(tmp_path / "none.tsv").startswith("none.tsv: cannot be read: No such file")
    (tmp_path / "empty.tsv").write_bytes(b"")
    assert fault(tmp_path / "empty.tsv").startswith("empty.tsv: is empty")
    (tmp_path / "rp_bold.txt").write_text("0 0 0 0 0 0\n", encoding="utf-8")
    assert fault(tmp_path / "rp_bold.txt").startswith("rp_bold.txt: is no table")
    (tmp_path / "double.tsv").write_text("csf\tcsf\n1\t2\n", encoding="utf-8")
    assert fault(tmp_path / "double.tsv").startswith("double.tsv: every column needs a name of its own")
