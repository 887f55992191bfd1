"""Scans that move as real ones did."""

from __future__ import annotations

from pathlib import Path

import nilearn
import numpy as np
import pandas as pd
import pytest
from imaged_study import CORRELATION, PLAN, STROKE

from neurotrial.extract.bids.finding import find_scans
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
SIXTY = PLAN.model_copy(update={"cleaning": CleaningPlan(strategy="6p", common_volumes=20, min_minutes=0.0)})


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


@pytest.mark.parametrize(("name", "kept"), [("calm", 58), ("calm, no unsteady volumes", 60)])
def test_a_scan_that_moves_as_a_calm_person_did_is_measured(tmp_path, name, kept):
    tables = moved_as(there_and_back(name), tmp_path).tables
    assert tables["features"]["status"].isin(["ok", "flagged"]).all()
    assert np.isfinite(tables["features"]["value"]).all()
    # fMRIPrep marked the first volume of the one as before the steady state; backwards it is the last
    assert tables["quality"].set_index("measure").loc["volumes_kept", "value"] == kept


def test_a_scan_that_moves_as_a_restless_person_did_is_a_fault(tmp_path):
    with pytest.raises(
        ScanFault,
        match=r"motion: 7 of 60 volumes have a framewise displacement of at most 0\.5 mm; 17 from .* are too few for the filter",
    ):
        moved_as(there_and_back("restless, version 21"), tmp_path)


def test_a_scan_of_a_minute_is_too_short_for_the_filter(tmp_path):
    with pytest.raises(ScanFault, match=r"29 of 30 .*; 29 from .* are too few for the filter, 34 are needed"):
        moved_as(pd.read_csv(REAL["calm"], sep="\t"), tmp_path)
