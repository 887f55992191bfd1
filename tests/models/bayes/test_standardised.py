"""The scale of the priors, and data that have none."""

from __future__ import annotations

import numpy as np
import pytest
from bayes_fixture import participants

from neurotrial.errors import InputError
from neurotrial.models.bayes.standardised import standardise

OPTIONS = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control"}


def test_the_scale_is_that_of_baseline_within_arms():
    people = participants()
    given = standardise(people, **OPTIONS)
    sds = people.groupby("arm")["before"].agg(["var", "count"])
    pooled = np.sqrt((sds["var"] * (sds["count"] - 1)).sum() / (len(people) - 2))
    assert given.sd == pytest.approx(pooled)
    assert given.centre == pytest.approx(people["before"].mean())
    assert given.visits.follow_up * given.sd + given.centre == pytest.approx(people["after"].to_numpy())


def test_covariates_are_centred_over_their_sds_and_arms_are_marked():
    people = participants()
    visits = standardise(people, **OPTIONS, covariates=["age", "site", "log(age)"]).visits
    assert visits.arms[:, 0].tolist() == (people["arm"] == "cells").tolist()
    assert visits.covariates.shape == (30, 3)
    assert visits.covariates.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert visits.covariates.std(axis=0, ddof=1) == pytest.approx(1)
    for place, values in enumerate((people["age"], people["site"] == "b", np.log(people["age"]))):
        numbers = values.to_numpy(dtype=float)
        expected = (numbers - numbers.mean()) / numbers.std(ddof=1)
        assert visits.covariates[:, place] == pytest.approx(expected)


def test_without_covariates_there_is_no_column():
    assert standardise(participants(), **OPTIONS).visits.covariates.shape == (30, 0)


def test_who_misses_a_value_is_left_out_and_counted():
    people = participants()
    people.loc[[1, 2], "before"] = np.nan
    given = standardise(people, **OPTIONS)
    assert len(given.visits.baseline) == 28
    assert given.table.note == "participants left out: 2 (missing: before in 2)"


def test_an_arm_of_one_is_refused():
    people = participants()
    people = people.drop(index=people.index[people["arm"] == "control"][1:])
    with pytest.raises(InputError, match="arm 'control' has 1 of the 2 participants"):
        standardise(people, **OPTIONS)
