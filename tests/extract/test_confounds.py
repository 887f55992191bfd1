"""Confounds: fMRIPrep's real tables, regressors by hand, and scans that move as real ones did."""

from __future__ import annotations

from pathlib import Path

import nilearn
import numpy as np
import pandas as pd
import pytest
from imaged_study import CORRELATION, PLAN, STROKE

from neurotrial.extract.bids.finding import find_scans
from neurotrial.extract.confounds import PARAMETERS, motion_regressors, read_confounds
from neurotrial.extract.scan import extract_scan
from neurotrial.extract.scan_result import ScanFault
from neurotrial.imaging_plan import CleaningPlan
from neurotrial.simulation.dataset_top import write_dataset_top
from neurotrial.simulation.nodes import node_table
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.scan_files import write_bold_scan
from neurotrial.simulation.scans import scan_rng, with_confounds

FOLDER = Path(nilearn.__file__).parent / "interfaces" / "fmriprep" / "data"
REAL = {
    "calm": FOLDER / "test_desc-confounds_regressors.tsv",
    "calm, no unsteady volumes": FOLDER / "no_nonsteady_desc-confounds_regressors.tsv",
    "restless, version 21": FOLDER / "test-v21_desc-confounds_timeseries.tsv",
}
OLD = dict(zip((*PARAMETERS, "framewise_displacement"), ("X", "Y", "Z", "RotX", "RotY", "RotZ", "FramewiseDisplacement"), strict=True))  # fmt: skip
SIXTY = PLAN.model_copy(update={"cleaning": CleaningPlan(strategy="6p", common_volumes=20)})


def by_fmriprep(table):
    """Return fMRIPrep's own 24 columns in our order."""
    ends = ("", "_derivative1", "_power2", "_derivative1_power2")
    return table[[f"{name}{end}" for end in ends for name in PARAMETERS]].to_numpy()


@pytest.mark.parametrize("name", REAL)
def test_the_24_regressors_are_those_of_fmriprep(name):
    table = pd.read_csv(REAL[name], sep="\t")
    regressors, displacement = read_confounds(REAL[name], len(table), "24p")
    assert regressors.shape == (30, 24)
    # a table's first row has no difference, which is 0 here; nilearn put zeros into that of one, which spoils the second's;
    # the cells have 12 digits or more
    start = 2 if name == "calm" else 1
    assert np.allclose(regressors[start:], by_fmriprep(table)[start:], rtol=1e-11, atol=1e-15)
    assert (regressors[0, 6:12] == 0).all()
    assert displacement[0] == 0
    assert np.array_equal(displacement[1:], table["framewise_displacement"].to_numpy()[1:])


@pytest.mark.parametrize("name", REAL)
def test_6_regressors_are_the_parameters(name):
    regressors, _ = read_confounds(REAL[name], 30, "6p")
    assert np.array_equal(regressors, pd.read_csv(REAL[name], sep="\t")[list(PARAMETERS)])


def test_the_names_of_early_versions_are_known(tmp_path):
    table = pd.read_csv(REAL["calm"], sep="\t")
    path = tmp_path / "old.tsv"
    table.rename(columns=OLD)[list(OLD.values())].to_csv(path, sep="\t", na_rep="n/a", index=False)
    for ours, theirs in zip(
        read_confounds(path, 30, "24p"), read_confounds(REAL["calm"], 30, "24p"), strict=True
    ):
        assert np.array_equal(ours, theirs)


def test_regressors_by_hand():
    found = motion_regressors(np.array([[1.0, 0, 0, 0, 0, 0.1], [3.0, 0, 0, 0, 0, 0.4]]), "24p")
    assert found[:, [0, 6, 12, 18]].tolist() == [[1, 0, 1, 0], [3, 2, 9, 4]]
    assert found[1, [5, 11, 17, 23]].tolist() == pytest.approx([0.4, 0.3, 0.16, 0.09], rel=1e-12)


@pytest.mark.parametrize("row", [1, 29])
def test_only_the_first_displacement_may_be_missing(tmp_path, row):
    table = pd.read_csv(REAL["calm"], sep="\t")
    table.loc[row, "framewise_displacement"] = np.nan
    table.to_csv(tmp_path / "confounds.tsv", sep="\t", na_rep="n/a", index=False)
    with pytest.raises(ScanFault, match=rf"framewise_displacement: the cell of line {row + 2} is no number"):
        read_confounds(tmp_path / "confounds.tsv", 30, "24p")


def moved_as(table, folder):
    """Measure a simulated scan that moves as a table of confounds says."""
    scan = with_confounds(PRESETS["small"], STROKE, CORRELATION, scan_rng(1, 1, 1, "bold"), table)
    write_bold_scan(folder / "bids", "sub-001", "01", scan)
    people = pd.DataFrame({"participant_id": ["sub-001"], "lesion_side": ["right"]})
    visits = pd.DataFrame({"participant_id": ["sub-001"], "visit": ["baseline"]})
    write_dataset_top(folder / "bids", people, visits, {"01": "baseline"})
    node_table().to_csv(folder / "nodes.tsv", sep="\t", index=False)
    (made,) = [scan for scan in find_scans(SIXTY, folder, people)[0] if scan.files]
    return extract_scan(made, SIXTY, folder, simulated=True)


def there_and_back(name):
    """Return a real table followed by itself backwards: a minute more of the same motion."""
    table = pd.read_csv(REAL[name], sep="\t")
    back = table[::-1].reset_index(drop=True)
    back["framewise_displacement"] = [0.0, *table["framewise_displacement"].to_numpy()[:0:-1]]
    return pd.concat([table, back], ignore_index=True)


@pytest.mark.parametrize("name", ["calm", "calm, no unsteady volumes"])
def test_a_scan_that_moves_as_a_calm_person_did_is_measured(tmp_path, name):
    tables = moved_as(there_and_back(name), tmp_path).tables
    assert tables["features"]["status"].isin(["ok", "flagged"]).all()
    assert np.isfinite(tables["features"]["value"]).all()
    assert tables["quality"].set_index("measure").loc["volumes_kept", "value"] == 60


def test_a_scan_that_moves_as_a_restless_person_did_is_a_fault(tmp_path):
    with pytest.raises(
        ScanFault,
        match=r"motion: \d+ of 60 volumes have a framewise displacement of at most 0\.5 mm, 16 are needed",
    ):
        moved_as(there_and_back("restless, version 21"), tmp_path)


def test_a_scan_of_a_minute_is_too_short_for_the_filter(tmp_path):
    with pytest.raises(ScanFault, match=r"30 volumes .* are too few for the band-pass filter, 34 are needed"):
        moved_as(pd.read_csv(REAL["calm"], sep="\t"), tmp_path)
