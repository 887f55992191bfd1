"""Measures without images against measures of images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurotrial.executors import open_executor
from neurotrial.extract.extraction import extract_scans, plan_scans
from neurotrial.loading import load_study
from neurotrial.reports.scaffold import write_simulated_scaffold
from neurotrial.simulation.measures import measure_brains
from neurotrial.simulation.settings import TrialSettings
from neurotrial.simulation.study import default_plan, plan_simulation, write_simulation
from neurotrial.simulation.trial import make_trial
from neurotrial.tables import TABLES

PLAN = default_plan()
KEY = ["participant_id", "visit", "modality", "feature", "region", "side"]


def test_the_grid_is_complete_and_only_scans_that_were_made_have_values(small_trial):
    people = small_trial.people.head(9)
    features = measure_brains(people, small_trial.brains, small_trial.settings, PLAN)
    sizes = features.groupby(["participant_id", "visit"]).size()
    assert sizes.min() == sizes.max()
    assert len(sizes) == 18
    seen = people.set_index("participant_id")["scans"]
    for (person, visit), rows in features.groupby(["participant_id", "visit"]):
        made = seen[person] == "both" or (seen[person] == "baseline" and visit == "baseline")
        assert (rows["status"] == "missing_input").all() != made, (person, visit)
        assert rows["value"].notna().any() == made
    assert set(features.columns) <= {column.name for column in TABLES["features"].columns}


def test_one_brain_does_not_move_another(small_trial):
    people = small_trial.people[small_trial.people["scans"] == "both"]
    several = measure_brains(people.head(3), small_trial.brains, small_trial.settings, PLAN)
    alone = measure_brains(people.iloc[[2]], small_trial.brains, small_trial.settings, PLAN)
    own = several[
        (several["participant_id"] == people["participant_id"].iloc[2]) & (several["modality"] == "bold")
    ]
    bold = alone[alone["modality"] == "bold"]
    assert own["value"].to_numpy() == pytest.approx(bold["value"].to_numpy(), rel=1e-12, nan_ok=True)


@pytest.mark.slow
def test_measures_without_images_are_those_of_images_in_distribution(tmp_path):
    """The same 60 brains both ways: means agree within 4 standard errors of their paired difference."""
    settings = TrialSettings(seed=31)
    write_simulated_scaffold(tmp_path / "study", images=True)
    with open_executor(2) as executor:
        write_simulation(plan_simulation(settings, truth=False), tmp_path / "study", executor)
        extract_scans(plan_scans(load_study(tmp_path / "study", extracted=False)), executor)
    from_images = pd.read_csv(tmp_path / "study" / "tables" / "features.tsv", sep="\t")
    trial = make_trial(settings)
    direct = measure_brains(trial.people, trial.brains, settings, PLAN)
    both = from_images.merge(direct, on=KEY, suffixes=("", "_direct"))
    whole = both[both["region"].isin(["cst", "plic", "network"])].dropna(subset=["value", "value_direct"])
    whole = whole.assign(difference=whole["value"] - whole["value_direct"])
    checked = 0
    for name, rows in whole.groupby(["feature", "region", "side"]):
        spread = rows["difference"].std()
        if spread > 0:
            checked += 1
            assert abs(rows["difference"].mean()) < 4 * spread / np.sqrt(len(rows)), name
    assert checked >= 12
