import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurotrial.models import rank_test
from neurotrial.models.ranks import asymptotic_p, doubled_midranks, rank_sum_distribution

small = st.lists(st.integers(0, 4), min_size=1, max_size=5)


def brute_force_p(treated, reference):
    """Count labellings in whole numbers: twice the mid-ranks are integers."""
    doubled = np.rint(2 * stats.rankdata([*treated, *reference])).astype(int).tolist()
    m, n = len(treated), len(doubled)
    sums = [sum(chosen) for chosen in itertools.combinations(doubled, m)]
    away = abs(sum(doubled[:m]) - m * (n + 1))
    return Fraction(sum(abs(total - m * (n + 1)) >= away for total in sums), len(sums))


@given(treated=small, reference=small)
def test_exact_p_counts_every_labelling_with_ties(treated, reference):
    test = rank_test(np.array(treated, float), np.array(reference, float))
    # sums of at most 252 equal terms: rounding only
    assert test.p_value == pytest.approx(float(brute_force_p(treated, reference)), rel=1e-13)
    wins = sum((x > y) + 0.5 * (x == y) for x in treated for y in reference)
    assert test.u == wins
    assert test.probability_superiority == pytest.approx(wins / len(treated) / len(reference), rel=1e-15)


@pytest.mark.parametrize("digits", [1, 8])
def test_both_p_values_agree_with_scipy(digits):
    rng = np.random.default_rng(4)
    treated, reference = rng.normal(0.5, 1, 31).round(digits), rng.normal(size=13).round(digits)
    doubled = doubled_midranks(np.concatenate([treated, reference]))
    for correct in (True, False):
        other = stats.mannwhitneyu(treated, reference, method="asymptotic", use_continuity=correct)
        assert asymptotic_p(doubled, 31, continuity=correct) == pytest.approx(other.pvalue, rel=1e-12)
    if digits == 8:
        other = stats.mannwhitneyu(treated, reference, method="exact")
        assert rank_test(treated, reference).p_value == pytest.approx(other.pvalue, rel=1e-12)
        assert rank_test(treated, reference).u == other.statistic


def test_large_samples_use_the_normal_approximation():
    rng = np.random.default_rng(5)
    treated, reference = rng.normal(size=60), rng.normal(size=60)
    test = rank_test(treated, reference)
    assert (test.method, test.interval_kind) == ("asymptotic_cc", "asymptotic_rank")
    exact = rank_test(treated, reference, method="exact_conditional")
    # with 60 a group the approximation is good to a few units in the third digit
    assert test.p_value == pytest.approx(exact.p_value, rel=0.01)
    assert (test.conf_low, test.conf_high) == pytest.approx((exact.conf_low, exact.conf_high), abs=0.03)


@given(
    seed=st.integers(0, 500),
    m=st.integers(4, 7),
    n=st.integers(4, 7),
    level=st.sampled_from([0.8, 0.9, 0.95]),
)
def test_without_ties_the_interval_holds_the_shifts_that_the_test_does_not_reject(seed, m, n, level):
    rng = np.random.default_rng(seed)
    treated, reference = rng.normal(size=m), rng.normal(size=n)
    test = rank_test(treated, reference, conf_level=level)
    differences = np.sort(np.subtract.outer(treated, reference), axis=None)
    middles = (differences[:-1] + differences[1:]) / 2
    kept = [shift for shift in middles if rank_test(treated - shift, reference).p_value > 1 - level + 1e-12]
    inside = [shift for shift in middles if test.conf_low < shift < test.conf_high]
    assert kept == inside


def test_no_interval_is_claimed_where_so_few_participants_cannot_give_one():
    test = rank_test(np.array([3.0, 4]), np.array([1.0, 2]))
    assert test.interval_kind == "none"
    assert np.isnan([test.conf_low, test.conf_high]).all()
    assert rank_test(np.array([3.0, 4]), np.array([1.0, 2]), conf_level=0.6).conf_low == 1


def test_the_interval_keeps_its_level_with_ties():
    """Exact coverage by enumeration: two values, shift 0, every sample of 4 and 4 from a three-point distribution."""
    points = np.array([0.0, 1, 2])
    covered = []
    for counts in itertools.product(itertools.combinations_with_replacement(points, 4), repeat=2):
        first, second = (np.array(values) for values in counts)
        weight = multinomial(first) * multinomial(second)
        test = rank_test(first, second, conf_level=0.9)
        covered.append(weight * (test.conf_low <= 0 <= test.conf_high))
    assert 0.9 <= sum(covered) <= 1 + 1e-12


def multinomial(values):
    counts = [int((values == point).sum()) for point in (0, 1, 2)]
    return stats.multinomial.pmf(counts, n=len(values), p=[1 / 3] * 3)


def test_values_that_differ_by_rounding_only_are_ties():
    sums = np.array([0.1 + 0.2, 0.7])
    assert rank_test(sums, np.array([0.3, 0.1])).ties
    assert doubled_midranks(np.array([0.1 + 0.2, 0.3, 0.7])).tolist() == [3, 3, 6]


def test_distribution_of_sums():
    ways = rank_sum_distribution(np.array([1, 2, 2, 3]), 2) * 6
    assert ways.tolist() == pytest.approx([0, 0, 0, 2, 2, 2, 0, 0, 0])


@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.25, 0.1, 3.0, 1e4]))
def test_units_order_and_direction_change_nothing_else(seed, scale):
    rng = np.random.default_rng(seed)
    treated, reference = rng.integers(0, 20, 9).astype(float), rng.integers(0, 20, 6).astype(float)
    first = rank_test(treated, reference)
    second = rank_test(
        rng.permutation(treated) * scale + 7 * scale, rng.permutation(reference) * scale + 7 * scale
    )
    swapped = rank_test(reference, treated)
    assert (second.p_value, second.u) == (first.p_value, first.u)
    assert swapped.p_value == pytest.approx(first.p_value, rel=1e-13)
    assert second.hodges_lehmann == pytest.approx(first.hodges_lehmann * scale, abs=1e-9 * scale)
    assert (swapped.conf_low, swapped.conf_high) == (-first.conf_high, -first.conf_low)
