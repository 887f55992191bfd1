"""Exact intervals and tests keep what they say, in simulated trials; the figures of the others stand in the guide."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))

from operating_characteristics import GROUPS, simulate

TRIALS = 2000
BAND = 100 * stats.norm.isf(0.0005) * np.sqrt(0.05 * 0.95 / TRIALS)


@pytest.mark.slow
def test_exact_intervals_cover():
    covered = {**simulate("ranks", TRIALS)["covered"], **simulate("effects", TRIALS)["covered"]}
    assert abs(covered["hedges_g"] - 95) < BAND
    # the order of the pairwise differences takes whole steps, and covers at least as often as it says
    assert 95 - BAND < covered["mann_whitney shift"] < 96 + BAND


@pytest.mark.slow
def test_exact_test_of_responders_keeps_its_level():
    covered = simulate("responders", TRIALS)["covered"]
    assert covered["Boschloo, share not rejecting"] > 95 - BAND


@pytest.mark.parametrize("group", list(GROUPS))
def test_every_group_can_be_simulated(group):
    table = simulate(group, 2)
    assert (table["trials"] > 0).all()
    assert table["covered"].between(0, 100).all()
