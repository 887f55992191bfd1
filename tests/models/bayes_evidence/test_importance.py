"""Smoothed weights have the tail of the ratios; what cannot be weighted is told by its k."""

from __future__ import annotations

import numpy as np
import pytest
from evidence_fixture import chained

from neurotrial.models.bayes_evidence.draws import flattened, thinned
from neurotrial.models.bayes_evidence.importance import pareto_limit, smoothed

DRAWS = 20_000


def test_the_tail_of_exponential_draws_has_the_known_shape():
    # exp(a x) of an exponential variable is Pareto with shape a; its standard error is (1 + a) / root(tail draws)
    exponential = np.random.default_rng(1).exponential(size=DRAWS)
    found = smoothed(exponential[:, None] * [0.3, 0.6, 0.9], chains=4)
    tail = 3 * np.sqrt(DRAWS)
    for k, shape in zip(found.k, (0.3, 0.6, 0.9), strict=True):
        assert k == pytest.approx(shape, abs=4 * (1 + shape) / np.sqrt(tail))


def test_weights_carry_draws_to_another_normal():
    draws = np.random.default_rng(2).normal(size=DRAWS)
    found = smoothed((0.5 * draws - 0.125)[:, None], chains=2)  # N(0.5, 1) over N(0, 1)
    weights = np.exp(found.log_weights[:, 0])
    assert weights.sum() == pytest.approx(1)
    assert weights @ draws == pytest.approx(0.5, abs=0.05)
    assert weights @ (draws - 0.5) ** 2 == pytest.approx(1, abs=0.1)
    assert found.efficiency[0] == pytest.approx(1, abs=0.15)


def test_draws_that_hang_together_are_worth_less():
    rng = np.random.default_rng(3)
    steps = np.zeros((4, 2500))
    for place in range(1, 2500):
        steps[:, place] = 0.9 * steps[:, place - 1] + rng.normal(size=4)
    found = smoothed(0.1 * steps.reshape(-1, 1), chains=4)
    assert found.efficiency[0] == pytest.approx(
        0.1 / 1.9, rel=0.4
    )  # that of an autoregression of first order


def test_equal_ratios_and_broken_ratios():
    ratios = np.zeros((400, 2))
    ratios[7, 1] = np.inf
    found = smoothed(ratios, chains=4)
    assert found.k.tolist() == [-np.inf, np.inf]
    assert np.exp(found.log_weights[:, 0]) == pytest.approx(1 / 400)
    assert np.isnan(found.log_weights[:, 1]).all()


def test_ratios_that_vanish_beside_a_few_are_not_trusted():
    """Draws of a chain that strayed: nothing is left of the others, so that no tail can be fitted."""
    log_ratios = -5000 + np.random.default_rng(4).normal(0, 50, 4000)
    log_ratios[::500] = 0.0
    found = smoothed(log_ratios[:, None], chains=4)
    assert found.k[0] == np.inf
    assert np.isnan(found.log_weights).all()


def test_the_limit_of_k_falls_with_fewer_draws():
    assert pareto_limit(4000) == 0.7
    assert pareto_limit(1000) == pytest.approx(2 / 3)


def test_thinned_draws_come_from_every_chain():
    drawn = chained({"a": np.repeat(np.arange(4.0), 1500)[:, None]})
    kept = thinned(drawn, 2000)["a"]
    assert kept.shape == (4, 500, 1)
    assert np.bincount(flattened({"a": kept})["a"][:, 0].astype(int)).tolist() == [500] * 4
