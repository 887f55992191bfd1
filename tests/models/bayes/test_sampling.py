"""Sampled posteriors of the two shapes that the quick suite compiles: exact ones agree, seeds repeat, data are swapped."""

from __future__ import annotations

import numpy as np
import pytest
from bayes_fixture import ANCOVA, both_visits, participants

from neurotrial.bayes_plan import PRIOR_SETS, BayesPlan
from neurotrial.models import bayes_ancova, bayes_mmrm
from neurotrial.models.bayes.sampling import NUTPIE, compiled
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_calibration.exact import exact_ancova
from neurotrial.models.bayes_calibration.exact_group_time import exact_group_time, pair_model
from neurotrial.models.bayes_calibration.verify import LIMIT, VERIFIED, trial, verify_posteriors
from neurotrial.models.bayes_evidence.convergence import precision


def errors(fit, target):
    """Monte Carlo standard errors of mean and SD, in the unit of the outcome."""
    found = precision("", target.draws.reshape(fit.posterior.draws.energy.shape))
    return np.array([found.mcse_mean, found.mcse_sd])


def moments(target):
    return np.array([target.draws.mean(), target.draws.std(ddof=1)])


def test_sampled_posteriors_are_within_four_monte_carlo_errors_of_the_exact_ones():
    """Mean, SD, 2.5 % and 97.5 % points and probability of benefit, of both models on two trials with every prior."""
    table = verify_posteriors()
    assert len(table) == 2 * 2 * 3 * 5
    assert table["distance"].max() < LIMIT, table.loc[~table["ok"]].to_string()


@pytest.fixture(scope="module")
def fitted():
    return bayes_ancova(participants(), **ANCOVA, mcid=3.0, bounds=(0, 100), seed=4)


def test_a_table_of_participants_gives_every_prior_in_its_own_unit(fitted):
    rows = fitted.tidy()
    assert (rows["status"] == "ok").all()
    given, plan = standardise(participants(), **ANCOVA), BayesPlan()
    for prior in PRIOR_SETS:
        own = fitted.fits[prior]
        exact = exact_ancova(given.visits, getattr(plan.effect, prior), plan.others)
        row = rows[(rows["method"] == f"bayes_ancova_{prior}") & (rows["term"] == "arm")].iloc[0]
        target = own.targets[0]
        assert moments(target) == pytest.approx([row["estimate"], row["std_error"]])
        away = moments(target) - given.sd * np.array([exact.mean, exact.sd])
        assert (np.abs(away) < LIMIT * errors(own, target)).all()
        # 4,000 draws with more than 1,000 effective ones
        assert abs(row["probability_benefit"] - (1 - exact.cdf(0))) < LIMIT * 0.5 / np.sqrt(1000)
        assert own.posterior.convergence.least_ess > 1000
        assert own.posterior.convergence.divergences == 0


def test_the_evidence_of_a_good_fit_has_no_fault(fitted):
    evidence = fitted.evidence
    assert evidence.ok, evidence.faults
    assert evidence.loo.status in {"reliable", "refitted"}
    assert "neutral" in set(fitted.evidence_table()["prior"])


def test_the_same_seed_gives_the_same_draws(fitted):
    again, other = (bayes_ancova(participants(), **ANCOVA, mcid=3.0, seed=seed) for seed in (4, 5))
    assert fitted.tidy().equals(again.tidy())
    assert not fitted.tidy().equals(other.tidy())


def test_the_other_direction_turns_prior_and_benefit_round(fitted):
    """An outcome and its negative with the other direction are the same question: only signs and the draw differ."""
    people = participants()
    turned = people.assign(before=-people["before"], after=-people["after"])
    lower = bayes_ancova(turned, **ANCOVA, mcid=3.0, direction="lower_is_better", seed=4)
    for prior in PRIOR_SETS:
        one, other = fitted.fits[prior], lower.fits[prior]
        # independent draws: the difference of two means has an error of root two MCSE
        limit = LIMIT * np.sqrt(2) * errors(one, one.targets[0])[0]
        assert abs(one.targets[0].draws.mean() + other.targets[0].draws.mean()) < limit
    chances = [fit.tidy().query("term == 'arm'") for fit in (fitted, lower)]
    for name in ("probability_benefit", "probability_mcid", "probability_rope"):
        one, other = (table[name].to_numpy() for table in chances)
        # four errors of the difference of two shares of 1,000 effective draws
        assert np.abs(one - other).max() < LIMIT * np.sqrt(2) * 0.5 / np.sqrt(1000)


def test_a_mixed_model_of_two_visits_has_the_exact_posterior_of_group_by_time():
    people, plan = participants(), BayesPlan()
    fit = bayes_mmrm(
        "score ~ arm * visit", both_visits(people), subject="who", visit="visit", prior_sets=["neutral"]
    )
    given = standardise(people, **ANCOVA)
    exact = exact_group_time(pair_model(given.visits, plan.effect.neutral, plan.others))
    target = next(one for one in fit.main.targets if one.term == "group_by_time")
    assert target.scale == pytest.approx(given.sd)
    away = moments(target) - given.sd * np.array([exact.mean, exact.sd])
    assert (np.abs(away) < LIMIT * errors(fit.main, target)).all()


def test_a_shape_is_compiled_once():
    plan = BayesPlan()
    for verified in VERIFIED.values():
        models = [
            verified.model(trial(seed, n, 9), plan.effect.neutral, plan) for seed, n in ((1, 12), (2, 20))
        ]
        assert compiled(models[0], NUTPIE) is compiled(models[1], NUTPIE)
