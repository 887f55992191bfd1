"""What the Bayesian estimators refuse: every error names column or setting, rule and remedy, before anything is sampled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bayes_fixture import ANCOVA, both_visits, participants
from pydantic import ValidationError

from neurotrial.bayes_plan import (
    Acceptance,
    BayesPlan,
    EffectPriors,
    NormalPrior,
    NuisancePriors,
    PublishedArm,
    SamplingPlan,
)
from neurotrial.errors import InputError
from neurotrial.models import bayes_ancova, bayes_joint_change, bayes_mmrm, bayes_outcomes


@pytest.fixture(autouse=True)
def sampler(script):
    """Nothing may be asked of it."""
    asked = script()
    yield
    assert not asked.asked


def ancova(change=None, **options):
    people = participants()
    return bayes_ancova(people if change is None else change(people), **ANCOVA | options)


def mixed(change=None, formula="score ~ arm * visit", **options):
    long = both_visits(participants())
    return bayes_mmrm(
        formula, long if change is None else change(long), subject="who", visit="visit", **options
    )


def several(change=None, **options):
    people = participants().assign(who=[f"sub-{row:02d}" for row in range(30)])
    rows = pd.concat(
        [
            people.assign(outcome=name, baseline=people["before"] * size, value=people["after"] * size)
            for name, size in (("force", 1.0), ("speed", 10.0))
        ],
        ignore_index=True,
    )
    return bayes_outcomes(rows if change is None else change(rows), **{"subject": "who"} | options)


def joint(change=None, **options):
    people = participants().assign(mass0=lambda t: t["before"] / 8, mass1=lambda t: t["after"] / 8 + t["age"])
    columns = {"x": "mass1", "x_baseline": "mass0", "y": "after", "y_baseline": "before", "arm": "arm"}
    return bayes_joint_change(people if change is None else change(people), **columns | options)


EVERY = [ancova, mixed, several, joint]


def refused(call, *words):
    with pytest.raises(InputError) as caught:
        call()
    text = str(caught.value)
    for word in (*words, "remedy: "):
        assert word in text, text
    assert all(problem.where and problem.rule and problem.remedy for problem in caught.value.problems)


@pytest.mark.parametrize("estimator", EVERY)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prior_sets": ["optimistic"]}, ["prior_sets", "not known: optimistic", "sceptical, neutral"]),
        ({"prior_sets": []}, ["prior_sets", "names none"]),
        ({"conf_level": 95}, ["conf_level", "95 is not between 0 and 1", "0.95"]),
        ({"draws": 10}, ["draws", "greater than or equal to 200"]),
        ({"draws": 10**6}, ["draws", "less than or equal to 100000"]),
        ({"chains": 1, "draws": 5}, ["chains", "greater than or equal to 2", "draws"]),
        ({"priors": {"rope": 0.1}}, ["priors", "dict is no BayesPlan", "BayesPlan(...)"]),
    ],
)
def test_settings_out_of_range(estimator, options, words):
    refused(lambda: estimator(**options), *words)


@pytest.mark.parametrize("estimator", [ancova, mixed])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"direction": "up"}, ["direction", "'up' is not known", "higher_is_better or lower_is_better"]),
        ({"mcid": -3.0}, ["mcid", "-3 is no difference above 0", "whatever the direction"]),
        ({"mcid": np.inf}, ["mcid", "inf is no difference above 0"]),
        ({"rope": 0.0}, ["rope", "0 is no difference above 0"]),
        ({"bounds": (66, 0)}, ["bounds", "66 to 0 is no range", "the lowest and then the highest"]),
        ({"mcid": -1.0, "direction": "up"}, ["mcid", "direction"]),
    ],
)
def test_what_is_wanted_of_the_posterior_is_checked(estimator, options, words):
    refused(lambda: estimator(**options), *words)


def one_of_control(table):
    return table.drop(index=table.index[table["arm"] == "control"][1:])


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda t: t.assign(before=40.0), {}, ["column 'before'", "does not vary within the arms", "check the column"]),
        (
            lambda t: t.assign(before=np.where(t["arm"] == "cells", 40.0, 20.0)),
            {},
            ["column 'before'", "does not vary within the arms"],
        ),
        (lambda t: t.assign(before=np.nan), {}, ["column 'before'", "is missing for every participant"]),
        (lambda t: t.assign(before=t["before"].where(t.index > 0, np.inf)), {}, ["column 'before'", "must be finite", "row"]),
        (lambda t: t.assign(after=t["after"].astype("str")), {}, ["column 'after'", "must hold numbers"]),
        (lambda t: t.assign(age=60.0), {"covariates": ["age"]}, ["covariate 'age'", "does not vary", "leave it out"]),
        (None, {"covariates": ["after"]}, ["covariate 'after'", "which the model has already"]),
        (None, {"covariates": ["exec('x')"]}, ["covariate"]),
        (None, {"covariates": ["aeg"]}, ["column 'aeg'", "missing", "did you mean 'age'?"]),
        (None, {"outcome": "before"}, ["outcome, baseline", "'before' is both", "name two columns"]),
        (None, {"baseline": "bafore"}, ["column 'bafore'", "the column is missing", "did you mean 'before'?"]),
        (None, {"reference": "contrl"}, ["reference", "'contrl' is not an arm", "did you mean 'control'?"]),
        (one_of_control, {}, ["column 'arm'", "arm 'control' has 1 of the 2 participants"]),
        (lambda t: t[t["arm"] == "cells"], {}, ["column 'arm'", "two or more arms are compared; found: cells"]),
        (lambda t: t.assign(arm=t["arm"].where(t.index != 3)), {}, ["column 'arm'", "every participant has an arm"]),
        (lambda t: t.iloc[:0], {}, ["column 'arm'", "found: none"]),
    ],
)  # fmt: skip
def test_tables_of_an_analysis_of_covariance(change, options, words):
    refused(lambda: ancova(change, **options), *words)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (None, {"baseline": "last"}, ["baseline", "'last' is not known", "first, none, common"]),
        (None, {"formula": "score ~ visit"}, ["formula", "'arm'", "score ~ arm * visit".replace("score", "outcome")]),
        (None, {"formula": "score ~ arm * visit + eval(age)"}, ["formula"]),
        (None, {"formula": "arm * visit"}, ["formula", "does not have an outcome"]),
        (None, {"arm": "group"}, ["formula", "'group'"]),
        (lambda t: t[t["visit"] == "day90"], {}, ["column 'visit'", "one visit"]),
        (lambda t: pd.concat([t, t.iloc[[3]]]), {}, ["'who', 'visit'", "sub-03"]),
        (lambda t: t.assign(arm=t["arm"].where(t.index != 0, "cells")), {}, ["column 'arm'", "sub-00", "correct the rows"]),
        (lambda t: t.assign(score=t["score"].where(t["visit"] == "day90", 40.0)), {}, ["column 'score'", "at baseline", "0"]),
        (lambda t: t[(t["arm"] == "cells") | (t["who"] == "sub-00")], {}, ["column 'arm'", "fewer than 2", "control"]),
        (lambda t: t.assign(score=np.nan), {}, ["column 'score'"]),
    ],
)  # fmt: skip
def test_long_tables(change, options, words):
    refused(lambda: mixed(change, **options), *words)


def without_an_arm(rows):
    return rows[(rows["outcome"] == "force") | (rows["arm"] == "cells")]


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda t: t.drop(columns="value"), {}, ["column 'value'", "the column is missing"]),
        (lambda t: pd.concat([t, t.iloc[[2]]]), {}, ["'who', 'outcome'", "one row for each outcome", "sub-02"]),
        (lambda t: t.assign(arm=t["arm"].where(t.index != 0, "cells")), {}, ["column 'arm'", "one arm", "sub-00"]),
        (lambda t: t[t["outcome"] == "force"], {}, ["column 'outcome'", "1 outcomes", "use bayes_ancova"]),
        (
            lambda t: pd.concat([t.assign(outcome=f"o{i}") for i in range(13)]),
            {"subject": "row"},
            ["column 'row'"],
        ),
        (without_an_arm, {}, ["outcome 'speed', column 'arm'", "found: cells"]),
        (
            lambda t: t.assign(baseline=t["baseline"].where(t["outcome"] != "speed", 3.0)),
            {},
            ["outcome 'speed', column 'baseline'", "does not vary within the arms"],
        ),
        (None, {"directions": {"force": "higher_is_better"}}, ["directions", "lacks speed", "name every outcome"]),
        (None, {"directions": {"force": "higher_is_better", "sped": "up"}}, ["directions", "sped", "force, speed"]),
        (None, {"directions": "up"}, ["direction", "'up' is not known"]),
        (None, {"mcids": {"sped": 1.0}}, ["mcids", "no outcome of the table: sped", "use: force, speed"]),
        (None, {"mcids": {"speed": -1.0}}, ["mcid", "no difference above 0"]),
    ],
)  # fmt: skip
def test_tables_of_several_outcomes(change, options, words):
    refused(lambda: several(change, **options), *words)


def test_too_many_outcomes():
    def many(rows):
        force = rows[rows["outcome"] == "force"]
        return pd.concat([force.assign(outcome=f"outcome {i}") for i in range(13)], ignore_index=True)

    refused(lambda: several(many), "column 'outcome'", "13 outcomes; the model is for 2 to 12")


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (None, {"x": "after"}, ["x, y", "'after' is both", "name two outcomes"]),
        (None, {"x": "mas1"}, ["column 'mas1'", "missing", "did you mean 'mass1'?"]),
        (lambda t: t.assign(mass0=5.0), {}, ["column 'mass0'", "does not vary within the arms"]),
        (lambda t: t.assign(mass1=np.nan), {}, ["column 'mass1'", "is missing for every participant"]),
        (None, {"y": "before"}, ["outcome, baseline", "'before' is both"]),
        (None, {"covariates": ["mass0"]}, ["covariate 'mass0'", "which the model has already"]),
        (lambda t: t.assign(mass1=t["mass1"].astype(str)), {}, ["column 'mass1'", "must hold numbers"]),
        (None, {"directions": ("up", "higher_is_better")}, ["direction", "'up' is not known"]),
        (one_of_control, {}, ["column 'arm'", "control"]),
    ],
)
def test_tables_of_two_outcomes(change, options, words):
    refused(lambda: joint(change, **options), *words)


@pytest.mark.parametrize(
    ("part", "given", "where"),
    [
        (NormalPrior, {"mean": 0.0, "sd": 0.0}, "sd"),
        (NormalPrior, {"mean": 0.0, "sd": -1.0}, "sd"),
        (NormalPrior, {"mean": 0.0, "sd": np.inf}, "sd"),
        (NormalPrior, {"mean": np.nan, "sd": 1.0}, "mean"),
        (NormalPrior, {"mean": 11.0, "sd": 1.0}, "mean"),
        (NuisancePriors, {"residual_sd": 0.0}, "residual_sd"),
        (NuisancePriors, {"correlation_eta": 0.0}, "correlation_eta"),
        (NuisancePriors, {"tail_rate": np.inf}, "tail_rate"),
        (NuisancePriors, {"intercept": 1.0}, "intercept"),
        (EffectPriors, {"sceptical": {"mean": 0.0}}, "sceptical.sd"),
        (BayesPlan, {"residuals": "cauchy"}, "residuals"),
        (BayesPlan, {"rope": 0.0}, "rope"),
        (SamplingPlan, {"chains": 1}, "chains"),
        (SamplingPlan, {"target_accept": 1.0}, "target_accept"),
        (Acceptance, {"rhat": 1.0}, "rhat"),
        (Acceptance, {"attempts": 0}, "attempts"),
        (PublishedArm, {"source": "A", "n": 1, "mean_change": 0.0, "sd_change": 1.0}, "n"),
        (PublishedArm, {"source": "A", "n": 9, "mean_change": 0.0, "sd_change": 0.0}, "sd_change"),
    ],
)
def test_a_prior_that_is_none_is_refused(part, given, where):
    """A scale of 0 is a value, one without end no distribution; both are refused where the prior is made."""
    with pytest.raises(ValidationError) as caught:
        part(**given)
    assert where in {".".join(map(str, fault["loc"])) for fault in caught.value.errors()}
