"""Posteriors in files: what is written is read, by this package and by ArviZ; the name changes with what it depends on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bayes_fixture import PRIORS, independent_draws, question

from neurotrial.bayes_plan import BayesPlan, NormalPrior, SamplingPlan
from neurotrial.models.bayes.diagnostics import convergence
from neurotrial.models.bayes.fit import Posterior
from neurotrial.models.bayes.two_visits import ANCOVA, GROUP_TIME
from neurotrial.models.bayes_study.posterior_file import (
    has_posterior,
    question_hash,
    read_posterior,
    write_posterior,
)


@pytest.fixture(params=[ANCOVA, GROUP_TIME])
def written(request, tmp_path):
    draws = independent_draws((2, 2), np.random.default_rng(1), draws=200, ancova=request.param == ANCOVA)
    posterior = Posterior(draws, convergence(draws), "nutpie", SamplingPlan(draws=200), 2, "R-hat above 1.01")
    path = tmp_path / "posterior.nc"
    write_posterior(path, posterior, question(request.param), ["low", "high"])
    return path, posterior


def test_what_is_written_is_read(written):
    path, posterior = written
    found = read_posterior(path)
    assert found.draws.variables.keys() == posterior.draws.variables.keys()
    for name, values in posterior.draws.variables.items():
        np.testing.assert_array_equal(found.draws.variables[name], values)
    np.testing.assert_array_equal(found.draws.diverging, posterior.draws.diverging)
    same = ("convergence", "sampler", "sampling", "attempts", "fault")
    assert [getattr(found, name) for name in same] == [getattr(posterior, name) for name in same]


def test_arviz_reads_it(written):
    import arviz as az

    path, posterior = written
    tree = az.from_netcdf(path)
    effect = tree["posterior"]["effect"]
    assert effect.dims == ("chain", "draw", "arm")
    assert list(effect["arm"].values) == ["low", "high"]
    np.testing.assert_array_equal(effect.values, posterior.draws.variables["effect"])
    assert {"energy", "diverging"} <= set(tree["sample_stats"].data_vars)
    assert {"baseline", "follow_up"} <= set(tree["observed_data"].data_vars)


def test_half_a_file_is_none(tmp_path):
    assert not has_posterior(tmp_path / "none.nc")
    (tmp_path / "half.nc").write_bytes(b"\0" * 100)
    assert not has_posterior(tmp_path / "half.nc")


def test_the_name_changes_with_data_model_priors_sampler_and_seed():
    first = question(ANCOVA)
    plan = BayesPlan(others=PRIORS)
    others = [
        replace(first, visits=replace(first.visits, baseline=first.visits.baseline + 1e-9)),
        replace(first, kind=GROUP_TIME),
        replace(first, effect=NormalPrior(mean=0.5, sd=0.41)),
        replace(first, plan=BayesPlan()),
        replace(first, plan=plan.model_copy(update={"sampling": SamplingPlan(draws=1600)})),
        replace(first, seed=4),
    ]
    hashes = [question_hash(one, "nutpie") for one in (first, *others)] + [question_hash(first, "PyMC NUTS")]
    assert len(set(hashes)) == len(hashes)


def test_the_interval_does_not_change_what_is_sampled():
    first = question(ANCOVA)
    other = replace(first, plan=BayesPlan(others=PRIORS, interval="hdi"))
    assert question_hash(first, "nutpie") == question_hash(other, "nutpie")
