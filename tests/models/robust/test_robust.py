import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize, stats

from neurotrial.errors import InputError
from neurotrial.models import ancova, quantile_regression, rank_comparison, rank_test, robust_regression

ROLES = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control"}


@pytest.fixture(scope="module")
def data():
    """Simulated, with four outlying outcomes in the treated arm."""
    rng = np.random.default_rng(7)
    before = rng.normal(30, 10, 44)
    arm = np.repeat(["cells", "control"], [31, 13])
    after = 8 + 0.8 * before + 6 * (arm == "cells") + rng.normal(0, 5, 44)
    after[:4] += 60
    return pd.DataFrame({"arm": arm, "before": before, "after": after})


def matrix(data):
    return np.column_stack([np.ones(len(data)), data["before"], data["arm"] == "cells"])


def test_m_estimate_solves_hubers_equations(data):
    row = robust_regression(data, **ROLES, estimator="M").tidy().iloc[0]
    x, y = matrix(data), data["after"].to_numpy()
    fit = sm.RLM(y, x).fit(tol=1e-12, maxiter=1000)
    psi = sm.robust.norms.HuberT().psi(fit.resid / fit.scale)
    assert np.abs(x.T @ psi).max() < 1e-6 * len(y)
    assert row["estimate"] == pytest.approx(fit.params[2], rel=1e-7)
    assert row["std_error"] == pytest.approx(fit.bse[2], rel=1e-7)
    assert row["df"] == 41


def test_mm_is_near_robustbase_and_far_from_least_squares(data):
    # lmrob of robustbase 0.99, seen once on the data rounded to a digit: 6.227; its scale divides by n - p, ours by n
    row = robust_regression(data.round(1), **ROLES).tidy().iloc[0]
    assert row["estimate"] == pytest.approx(6.227, abs=0.02)
    assert ancova(data, **ROLES).tidy()["estimate"][0] > 12


def test_mm_withstands_outlying_baselines(data):
    moved = data.copy()
    moved.loc[40:41, "before"] = 300.0
    one, two = (
        robust_regression(moved, **ROLES, estimator=kind).tidy()["estimate"][0] for kind in ("MM", "M")
    )
    clean = robust_regression(data.drop(index=[40, 41]), **ROLES).tidy()["estimate"][0]
    assert abs(one - clean) < 0.5
    assert abs(two - clean) > 1


@pytest.mark.parametrize("quantile", [0.25, 0.5])
def test_quantile_regression_is_the_linear_programme(data, quantile):
    x, y = matrix(data), data["after"].to_numpy()
    n, p = x.shape
    cost = np.concatenate([np.zeros(p), np.full(n, quantile), np.full(n, 1 - quantile)])
    bounds = [(None, None)] * p + [(0, None)] * 2 * n
    exact = optimize.linprog(cost, A_eq=np.hstack([x, np.eye(n), -np.eye(n)]), b_eq=y, bounds=bounds)
    found = quantile_regression(data, **ROLES, quantile=quantile).tidy().iloc[0]
    # reweighted least squares comes near a corner of the programme, but not onto it
    assert found["estimate"] == pytest.approx(exact.x[2], rel=1e-4)
    assert found["method"] == ("median_regression" if quantile == 0.5 else "quantile_25")


def test_ranks_of_the_table_are_those_of_the_samples(data):
    rows = rank_comparison(data, **ROLES).tidy().set_index("method")
    change = data["after"] - data["before"]
    groups = [change[data["arm"] == arm].to_numpy() for arm in ("cells", "control")]
    shift = rank_test(*groups)
    assert rows.loc["mann_whitney", "estimate"] == shift.hodges_lehmann
    assert rows.loc["mann_whitney", "p_value"] == shift.p_value
    scipys = stats.brunnermunzel(groups[1], groups[0])
    row = rows.loc["brunner_munzel"]
    assert row["statistic"] == pytest.approx(scipys.statistic, rel=1e-12)
    assert row["p_value"] == pytest.approx(scipys.pvalue, rel=1e-10)
    assert row["estimate"] == pytest.approx(shift.probability_superiority, rel=1e-12)
    assert 0 < row["conf_low"] < row["estimate"] < row["conf_high"] < 1


def test_arms_that_do_not_overlap_have_no_error_of_superiority():
    apart = pd.DataFrame({"arm": ["a"] * 3 + ["b"] * 3, "after": [1.0, 2, 3, 5, 6, 7]})
    row = rank_comparison(apart, outcome="after", arm="arm").tidy().iloc[1]
    assert row["status"] == "failed"
    assert row["estimate"] == 1
    assert "do not overlap" in row["reason"]


def test_unknown_choices_are_refused(data):
    with pytest.raises(InputError, match="use one of: MM, M"):
        robust_regression(data, **ROLES, estimator="S")
    with pytest.raises(InputError, match="not between 0 and 1"):
        quantile_regression(data, **ROLES, quantile=50)
    with pytest.raises(InputError, match="MM needs a number"):
        robust_regression(data, **ROLES | {"baseline": None})
