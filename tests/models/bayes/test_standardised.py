"""The scale of the priors, and data that have none."""

from __future__ import annotations

import numpy as np
import pytest
from bayes_fixture import participants

from neurotrial.errors import InputError
from neurotrial.models import bayes_two_visits
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


def test_arms_and_covariates_are_centred():
    visits = standardise(participants(), **OPTIONS, covariates=["age", "site"]).visits
    assert visits.arms.shape == (30, 1)
    assert visits.covariates.shape == (30, 2)
    for values in (visits.arms, visits.covariates):
        assert values.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert visits.covariates.std(axis=0, ddof=1) == pytest.approx(1)


def test_who_misses_a_value_is_left_out_and_counted():
    people = participants()
    people.loc[[1, 2], "before"] = np.nan
    given = standardise(people, **OPTIONS)
    assert len(given.visits.baseline) == 28
    assert given.table.note == "participants left out: 2 (missing: before in 2)"


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"before": 40.0}, {}, "column 'before': does not vary within the arms"),
        ({"before": np.nan}, {}, "column 'before': is missing for every participant"),
        ({"age": 60.0}, {"covariates": ["age"]}, "covariate 'age': does not vary"),
        ({}, {"covariates": ["after"]}, "covariate 'after': uses 'after', which the model has already"),
        ({}, {"baseline": "bafore"}, "column 'bafore': the column is missing"),
        ({}, {"mcid": -3.0}, "mcid: -3 is no difference above 0"),
        ({}, {"model": "mmrm"}, "model: 'mmrm' is unknown"),
        ({}, {"conf_level": 95}, "conf_level: 95 is not between 0 and 1"),
    ],
)
def test_bad_input_is_named(change, options, words):
    with pytest.raises(InputError) as caught:
        bayes_two_visits(participants().assign(**change), **{**OPTIONS, **options})
    assert words in str(caught.value)


def test_an_arm_of_one_is_refused():
    people = participants()
    people = people.drop(index=people.index[people["arm"] == "control"][1:])
    with pytest.raises(InputError, match="arm 'control' has 1 of the 2 participants"):
        standardise(people, **OPTIONS)
