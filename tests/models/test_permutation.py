import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models import permutation_test
from neurotrial.models.permutation import welch_statistics

few = st.lists(st.integers(-5, 5), min_size=2, max_size=4)


def squared_t(treated, reference):
    """Welch's t squared in exact arithmetic; None stands for infinite."""
    means = [Fraction(sum(values), len(values)) for values in (treated, reference)]
    parts = [
        sum((value - mean) ** 2 for value in values) / Fraction(len(values) * (len(values) - 1))
        for values, mean in zip((treated, reference), means, strict=True)
    ]
    difference, variance = means[0] - means[1], sum(parts)
    if difference == 0:
        return Fraction(0)
    return None if variance == 0 else difference**2 / variance


def brute_force_p(treated, reference):
    values, m = [*treated, *reference], len(treated)
    observed, hits, total = squared_t(treated, reference), 0, 0
    for chosen in itertools.combinations(range(len(values)), m):
        rest = [values[i] for i in range(len(values)) if i not in chosen]
        other = squared_t([values[i] for i in chosen], rest)
        hits += other is None or (observed is not None and other >= observed)
        total += 1
    return hits, total


@given(treated=few, reference=few)
def test_enumeration_counts_what_exact_arithmetic_counts(treated, reference):
    test = permutation_test(np.array(treated, float), np.array(reference, float))
    hits, total = brute_force_p(treated, reference)
    assert (test.n_as_extreme, test.n_relabellings, test.exact) == (hits, total, True)
    assert (test.p_value, test.p_std_error) == (hits / total, 0.0)


def test_statistics_are_welch_t_of_scipy():
    rng = np.random.default_rng(0)
    values, labels = rng.normal(3, 2, 20), rng.permuted(np.arange(20) < 13)
    t = stats.ttest_ind(values[labels], values[~labels], equal_var=False).statistic
    # means and variances by sums of squares about the common mean
    assert welch_statistics(values, labels[None, :])[0] == pytest.approx(t, rel=1e-12)


def test_drawn_relabellings_give_the_exact_p_within_their_error():
    rng = np.random.default_rng(1)
    treated, reference = rng.normal(1, 2, 8), rng.normal(0, 1, 6)
    exact = permutation_test(treated, reference)
    drawn = permutation_test(treated, reference, n_resamples=2999, seed=3)
    assert (exact.exact, exact.n_relabellings, drawn.exact) == (True, 3003, False)
    assert drawn.p_value == (drawn.n_as_extreme + 1) / 3000
    assert abs(drawn.p_value - exact.p_value) < 4 * drawn.p_std_error
    assert drawn.p_std_error == pytest.approx(np.sqrt(exact.p_value * (1 - exact.p_value) / 3000), rel=0.2)


def test_a_seed_gives_one_result_and_leaves_its_sequence_alone():
    rng = np.random.default_rng(2)
    treated, reference = rng.normal(size=31), rng.normal(size=13)
    root = np.random.SeedSequence(5)
    first, second = (permutation_test(treated, reference, n_resamples=25_000, seed=root) for _ in range(2))
    assert first == second == permutation_test(treated, reference, n_resamples=25_000, seed=5)
    assert first != permutation_test(treated, reference, n_resamples=25_000, seed=6)
    assert first.n_relabellings == 25_000


@pytest.mark.parametrize(("difference", "p_value"), [(0.0, 1.0), (2.0, 0.1)])
def test_arms_without_variation(difference, p_value):
    test = permutation_test(np.full(3, 0.1 + difference), np.full(3, 0.1))
    assert test.p_value == pytest.approx(p_value)


@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3))
def test_units_and_direction_do_not_move_the_exact_p(seed, scale, shift):
    rng = np.random.default_rng(seed)
    treated, reference = rng.integers(0, 30, 5).astype(float), rng.integers(0, 30, 4).astype(float)
    first = permutation_test(treated, reference).p_value
    assert permutation_test(treated * scale + shift, reference * scale + shift).p_value == first
    assert permutation_test(reference, treated).p_value == first


def test_no_relabellings_are_refused():
    with pytest.raises(InputError, match="too few"):
        permutation_test(np.ones(2), np.ones(2), n_resamples=0)
