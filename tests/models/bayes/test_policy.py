"""What is sampled again, and what is reported as failed; no sampler is needed to see it."""

from __future__ import annotations

import numpy as np
import pytest
from bayes_fixture import independent_draws, participants, question

from neurotrial.bayes_plan import Acceptance, BayesPlan
from neurotrial.models import bayes_two_visits
from neurotrial.models.bayes import fit
from neurotrial.models.bayes.diagnostics import convergence
from neurotrial.models.bayes.two_visits import ANCOVA

ACCEPT = Acceptance()


class Scripted:
    """Hands out prepared draws, one set a call, and notes how it was asked."""

    def __init__(self, *faults):
        self.faults, self.asked = list(faults), []

    def sample(self, data, plan, seed):
        self.asked.append((plan, seed))
        shape = (data["arms"].shape[1], 0)
        fault = self.faults.pop(0) if self.faults else {}
        return independent_draws(shape, np.random.default_rng(seed), **fault)


@pytest.fixture
def script(monkeypatch):
    """Return a function that puts a scripted sampler in the place of the compiled one."""

    def _script(*faults):
        sampler = Scripted(*faults)
        monkeypatch.setattr(fit, "compiled", lambda *_: sampler)
        return sampler

    return _script


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"diverging": 3}, "3 divergent transitions"),
        ({"stuck": True}, r"R-hat \d\.\d{3} above 1.01"),
        ({"draws": 60}, r"\d+ effective draws, fewer than 400"),
    ],
)
def test_each_fault_is_named(fault, words):
    draws = independent_draws((1, 0), np.random.default_rng(1), **fault)
    import re

    assert re.search(words, "; ".join(convergence(draws).faults(ACCEPT)))


def test_low_energy_information_is_named():
    draws = independent_draws((1, 0), np.random.default_rng(1))
    draws.energy[:] = np.cumsum(draws.energy, axis=1)
    assert any("E-BFMI" in fault for fault in convergence(draws).faults(ACCEPT))


def test_what_cannot_be_computed_is_a_fault():
    draws = independent_draws((1, 0), np.random.default_rng(1))
    draws.variables["slope"][:] = np.nan
    assert len(list(convergence(draws).faults(ACCEPT))) >= 2


def test_a_good_fit_is_sampled_once(script):
    sampler = script()
    found = fit.sample_posterior(question(ANCOVA), "nutpie")
    assert (found.attempts, found.fault, len(sampler.asked)) == (1, "", 1)


def test_a_bad_fit_is_sampled_again_with_smaller_steps_and_twice_the_draws(script):
    sampler = script({"diverging": 2}, {"stuck": True})
    found = fit.sample_posterior(question(ANCOVA), "nutpie")
    assert (found.attempts, found.fault) == (3, "")
    plans = [plan for plan, _ in sampler.asked]
    assert [plan.target_accept for plan in plans] == pytest.approx([0.9, 0.99, 0.999])
    assert [(plan.draws, plan.tune) for plan in plans] == [(1000, 500), (2000, 1000), (4000, 2000)]
    assert len({seed for _, seed in sampler.asked}) == 3
    assert found.sampling == plans[-1]


def test_after_the_last_attempt_the_fit_has_failed_and_shows_no_number(script):
    script(*[{"diverging": 1}] * 6)
    plan = BayesPlan(accept=Acceptance(attempts=2))
    rows = bayes_two_visits(
        participants(), outcome="after", baseline="before", arm="arm", reference="control", plan=plan
    )
    table = rows.tidy()
    assert (table["status"] == "failed").all()
    assert table["reason"].str.contains("in 2 attempts: 1 divergent transitions").all()
    shown = ["estimate", "std_error", "conf_low", "conf_high", "probability_benefit", "probability_mcid"]
    assert table[shown].isna().all(axis=None)
    assert (rows.diagnostics["status"] == "failed").all()
    assert (rows.diagnostics["divergences"] == 1).all()
    assert set(rows.predictive["source"]) == {"prior"}
