"""What is true of simulated brains."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurotrial.simulation.brains import correlation_matrix

Z = st.floats(-0.3, 1.2)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(z_inter=Z, z_ipsi=Z, z_contra=Z)
def test_any_three_values_give_a_correlation_matrix(z_inter, z_ipsi, z_contra):
    matrix = correlation_matrix(z_inter, z_ipsi, z_contra)
    assert np.array_equal(matrix, matrix.T)
    assert np.array_equal(np.diag(matrix), np.ones(12))
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_admissible_values_come_back_as_they_were_put_in():
    z = np.arctanh(correlation_matrix(0.2, 0.45, 0.5) - np.eye(12))
    within = np.triu_indices(6, 1)
    assert z[:6, :6][within] == pytest.approx(0.45, abs=1e-12)
    assert z[6:, 6:][within] == pytest.approx(0.5, abs=1e-12)
    cross = z[:6, 6:]
    assert cross[~np.eye(6, dtype=bool)] == pytest.approx(0.2, abs=1e-12)
    assert np.diag(cross) == pytest.approx(0.32, abs=1e-12)


def test_changes_by_arm_are_those_put_in(big_trial):
    sizes = big_trial.settings
    wide = big_trial.brains.merge(big_trial.people[["participant_id", "arm"]], on="participant_id")
    wide = wide.pivot(index=["participant_id", "arm"], columns="visit").reset_index("arm")
    for name, shifts in (
        ("z_inter", sizes.inter_change),
        ("z_ipsi", sizes.ipsi_change),
        ("z_contra", (0.0, 0.0)),
    ):
        change = wide[name]["day90"] - wide[name]["baseline"]
        for arm, shift in zip(("cells", "control"), shifts, strict=True):
            own = change[wide["arm"] == arm]
            assert abs(own.mean() - shift) < 4 * own.sem(), (name, arm)


def test_integrity_is_a_share_and_lower_on_the_side_of_a_larger_lesion(big_trial):
    brains = big_trial.brains
    assert brains[["integrity_ipsi", "integrity_contra"]].stack().between(0.2, 1).all()
    assert (brains["integrity_ipsi"] < brains["integrity_contra"]).mean() > 0.9
    first = brains[brains["visit"] == "baseline"].merge(big_trial.people, on="participant_id")
    size = np.log(first["lesion_volume_ml"])
    assert np.corrcoef(size, first["integrity_ipsi"])[0, 1] < -0.3


def test_only_the_follow_up_of_those_excluded_is_restless(small_trial):
    restless = small_trial.brains[small_trial.brains["restless"]]
    assert (restless["visit"] == "day90").all()
    people = small_trial.people
    assert set(restless["participant_id"]) == set(people.loc[people["excluded"], "participant_id"])
