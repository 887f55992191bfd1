"""Bias of correlations by retained volumes, by `benchmarks/connectivity_bias.py`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

TOP = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location(
        "connectivity_bias", TOP / "benchmarks" / "connectivity_bias.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def biases(study, case, scans):
    """Return the bias of r and of the shrunken r with half of their 95 % intervals, and what is expected of r."""
    found = study.Measured(*np.array([study.measured(case, 10_000 + seed) for seed in range(scans)]).T)
    expected = -study.TRUTH * (1 - study.TRUTH**2) / 2 * (1 / (found.effective_df - 1)).mean()
    return study.bias(found.r, study.TRUTH), study.bias(found.shrunken, study.TRUTH), expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("motion", "strategy", "retained", "scans"),
    [("restless", "6p", 60, 2500), ("restless", "6p", 200, 500), ("restless", "6p", 400, 500), ("restless", "24p", 120, 500), ("calm", "6p", 90, 500)],
)  # fmt: skip
def test_pearson_of_cleaned_series_is_right_within_a_hundredth(study, motion, strategy, retained, scans):
    r, shrunken, expected = biases(study, study.Case(motion, strategy, 2.0, retained), scans)
    assert abs(r[0]) + r[1] < 0.01
    assert abs(r[0]) < abs(shrunken[0]) / 5
    # the first order of the bias, whose next is of 1 / df^2: a tenth of it at 22 degrees of freedom; 4 standard errors
    assert abs(r[0] - expected) < 4 * r[1] / 1.96 + 0.1 * abs(expected)


def test_bias_and_interval_by_hand(study):
    half = 1.96 * np.sqrt(2.5 / 5)
    assert study.bias(np.arange(5.0), 1.5) == pytest.approx((0.5, half), rel=1e-12)


def test_scans_end_with_the_wanted_number_of_retained_volumes(study):
    case = study.Case("restless", "24p", 2.0, 60)
    table = study.confounds(case, np.random.default_rng(1))
    censored = study.censored_volumes(table, study.CENSORING)
    assert (~censored).sum() == 60
    assert not censored[-1]
    found = study.measured(case, 0)
    assert found.volumes > 60
    assert found.shrunken < found.r
