"""Sampled posteriors: exact ones agree, effective draws suffice, data are swapped; one worker compiles for all."""

from __future__ import annotations

import numpy as np
import pytest
from bayes_fixture import participants, question

from neurotrial.bayes_plan import PRIOR_SETS, BayesPlan, SamplingPlan
from neurotrial.models import bayes_two_visits
from neurotrial.models.bayes.fit import Question, sample_posterior
from neurotrial.models.bayes.predictive import draw_prior, replicate
from neurotrial.models.bayes.sampling import NUTPIE, PYMC, compiled
from neurotrial.models.bayes.two_visits import ANCOVA, GROUP_TIME, build_model, model_data
from neurotrial.models.bayes_calibration.verify import LIMIT, exact_posterior, trial, verify_posteriors


def test_sampled_posteriors_are_within_four_monte_carlo_errors_of_the_exact_ones():
    table = verify_posteriors()
    assert len(table) == 2 * 2 * 3 * 5
    assert table["distance"].max() < LIMIT, table.loc[~table["ok"]].to_string()


def test_a_table_of_participants_gives_every_prior_in_its_own_unit():
    people = participants()
    options = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control", "mcid": 3.0}
    fit = bayes_two_visits(people, **options, bounds=(0, 100))
    rows = fit.tidy()
    assert list(rows["method"]) == [f"bayes_ancova_{prior}" for prior in PRIOR_SETS]
    assert (rows["status"] == "ok").all()
    assert (rows["interval_kind"] == "eti").all()
    assert fit.diagnostics[["ess_bulk", "ess_tail"]].to_numpy().min() > 1000
    assert (fit.diagnostics["divergences"] == 0).all()
    for row in rows.to_dict("records"):
        draws = fit.effect_draws(row["method"].removeprefix("bayes_ancova_"))[..., 0]
        assert row["estimate"] == pytest.approx(draws.mean())
        assert row["std_error"] == pytest.approx(draws.std(ddof=1))
        assert [row["conf_low"], row["conf_high"]] == pytest.approx(np.quantile(draws, [0.025, 0.975]))
        assert row["probability_benefit"] == pytest.approx((draws > 0).mean())
        assert row["probability_mcid"] == pytest.approx((draws > 3).mean())


def test_the_other_direction_turns_prior_and_benefit_round():
    """An outcome and its negative with the other direction are the same question: only signs and the draw differ."""
    people = participants()
    options = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control", "mcid": 3.0}
    higher = bayes_two_visits(people, **options)
    turned = people.assign(before=-people["before"], after=-people["after"])
    lower = bayes_two_visits(turned, **options, direction="lower_is_better")
    mcse = higher.diagnostics["mcse_mean"].to_numpy()
    # independent draws: the difference of two means has an error of root two MCSE
    assert (np.abs(higher.tidy()["estimate"] + lower.tidy()["estimate"]) < LIMIT * np.sqrt(2) * mcse).all()
    both = np.array([fit.tidy()["probability_benefit"] for fit in (higher, lower)])
    assert np.abs(both[0] - both[1]).max() < 0.02
    assert (lower.diagnostics["prior_mean"] == higher.diagnostics["prior_mean"]).all()


def test_the_same_seed_gives_the_same_draws():
    options = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control"}
    fits = [bayes_two_visits(participants(), **options, seed=seed).tidy() for seed in (4, 4, 5)]
    assert fits[0].equals(fits[1])
    assert not fits[0].equals(fits[2])


@pytest.mark.parametrize("kind", [ANCOVA, GROUP_TIME])
def test_replicates_from_the_prior_have_the_moments_of_pymc_s_own(kind):
    import pymc as pm

    given = trial(3, 31, 13)
    asked = Question(kind, given.visits, BayesPlan().effect.enthusiastic, BayesPlan(), 1)
    model = build_model(asked.shape)
    with model:
        pm.set_data(model_data(asked.visits, asked.effect))
        theirs = pm.sample_prior_predictive(4000, random_seed=2)["prior_predictive"]
    rng = np.random.default_rng(5)
    ours = replicate(kind, draw_prior(asked, rng, 4000), asked.visits, rng)
    names = {"values": "follow_up"} | ({"values_baseline": "baseline"} if kind == GROUP_TIME else {})
    assert set(ours) == set(names.values())
    for name, own in names.items():
        reference = np.asarray(theirs[name]).reshape(4000, -1)
        for place in (0, -1):
            one, other = reference[:, place], ours[own][:, place]
            error = np.hypot(one.std(), other.std()) / np.sqrt(4000)
            assert abs(one.mean() - other.mean()) < LIMIT * error
            # heavy tails: quartiles are steadier than SDs; their standard error is about 1.36 SD / root n
            quartiles = [np.quantile(values, [0.25, 0.75]) for values in (one, other)]
            assert np.abs(quartiles[0] - quartiles[1]).max() < LIMIT * 1.4 * error


def test_pymc_s_own_sampler_serves_where_nutpie_is_missing():
    plan = BayesPlan(sampling=SamplingPlan(chains=2, draws=500, tune=500))
    given = trial(1, 20, 10)
    asked = Question(ANCOVA, given.visits, plan.effect.neutral, plan, 7)
    found = sample_posterior(asked, PYMC)
    assert found.sampler == PYMC
    assert not found.fault
    exact = exact_posterior(asked)
    draws = found.draws.variables["effect"][..., 0]
    assert abs(draws.mean() - exact.mean) < LIMIT * exact.sd / np.sqrt(found.convergence.least_ess)


def test_covariates_and_three_arms_are_sampled_too():
    asked = question(ANCOVA, n=30)
    found = sample_posterior(asked, NUTPIE)
    assert not found.fault
    for arm in (0, 1):
        exact = exact_posterior(asked, arm)
        draws = found.draws.variables["effect"][..., arm]
        assert abs(draws.mean() - exact.mean) < LIMIT * exact.sd / np.sqrt(found.convergence.least_ess)


def test_a_shape_is_compiled_once():
    plan = BayesPlan()
    shapes = [
        Question(ANCOVA, trial(seed, n, 9).visits, plan.effect.neutral, plan, 1).shape
        for seed, n in ((1, 12), (2, 20))
    ]
    assert compiled(shapes[0], NUTPIE) is compiled(shapes[1], NUTPIE)
