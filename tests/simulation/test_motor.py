"""Fugl-Meyer scores of a simulated trial."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.simulation.settings import TrialSettings
from neurotrial.simulation.trial import make_trial


def _wide(trial, scale):
    rows = trial.motor[trial.motor["scale"] == scale]
    scores = rows.pivot(index="participant_id", columns="visit", values="score").reset_index()
    return scores.merge(trial.people[["participant_id", "arm", "itt"]], on="participant_id")


@pytest.mark.parametrize(("scale", "maximum"), [("fma_total", 100), ("fma_ue", 66), ("fma_le", 34)])
def test_scores_are_whole_and_reach_floor_or_ceiling_but_never_leave(big_trial, scale, maximum):
    score = big_trial.motor.loc[big_trial.motor["scale"] == scale, "score"]
    assert (score == score.round()).all()
    assert score.min() >= 0
    assert score.max() == maximum


def test_the_total_is_the_sum_of_its_parts(big_trial):
    wide = big_trial.motor.pivot_table(index=["participant_id", "visit"], columns="scale", values="score")
    assert (wide["fma_total"] == wide["fma_ue"] + wide["fma_le"]).all()


def test_patients_are_severe_and_recover(big_trial):
    wide = _wide(big_trial, "fma_ue").dropna()
    assert wide["baseline"].mean() < 33
    assert (wide["baseline"] == 0).mean() > 0.05
    assert wide.loc[wide["arm"] == "control", "day90"].mean() > wide["baseline"].mean()


def test_those_lost_to_follow_up_have_a_baseline_only(big_trial):
    wide = _wide(big_trial, "fma_total")
    assert wide["baseline"].notna().all()
    assert (wide["day90"].notna() == wide["itt"]).all()


def test_without_an_effect_the_arms_are_alike():
    trial = make_trial(TrialSettings(added_points=(0.0, 0.0), seed=3).scaled(6000))
    change = _wide(trial, "fma_total").dropna().assign(change=lambda rows: rows["day90"] - rows["baseline"])
    arms = [rows["change"] for _, rows in change.groupby("arm")]
    error = np.sqrt(sum(arm.var() / len(arm) for arm in arms))
    assert abs(arms[0].mean() - arms[1].mean()) < 4 * error


def test_floor_and_ceiling_make_the_marginal_effect_smaller_than_what_was_put_in():
    # the same seed gives the same noise, so that the difference between the two trials is the effect itself
    without = make_trial(TrialSettings(added_points=(0.0, 0.0), seed=3).scaled(6000))
    with_effect = make_trial(TrialSettings(added_points=(10.0, 0.0), seed=3).scaled(6000))
    gain = (_wide(with_effect, "fma_total")["day90"] - _wide(without, "fma_total")["day90"]).dropna()
    cells = _wide(without, "fma_total").dropna()["arm"] == "cells"
    assert (gain[~cells] == 0).all()
    assert gain[cells].between(0, 11).all()
    assert 7 < gain[cells].mean() < 9.9
