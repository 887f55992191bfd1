"""LOO-PIT agrees with the closed form; it tells a wrong model from a right one, and shares ties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evidence_fixture import exact_refit, normal_model

from neurotrial.models.bayes_evidence.left_out import leave_each_out
from neurotrial.models.bayes_evidence.loo_pit import loo_pit, shares_below


def transformed(model, seed=1, **choices):
    drawn = model.exact_draws(np.random.default_rng(2), 4000)
    left = leave_each_out(model, drawn, chains=4, seed=5, **choices)
    return loo_pit(model, drawn, left, np.random.default_rng(seed))


def test_where_values_lie_by_the_closed_form():
    model = normal_model()
    found = transformed(model)
    exact = np.array([[model.exact_pit(row, column) for column in range(2)] for row in range(44)])
    # half of 1 / root(4000) is the largest standard error of a share; 86 of them, weighted
    assert np.nanmax(np.abs(found.values - exact)) < 5 * 0.5 / np.sqrt(4000)
    assert (np.isnan(found.values) == np.isnan(model.observed.values)).all()
    assert found.n.tolist() == [43, 43]
    assert (found.p_value > 0.1).all()


@pytest.mark.parametrize(("scale", "outside"), [(0.5, True), (2.0, False)])
def test_a_wrong_spread_is_found(scale, outside):
    found = transformed(replace(normal_model(), scale=scale))
    assert (found.p_value < 0.01).all()
    # of 43 values 5 % should be in the tails: two; with half the spread a third is
    assert ((found.below + found.above) > 8).all() == outside
    assert found.tidy()["below"].tolist() == found.below.tolist()


def test_a_refitted_participant_has_its_own_draws():
    model = normal_model(15, missing=False)
    values = model.observed.values.copy()
    values[5, 1] += 10
    model = model.with_values(values)
    refit, _ = exact_refit(500)
    found = transformed(model, refit=refit)
    assert found.values[5, 1] == 1 - 0.5 / 500
    assert found.values[5, 0] == pytest.approx(model.exact_pit(5, 0), abs=5 * 0.5 / np.sqrt(500))


def test_ties_are_shared_and_missing_values_stay_missing():
    seen = np.array([[2.0, np.nan], [0.0, 5.0]])
    replicates = np.array(
        [[[1.0, np.nan], [0.0, 1.0]], [[2.0, np.nan], [0.0, 2.0]], [[3.0, np.nan], [1.0, 3.0]]]
    )
    weights = np.array([[0.5, 1 / 3], [0.3, 1 / 3], [0.2, 1 / 3]])
    found = shares_below(seen, replicates, weights, np.full((2, 2), 0.25))
    assert found[0, 0] == pytest.approx(0.5 + 0.25 * 0.3)
    assert found[1, 0] == pytest.approx(0.25 * 2 / 3)
    assert np.isnan(found[0, 1])
    assert found[1, 1] == pytest.approx(1 - 0.5 / 3)  # half a draw away from 1


def test_the_same_seed_gives_the_same_values_and_a_figure_its_band():
    model = normal_model(20)
    found = transformed(model)
    assert np.array_equal(found.values, transformed(model).values, equal_nan=True)
    frame = found.ordered(1)
    assert len(frame) == 19
    assert frame["value"].is_monotonic_increasing
    assert (frame["lower"] < frame["expected"]).all()
    assert (frame["expected"] < frame["upper"]).all()
