"""One small simulated study with images, extracted once; every test that changes something works on a copy."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from imaged_study import PEOPLE, extracted

from neurotrial.executors import SerialExecutor
from neurotrial.reports.scaffold import write_simulated_scaffold
from neurotrial.simulation.settings import TrialSettings
from neurotrial.simulation.study import SimulationPlan, write_simulation
from neurotrial.simulation.trial import Trial, make_trial

PARTS = ("people", "brains", "motor", "events", "harms", "decisions")


def small_trial() -> Trial:
    """Return the smallest trial that can be simulated, less the people whom no test needs."""
    trial = make_trial(TrialSettings(planned=6, analysed=(2, 2), imaged=(2, 2), excluded=(0, 0)))
    parts = {name: getattr(trial, name) for name in PARTS}
    return replace(trial, **{name: rows[rows["participant_id"].isin(PEOPLE)] for name, rows in parts.items()})


@pytest.fixture(scope="session")
def extracted_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of three people with its tables; copy it before changing anything."""
    folder = tmp_path_factory.mktemp("imaged") / "study"
    write_simulated_scaffold(folder, images=True)
    write_simulation(SimulationPlan(small_trial(), images=True, truth=False), folder, SerialExecutor())
    extracted(folder)
    return folder


@pytest.fixture
def study(extracted_study: Path, tmp_path: Path) -> Path:
    """A copy of the extracted study: what a test does not change is up to date."""
    return Path(shutil.copytree(extracted_study, tmp_path / "study"))
