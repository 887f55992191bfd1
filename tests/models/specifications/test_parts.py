"""Shares of variance, leave-one-out densities and stacking, each against a direct computation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from multiverse_study import DECISIONS, study, tables
from scipy import optimize, stats

from neurotrial.models import multiverse
from neurotrial.models.specifications.shares import shares_of_variance
from neurotrial.models.specifications.stacking import (
    LinearPosterior,
    loo_densities,
    mixture_quantiles,
    stacking_weights,
)


def test_shares_of_a_balanced_design_are_those_of_the_analysis_of_variance():
    options = pd.DataFrame([(a, b) for a in "xy" for b in "123"], columns=["a", "b"])
    estimates = np.array([1.0, 2, 4, 3, 4, 6]) + np.array([0.5, 0, 0, 0, 0, 0])
    found = shares_of_variance(estimates, options).set_index("decision")
    table = estimates.reshape(2, 3)
    mean, total = table.mean(), ((estimates - estimates.mean()) ** 2).sum()
    a = 3 * ((table.mean(axis=1) - mean) ** 2).sum() / total
    b = 2 * ((table.mean(axis=0) - mean) ** 2).sum() / total
    assert found["share"].tolist() == pytest.approx([a, b, 1 - a - b], abs=1e-12)
    assert found["range"].tolist()[:2] == pytest.approx(
        [np.ptp(table.mean(axis=1)), np.ptp(table.mean(axis=0))]
    )


def test_shares_of_decisions_that_say_the_same_are_equal():
    options = pd.DataFrame({"a": list("xxyy"), "b": list("xxyy"), "c": list("xyxy")})
    found = shares_of_variance(np.array([1.0, 1, 3, 3]), options).set_index("decision")["share"]
    assert found.tolist() == pytest.approx([0.5, 0.5, 0, 0], abs=1e-12)


def test_equal_estimates_have_no_variance_to_share():
    found = shares_of_variance(np.full(4, 0.3), pd.DataFrame({"a": list("xxyy")}))
    assert found["share"].tolist() == [0, 0]


@pytest.fixture
def regression():
    rng = np.random.default_rng(2)
    matrix = np.column_stack([np.ones(14), rng.normal(size=(14, 2))])
    return matrix @ [1.0, 2, 0] + rng.normal(size=14), matrix


def test_leave_one_out_densities_are_those_of_fits_without_each(regression):
    y, x = regression
    direct = []
    for left_out in range(14):
        rest = np.arange(14) != left_out
        cross = np.linalg.inv(x[rest].T @ x[rest])
        beta = cross @ x[rest].T @ y[rest]
        df = 13 - 3
        s2 = ((y[rest] - x[rest] @ beta) ** 2).sum() / df
        scale = np.sqrt(s2 * (1 + x[left_out] @ cross @ x[left_out]))
        direct.append(stats.t.logpdf(y[left_out], df, x[left_out] @ beta, scale))
    np.testing.assert_allclose(loo_densities(y, x), direct, rtol=1e-10)


def test_stacking_weights_maximise_the_log_score(regression):
    y, x = regression
    densities = np.column_stack([loo_densities(y, x[:, :k]) for k in (1, 2, 3)])
    weights = stacking_weights(densities)

    def loss(free):
        return -np.log(np.exp(densities) @ np.append(free, 1 - free.sum())).sum()

    best = optimize.minimize(
        loss,
        [0.3, 0.3],
        bounds=[(0, 1)] * 2,
        constraints={"type": "ineq", "fun": lambda w: 1 - w.sum()},
        tol=1e-12,
    )
    assert weights.sum() == pytest.approx(1)
    assert -np.log(np.exp(densities) @ weights).sum() <= best.fun + 1e-8


def test_quantiles_of_a_mixture():
    one, two = LinearPosterior(0.0, 1.0, 9.0), LinearPosterior(3.0, 0.5, 20.0)
    low, middle = mixture_quantiles([one, two], np.array([0.25, 0.75]), (0.025, 0.5))
    for value, wanted in ((low, 0.025), (middle, 0.5)):
        below = 0.25 * stats.t.cdf(value, 9) + 0.75 * stats.t.cdf((value - 3) / 0.5, 20)
        assert below == pytest.approx(wanted, abs=1e-9)
    (alone,) = mixture_quantiles([one], np.array([1.0]), (0.975,))
    assert alone == pytest.approx(stats.t.ppf(0.975, 9), rel=1e-12)


def test_a_single_model_has_the_classical_interval_and_robust_errors_share_its_weight():
    fitted = multiverse(study(DECISIONS[4:]), tables(), n_resamples=99)
    rows, stacked = fitted.tidy(), fitted.stacking().set_index("specification")
    assert stacked.groupby("group")["weight"].sum().tolist() == pytest.approx([1.0])
    both = rows[(rows["covariates"] == "age") & rows["method"].isin(["ancova_ols", "ancova_hc3"])]
    one, two = stacked.loc[both["specification"], "weight"]
    assert one == pytest.approx(two)
    changes = rows[rows["method"].isin(["change_welch", "change_pooled"]) & (rows["covariates"] == "none")]
    first, second = stacked.loc[changes["specification"], "elpd_loo"]
    assert first == pytest.approx(second, abs=1e-9)
    only = [{"name": "model", "kind": "model", "options": {"a": "ancova_ols", "b": "ancova_hc3"}}]
    narrow = multiverse(study(only), tables(), n_resamples=99)
    classical, mixture = narrow.tidy().iloc[0], narrow.stacking().iloc[0]
    assert mixture[["estimate", "conf_low", "conf_high"]].tolist() == pytest.approx(
        classical[["estimate", "conf_low", "conf_high"]].tolist(), rel=1e-9
    )
    assert mixture["probability_benefit"] == pytest.approx(
        stats.t.cdf(classical["estimate"] / classical["std_error"], classical["df"]), rel=1e-9
    )
