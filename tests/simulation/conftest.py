"""Trials that many tests look at, each made once."""

from __future__ import annotations

import pytest

from neurotrial.simulation.settings import TrialSettings
from neurotrial.simulation.trial import Trial, make_trial


@pytest.fixture(scope="session")
def small_trial() -> Trial:
    return make_trial(TrialSettings())


@pytest.fixture(scope="session")
def big_trial() -> Trial:
    return make_trial(TrialSettings(seed=11).scaled(6000))
