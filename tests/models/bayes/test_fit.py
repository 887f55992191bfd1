"""What is sampled again, and what is reported as failed; no sampler is needed to see it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bayes_fixture import ANCOVA, ancova_question, independent_draws, participants

from neurotrial.bayes_plan import Acceptance, BayesPlan
from neurotrial.models import bayes_ancova
from neurotrial.models.bayes.fit import converged, sample_posterior

ACCEPT = Acceptance()


def worth(**fault):
    model = ancova_question().model
    return converged(model, independent_draws(model, np.random.default_rng(1), **fault))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"diverging": 3}, "3 divergent transitions"),
        ({"stuck": True}, r"R-hat \d\.\d{3} above 1.01"),
        ({"draws": 60}, r"\d+ effective draws, fewer than 400"),
    ],
)
def test_each_fault_is_named(fault, words):
    assert re.search(words, "; ".join(worth(**fault).faults(ACCEPT)))


def test_independent_draws_have_no_fault():
    assert not list(worth().faults(ACCEPT))


def test_low_energy_information_is_named():
    model = ancova_question().model
    draws = independent_draws(model, np.random.default_rng(1))
    draws.energy[:] = np.cumsum(draws.energy, axis=1)
    assert any("E-BFMI" in fault for fault in converged(model, draws).faults(ACCEPT))


def test_what_cannot_be_computed_is_a_fault():
    model = ancova_question().model
    draws = independent_draws(model, np.random.default_rng(1))
    draws.variables["sd"][:] = np.nan
    assert len(list(converged(model, draws).faults(ACCEPT))) >= 2


def test_a_good_fit_is_sampled_once(script):
    sampler = script()
    found = sample_posterior(ancova_question(), "nutpie")
    assert (found.attempts, found.fault, len(sampler.asked)) == (1, "", 1)
    assert found.sampler == "nutpie"


def test_a_bad_fit_is_sampled_again_with_smaller_steps_and_twice_the_draws(script):
    sampler = script({"diverging": 2}, {"stuck": True})
    found = sample_posterior(ancova_question(), "nutpie")
    assert (found.attempts, found.fault) == (3, "")
    plans = [plan for plan, *_ in sampler.asked]
    assert [plan.target_accept for plan in plans] == pytest.approx([0.9, 0.99, 0.999])
    assert [(plan.draws, plan.tune) for plan in plans] == [(1000, 500), (2000, 1000), (4000, 2000)]
    assert len({seed for _, seed, _ in sampler.asked}) == 3
    assert found.sampling == plans[-1]


def test_after_the_last_attempt_the_fit_has_failed_and_shows_no_number(script):
    script(*[{"diverging": 1}] * 6)
    plan = BayesPlan(accept=Acceptance(attempts=2))
    fit = bayes_ancova(participants(), **ANCOVA, priors=plan)
    table = fit.tidy()
    assert (table["status"] == "failed").all()
    assert table["reason"].str.contains("in 2 attempts: 1 divergent transitions").all()
    numbers = table.select_dtypes("number").drop(columns=["n_participants"], errors="ignore")
    shown = ["estimate", "std_error", "conf_low", "conf_high", "probability_benefit", "probability_mcid"]
    assert set(shown) <= set(numbers.columns)
    assert table[shown].isna().all(axis=None)
    chances = fit.probability(above=0)
    assert chances[["probability", "mcse"]].isna().all(axis=None)
    assert not fit.evidence.ok


def test_one_fit_that_failed_leaves_the_others(script):
    script({}, *[{"diverging": 1}] * 3)
    table = bayes_ancova(participants(), **ANCOVA).tidy()
    status = table.groupby("method")["status"].first()
    assert status.to_dict() == {
        "bayes_ancova_sceptical": "ok",
        "bayes_ancova_neutral": "failed",
        "bayes_ancova_enthusiastic": "ok",
    }


@pytest.mark.parametrize("progress", [True, False])
def test_progress_is_shown_where_it_is_asked_for(script, progress):
    sampler = script()
    bayes_ancova(participants(), **ANCOVA, prior_sets=["neutral"], progress=progress)
    assert [shown for *_, shown in sampler.asked] == [progress]
