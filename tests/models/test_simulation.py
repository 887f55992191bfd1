"""Type I error and power by simulation; every limit is four Monte Carlo standard errors from the expected rate."""

import numpy as np
import pandas as pd
import pytest

from neurotrial.models.compare import estimate_methods
from neurotrial.models.student import paired_t, pooled_t

pytestmark = pytest.mark.slow

LEVEL = 0.05


def near(rate, expected, draws, rounding=0.0):
    return abs(rate - expected) < 4 * np.sqrt(expected * (1 - expected) / draws) + rounding


def test_without_effect_every_test_rejects_as_often_as_its_level_says():
    rng, draws = np.random.default_rng(20), 1000
    arm = np.repeat(["control", "cells"], [13, 31])
    rejected = []
    for _ in range(draws):
        baseline = np.clip(rng.normal(35, 10, arm.size), 5, 64)
        wide = pd.DataFrame({"arm": arm, "baseline": baseline})
        wide["follow_up"] = np.clip(10 + 0.7 * baseline + rng.normal(0, 6, arm.size), 0, 66)
        rows = estimate_methods(
            wide,
            methods=["ancova", "change_score", "follow_up", "improvement_ratio", "share_of_potential"],
            arm_order=["control", "cells"],
            reference="control",
            maximum=66,
            n_resamples=199,
            seed=int(rng.integers(2**31)),
        )
        between = rows[rows["term"] == "arm"].set_index("method")
        rejected.append(between["p_value"] <= LEVEL)
    rates = pd.DataFrame(rejected).mean()
    assert len(rates) == 10
    for method, rate in rates.items():
        assert near(rate, LEVEL, draws), (method, rate)


@pytest.mark.parametrize(
    ("effect", "power31", "power13", "only31", "only13"),
    [(0.3, 0.37, 0.17, 0.30, 0.11), (0.5, 0.77, 0.38, 0.48, 0.09), (0.8, 0.99, 0.75, 0.24, 0.01)],
)
def test_significant_in_one_arm_only_is_common_without_any_difference(
    effect, power31, power13, only31, only13
):
    rng, draws = np.random.default_rng(int(100 * effect)), 3000
    large, small = (
        np.array([paired_t(np.zeros(n), rng.normal(effect, 1, n)).p_value <= LEVEL for _ in range(draws)])
        for n in (31, 13)
    )
    found = (large.mean(), small.mean(), (large & ~small).mean(), (small & ~large).mean())
    for rate, expected in zip(found, (power31, power13, only31, only13), strict=True):
        assert near(rate, expected, draws, rounding=0.005)


@pytest.mark.parametrize(("n1", "n0", "effect"), [(31, 13, 0.95), (39, 15, 0.87), (40, 20, 0.78)])
def test_detectable_difference_is_found_in_four_trials_of_five(n1, n0, effect):
    rng, draws = np.random.default_rng(n1), 3000
    hits = [pooled_t(rng.normal(effect, 1, n1), rng.normal(0, 1, n0)).p_value <= LEVEL for _ in range(draws)]
    # the effect is rounded to two decimals, which moves the power by up to 0.006
    assert near(np.mean(hits), 0.8, draws, rounding=0.006)
