"""The exact interval of a risk difference keeps its level for all proportions, and agrees with what is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from neurotrial.errors import InputError
from neurotrial.models.exact_risk_difference import _score, exact_risk_difference


@pytest.mark.parametrize(("n1", "n0"), [(6, 3), (5, 5)])
def test_the_interval_covers_every_difference_with_its_level(n1: int, n0: int) -> None:
    tables = list(itertools.product(range(n1 + 1), range(n0 + 1)))
    limits = {table: exact_risk_difference(table[0], n1, table[1], n0) for table in tables}
    rng = np.random.default_rng(5)
    proportions = np.vstack([rng.uniform(size=(400, 2)), rng.choice([0.01, 0.1, 0.5, 0.95], size=(60, 2))])
    coverage = [
        sum(
            stats.binom.pmf(x1, n1, p1) * stats.binom.pmf(x0, n0, p0)
            for x1, x0 in tables
            if limits[x1, x0].conf_low <= p1 - p0 <= limits[x1, x0].conf_high
        )
        for p1, p0 in proportions
    ]
    # 201 values of the nuisance proportion leave out less than this
    assert min(coverage) > 0.95 - 2e-3
    # not vacuous: intervals are shorter than the whole range
    assert np.mean([limit.conf_high - limit.conf_low for limit in limits.values()]) < 1.4


@given(data=st.data(), n1=st.integers(1, 12), n0=st.integers(1, 12))
@settings(max_examples=25, deadline=None)
def test_limits_hold_the_estimate_and_turn_with_the_groups(data: st.DataObject, n1: int, n0: int) -> None:
    x1, x0 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n0))
    found, turned = exact_risk_difference(x1, n1, x0, n0), exact_risk_difference(x0, n0, x1, n1)
    assert -1 <= found.conf_low <= found.estimate <= found.conf_high <= 1
    assert (found.conf_low, found.conf_high) == (-turned.conf_high, -turned.conf_low)


@pytest.mark.parametrize("difference", [-0.4, 0.1, 0.35])
def test_the_score_statistic_is_at_the_maximum_of_the_likelihood(difference: float) -> None:
    mine = _score(9, 7, difference)
    for x1, x0 in itertools.product(range(10), range(8)):

        def minus_log(p0: float, x1: int = x1, x0: int = x0) -> float:
            return -stats.binom.logpmf(x1, 9, p0 + difference) - stats.binom.logpmf(x0, 7, p0)

        bounds = (max(0, -difference) + 1e-12, min(1, 1 - difference) - 1e-12)
        p0 = optimize.minimize_scalar(minus_log, bounds=bounds, method="bounded", options={"xatol": 1e-10}).x
        p1 = p0 + difference
        expected = (x1 / 9 - x0 / 7 - difference) / np.sqrt(p1 * (1 - p1) / 9 + p0 * (1 - p0) / 7)
        # where the maximum lies at a bound the search stops short of it
        assert mine[x1, x0] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_higher_level_is_wider_and_more_people_are_narrower() -> None:
    wide = exact_risk_difference(4, 20, 1, 10, conf_level=0.99)
    usual = exact_risk_difference(4, 20, 1, 10)
    large = exact_risk_difference(40, 200, 10, 100)
    assert wide.conf_low < usual.conf_low < usual.conf_high < wide.conf_high
    assert large.conf_high - large.conf_low < usual.conf_high - usual.conf_low


def test_large_groups_come_near_the_score_interval() -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep

    found = exact_risk_difference(60, 200, 25, 100)
    low, high = confint_proportions_2indep(60, 200, 25, 100, method="score", compare="diff", correction=False)
    assert (found.conf_low, found.conf_high) == pytest.approx((low, high), abs=0.01)
    assert found.conf_low <= low + 1e-3
    assert found.conf_high >= high - 1e-3


@pytest.mark.parametrize(("x1", "n1", "x0", "n0"), [(3, 2, 0, 1), (-1, 2, 0, 1), (0, 0, 0, 1), (0, 1, 2, 1)])
def test_counts_outside_their_range_are_refused(x1: int, n1: int, x0: int, n0: int) -> None:
    with pytest.raises(InputError, match="no counts of people"):
        exact_risk_difference(x1, n1, x0, n0)
