"""Randomisation, populations, events and settings of a simulated trial."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.simulation.settings import ARMS, TrialSettings
from neurotrial.simulation.trial import make_trial, scans_made


def test_every_block_of_six_holds_four_cells_and_two_controls(small_trial):
    people = small_trial.people
    counts = pd.crosstab(people["block"], people["arm"])
    assert counts["cells"].tolist() == [4] * 10
    assert counts["control"].tolist() == [2] * 10
    assert people["randomisation_order"].tolist() == list(range(1, 61))
    assert people["block"].is_monotonic_increasing


def test_blocks_are_shuffled(big_trial):
    first = big_trial.people.groupby("block").nth(0)["arm"]
    share = (first == "cells").mean()
    # 1000 blocks, 2/3 expected: four binomial standard errors
    assert abs(share - 2 / 3) < 4 * (2 / 9 / 1000) ** 0.5


@pytest.mark.parametrize(
    "settings",
    [
        TrialSettings(),
        TrialSettings(planned=12, analysed=(7, 3), imaged=(4, 2), excluded=(1, 0), seed=4),
        TrialSettings(planned=120, analysed=(70, 33), imaged=(50, 20), excluded=(0, 5), seed=9),
    ],
)
def test_populations_have_the_sizes_asked_for(settings):
    people = make_trial(settings).people
    for place, arm in enumerate(ARMS):
        own = people[people["arm"] == arm]
        assert len(own) == settings.randomised(arm)
        assert own["itt"].sum() == settings.analysed[place]
        assert own["imaging"].sum() == settings.imaged[place]
        assert own["excluded"].sum() == settings.excluded[place]
    assert not (people["imaging"] & ~people["itt"]).any()
    assert not (people["imaging"] & people["excluded"]).any()
    assert (people.loc[people["imaging"] | people["excluded"], "scans"] == "both").all()


def test_who_was_not_treated_is_not_per_protocol(big_trial):
    people = big_trial.people
    untreated = people[~people["treated"]]
    assert (untreated["arm"] == "cells").all()
    assert untreated["treatment_received"].isna().all()
    assert untreated["days_randomisation_to_treatment"].isna().all()
    assert (people["per_protocol"] == (people["itt"] & people["treated"])).all()


def test_every_loss_has_an_event_with_day_and_reason(big_trial):
    people, events = big_trial.people, big_trial.events
    ended = events[events["type"].isin(["withdrawal", "death"])]
    assert sorted(ended["participant_id"]) == sorted(people.loc[~people["itt"], "participant_id"])
    unscanned = people[people["itt"] & (people["scans"] != "both")]
    assert set(events.loc[events["type"] == "no_mri", "participant_id"]) == set(unscanned["participant_id"])
    assert events["reason"].notna().all()
    assert events["day"].between(0, 90).all()
    assert (events.loc[events["type"] == "death", "strategy"] == "hypothetical").all()


def test_a_scan_spoilt_by_motion_is_excluded_and_no_other(small_trial):
    decisions = small_trial.decisions
    out = decisions[~decisions["include"]]
    excluded = small_trial.people.loc[small_trial.people["excluded"], "participant_id"]
    assert sorted(out["participant_id"]) == sorted(excluded)
    assert out[["visit", "modality"]].drop_duplicates().to_numpy().tolist() == [["day90", "bold"]]
    assert out["reason"].notna().all()
    assert len(decisions) == 2 * len(scans_made(small_trial.people))


def test_the_same_seed_makes_the_same_trial_and_another_does_not(small_trial):
    again = make_trial(TrialSettings())
    for name, table in small_trial.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])
    other = make_trial(TrialSettings(seed=1))
    assert not other.motor["score"].equals(small_trial.motor["score"])


def test_an_effect_on_brains_leaves_people_and_scores_alone(small_trial):
    other = make_trial(TrialSettings(inter_change=(0.3, 0.0)))
    pd.testing.assert_frame_equal(other.people, small_trial.people)
    pd.testing.assert_frame_equal(other.motor, small_trial.motor)
    assert not other.brains["z_inter"].equals(small_trial.brains["z_inter"])


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"planned": 61}, "--planned: 61 participants do not fill blocks of 6; use a multiple of 6, e.g. 60"),
        ({"planned": 0}, "0 participants do not fill blocks"),
        ({"analysed": (41, 15)}, "41 in cells is not between 2 and the 40 randomised to it"),
        ({"analysed": (39, 1)}, "1 in control is not between 2 and the 20"),
        ({"imaged": (31, 15)}, "15 imaged and 1 excluded in control do not fit into 15 analysed"),
        ({"imaged": (1, 13)}, "1 imaged and 2 excluded in cells do not fit"),
        ({"added_points": (float("nan"), 0.0)}, "--added-points: nan 0 is not between -100 and 100"),
        ({"inter_change": (0.1, -3.0)}, "--inter-change: 0.1 -3 is not between -1 and 1"),
        ({"excluded": (-1, 0)}, "-1 excluded in cells do not fit"),
    ],
)
def test_sizes_that_cannot_be_are_refused(choices, words):
    with pytest.raises(InputError, match=re.escape(words.split(";")[0])):
        TrialSettings(**choices)
