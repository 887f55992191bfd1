import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize, stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from neurotrial.errors import InputError
from neurotrial.models import ancova, beta_binomial, censored_gaussian, fractional_logit, proportional_odds

ROLES = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control"}
ALL = (proportional_odds, fractional_logit, beta_binomial, censored_gaussian)


@pytest.fixture(scope="module")
def data():
    """Simulated scores from 0 to 66 with floor and ceiling."""
    rng = np.random.default_rng(2)
    before = np.clip(rng.normal(30, 15, 44), 0, 66).round()
    arm = np.repeat(["cells", "control"], [31, 13])
    after = np.clip(10 + before + 8 * (arm == "cells") + rng.normal(0, 12, 44), 0, 66).round()
    return pd.DataFrame({"arm": arm, "before": before, "after": after})


def matrix(data):
    return np.column_stack([np.ones(len(data)), data["before"], data["arm"] == "cells"]).astype(float)


def row(found, method):
    return found.tidy().set_index("method").loc[method]


def test_proportional_odds_is_statsmodels_within_its_search(data):
    codes = pd.Categorical(data["after"], ordered=True).codes
    # its gradient is numerical: what it searches to below 1e-6 depends on the processor, and may not be found
    theirs = OrderedModel(codes, matrix(data)[:, 1:], distr="logit").fit(
        method="bfgs", disp=0, gtol=1e-6, maxiter=5000
    )
    ours = row(proportional_odds(data, **ROLES, maximum=66), "proportional_odds")
    assert ours["estimate"] == pytest.approx(
        theirs.params.iloc[1] if hasattr(theirs.params, "iloc") else theirs.params[1], rel=1e-4
    )
    assert ours["std_error"] == pytest.approx(np.asarray(theirs.bse)[1], rel=1e-3)


def test_without_covariates_proportional_odds_tests_ranks(data):
    found = proportional_odds(data, **ROLES | {"baseline": None}, maximum=66)
    groups = [data.loc[data["arm"] == arm, "after"] for arm in ("cells", "control")]
    p = stats.mannwhitneyu(*groups, method="asymptotic", use_continuity=False).pvalue
    # the rank test is the score test of this model; Wald and score agree to second order
    assert row(found, "proportional_odds")["p_value"] == pytest.approx(p, rel=0.35)


def test_points_without_adjustment_are_the_difference_of_means(data):
    means = data.groupby("arm")["after"].mean()
    for fit in (fractional_logit, proportional_odds):
        found = fit(data, **ROLES | {"baseline": None}, maximum=66)
        # the fractional logit reproduces the means exactly, the ordinal one their order
        tolerance = 1e-8 if fit is fractional_logit else 0.15
        points = row(found, f"{fit.__name__}_points")
        assert points["estimate"] == pytest.approx(means["cells"] - means["control"], rel=tolerance)


def test_points_and_their_error_by_brute_force(data):
    x, share = matrix(data), data["after"].to_numpy() / 66
    fit = sm.GLM(share, x, family=sm.families.Binomial()).fit(tol=1e-14)
    hat = np.sqrt(fit.mu * (1 - fit.mu))[:, None] * x
    leverage = np.einsum("ij,jk,ik->i", hat, np.linalg.inv(hat.T @ hat), hat)
    bread = np.linalg.inv(hat.T @ hat)
    score = x * ((share - fit.mu) / np.sqrt(1 - leverage))[:, None]
    vcov = bread @ (score.T @ score) @ bread

    def points(beta):
        one, two = x.copy(), x.copy()
        one[:, 2], two[:, 2] = 1, 0
        return 66 * (stats.logistic.cdf(one @ beta) - stats.logistic.cdf(two @ beta)).mean()

    gradient = optimize.approx_fprime(fit.params, points, 1e-7)
    found = fractional_logit(data, **ROLES, maximum=66)
    odds, difference = row(found, "fractional_logit"), row(found, "fractional_logit_points")
    assert odds["std_error"] == pytest.approx(np.sqrt(vcov[2, 2]), rel=1e-8)
    assert difference["estimate"] == pytest.approx(points(fit.params), rel=1e-8)
    assert difference["std_error"] == pytest.approx(
        np.sqrt(gradient @ vcov @ gradient), rel=1e-4
    )  # differences
    assert odds["df"] < 41


def test_beta_binomial_maximises_scipys_likelihood(data):
    x, y = matrix(data), data["after"].to_numpy()

    def minus(theta):
        mu, phi = stats.logistic.cdf(x @ theta[:3]), np.exp(theta[3])
        return -stats.betabinom.logpmf(y, 66, mu * phi, (1 - mu) * phi).sum()

    start = np.array([0.0, 0.02, 0.3, 2.0])
    theirs = optimize.minimize(
        minus, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20_000}
    )
    found = row(beta_binomial(data, **ROLES, maximum=66), "beta_binomial")
    assert found["estimate"] == pytest.approx(theirs.x[2], rel=1e-4)  # a search without derivatives
    assert f"phi {np.exp(theirs.x[3]):.3g}" in found["reason"]


def test_without_censored_values_the_censored_gaussian_is_least_squares(data):
    inside = data.assign(after=data["after"].clip(1, 65))
    ours = row(censored_gaussian(inside, **ROLES, maximum=66), "censored_gaussian")
    theirs = ancova(inside, **ROLES).tidy().iloc[0]
    assert ours["estimate"] == pytest.approx(theirs["estimate"], rel=1e-9)
    assert ours["std_error"] == pytest.approx(theirs["std_error"] * np.sqrt(41 / 44), rel=1e-9)
    at_ceiling = row(censored_gaussian(data, **ROLES, maximum=66), "censored_gaussian")
    assert f"{(data['after'] == 66).sum()} at 66" in at_ceiling["reason"]
    assert at_ceiling["estimate"] > ancova(data, **ROLES).tidy()["estimate"][0]


@pytest.mark.parametrize("fit", ALL)
def test_a_scale_may_begin_above_zero(data, fit):
    moved = data.assign(after=data["after"] + 100, before=data["before"])
    one = fit(data, **ROLES, maximum=66).tidy()
    two = fit(moved, **ROLES, minimum=100, maximum=166).tidy()
    np.testing.assert_allclose(one["estimate"], two["estimate"], rtol=1e-8)
    np.testing.assert_allclose(one["std_error"], two["std_error"], rtol=1e-7)


@pytest.mark.parametrize("fit", ALL)
def test_scores_off_the_scale_are_refused(data, fit):
    with pytest.raises(InputError, match="must lie on the scale, from 0 to 34"):
        fit(data, **ROLES, maximum=34)
    with pytest.raises(InputError, match="not above the minimum"):
        fit(data, **ROLES, maximum=0)
    with pytest.raises(InputError, match="nothing to compare"):
        fit(data.assign(after=66.0), **ROLES, maximum=66)


def test_separation_is_refused(data):
    apart = data.assign(after=np.where(data["arm"] == "cells", 66.0, 0.0))
    for fit in ALL:
        with pytest.raises(InputError, match="separation"):
            fit(apart, **ROLES, maximum=66)


def test_half_points_are_no_beta_binomial(data):
    halves = data.assign(after=data["after"].where(data.index != 5, 20.5))
    with pytest.raises(InputError, match="must be whole points above 0, up to 66"):
        beta_binomial(halves, **ROLES, maximum=66)
    assert fractional_logit(halves, **ROLES, maximum=66).tidy()["status"].eq("ok").all()
