"""Posteriors in files: what is written is read, by this package and by ArviZ; the name changes with what it depends on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bayes_fixture import ancova_question, independent_draws

from neurotrial.bayes_plan import BayesPlan, NormalPrior, NuisancePriors, SamplingPlan
from neurotrial.models.bayes.fit import Posterior, converged
from neurotrial.models.bayes_study.posterior_file import (
    Stored,
    has_posterior,
    read_posterior,
    write_posterior,
)
from neurotrial.models.bayes_study.question_hash import question_hash

FINDING = {
    "measure": "worst R-hat",
    "about": "",
    "value": 1.02,
    "limit": 1.01,
    "verdict": "fault",
    "words": "R-hat",
}


@pytest.fixture
def written(tmp_path):
    model = ancova_question().model
    draws = independent_draws(model, np.random.default_rng(1), draws=200)
    fault = "R-hat above 1.01"
    posterior = Posterior(draws, converged(model, draws), "nutpie", SamplingPlan(draws=200), 2, fault)
    path = tmp_path / "posterior.nc"
    write_posterior(path, model, Stored(posterior, [FINDING], []))
    return path, posterior, model


def test_what_is_written_is_read(written):
    path, posterior, model = written
    stored = read_posterior(path, model)
    found = stored.posterior
    assert found.draws.variables.keys() == posterior.draws.variables.keys()
    for name, values in posterior.draws.variables.items():
        np.testing.assert_array_equal(found.draws.variables[name], values)
    for name in ("energy", "diverging", "depth", "deepest"):
        np.testing.assert_array_equal(getattr(found.draws, name), getattr(posterior.draws, name))
    same = ("sampler", "sampling", "attempts", "fault")
    assert [getattr(found, name) for name in same] == [getattr(posterior, name) for name in same]
    assert found.convergence.tidy().equals(posterior.convergence.tidy())
    assert found.convergence.least_bfmi == posterior.convergence.least_bfmi
    assert list(stored.evidence) == [FINDING]


def test_arviz_reads_it(written):
    import arviz as az

    path, posterior, model = written
    tree = az.from_netcdf(path)
    target = tree["posterior"]["target"]
    assert target.dims == ("chain", "draw", "number")
    assert next(iter(target["number"].values)) == "cells - control, follow_up"
    expected = model.targets(posterior.draws.flat)[0].draws
    np.testing.assert_array_equal(target.values[..., 0].ravel(), expected)
    assert {"energy", "diverging", "tree_depth"} <= set(tree["sample_stats"].data_vars)
    assert tree["observed_data"]["values"].dims == ("participant", "column")


def test_half_a_file_is_none(tmp_path):
    assert not has_posterior(tmp_path / "none.nc")
    (tmp_path / "half.nc").write_bytes(b"\0" * 100)
    assert not has_posterior(tmp_path / "half.nc")


def test_the_name_changes_with_data_model_priors_sampler_and_seed():
    first = ancova_question()
    model = first.model
    narrower = BayesPlan(others=NuisancePriors(residual_sd=1.4))
    shifted = model.with_values(model.observed.values + 1e-9)
    others = [
        replace(first, model=shifted),
        ancova_question(covariates=["age"]),
        ancova_question(prior="sceptical"),
        ancova_question(narrower),
        replace(first, plan=BayesPlan(sampling=SamplingPlan(draws=1600))),
        replace(first, seed=4),
    ]
    hashes = [question_hash(one, "nutpie") for one in (first, *others)] + [question_hash(first, "PyMC NUTS")]
    assert len(set(hashes)) == len(hashes)


def test_the_interval_does_not_change_what_is_sampled():
    first = ancova_question()
    other = replace(first, plan=BayesPlan(interval="hdi"))
    assert question_hash(first, "nutpie") == question_hash(other, "nutpie")


def test_the_name_is_the_same_for_the_same_question():
    assert question_hash(ancova_question(), "nutpie") == question_hash(ancova_question(), "nutpie")


def test_a_prior_of_the_effect_is_part_of_the_name():
    plan = BayesPlan()
    wider = plan.model_copy(
        update={"effect": plan.effect.model_copy(update={"neutral": NormalPrior(mean=0, sd=2.1)})}
    )
    assert question_hash(ancova_question(wider), "nutpie") != question_hash(ancova_question(plan), "nutpie")
