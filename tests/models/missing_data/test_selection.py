import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from missing_fixture import trial

from neurotrial.errors import InputError
from neurotrial.models import selection_weights

ROLES = {"outcome": "follow_up", "arm": "arm", "predictors": ["baseline", "age"], "reference": "control"}


@pytest.fixture(scope="module")
def wide():
    return trial(n_lost=12)


def matrices(wide):
    seen = wide["follow_up"].notna().to_numpy()
    treated = (wide["arm"] == "cells").to_numpy(float)
    z = np.column_stack([np.ones(len(wide)), treated, wide["baseline"], wide["age"]])
    x = np.column_stack([np.ones(len(wide)), treated, wide["baseline"]])
    return seen, z, x, wide["follow_up"].fillna(0).to_numpy()


def test_weights_and_estimate_are_statsmodels(wide):
    seen, z, x, y = matrices(wide)
    logit = sm.GLM(seen.astype(float), z, family=sm.families.Binomial()).fit(tol=1e-14)
    weights = 1 / logit.fittedvalues
    fit = sm.WLS(y[seen], x[seen], weights=weights[seen]).fit()
    found = selection_weights(wide, **ROLES, baseline="baseline", n_resamples=0)
    np.testing.assert_allclose(found.weights[seen], weights[seen], rtol=1e-8)  # two Newton searches
    assert found.weights[~seen].isna().all()
    assert found.tidy()["estimate"].item() == pytest.approx(fit.params[1], rel=1e-8)
    own = weights[seen & (wide["arm"] == "control")]
    assert found.n_effective["control"] == pytest.approx(own.sum() ** 2 / (own**2).sum(), rel=1e-8)


def test_stacked_error_is_the_sandwich_with_numerical_derivatives(wide):
    seen, z, x, y = matrices(wide)
    q, n = z.shape[1], len(y)

    def scores(theta):
        p = 1 / (1 + np.exp(-z @ theta[:q]))
        residual = np.where(seen, y - x @ theta[q:], 0.0)
        return np.hstack([z * (seen - p)[:, None], x * (residual / p)[:, None]])

    logit = sm.GLM(seen.astype(float), z, family=sm.families.Binomial()).fit(tol=1e-14)
    fit = sm.WLS(y[seen], x[seen], weights=1 / logit.fittedvalues[seen]).fit()
    theta = np.concatenate([logit.params, fit.params])
    steps = 1e-6 * np.maximum(np.abs(theta), 1e-2)
    slope = np.column_stack([
        (scores(theta + step * unit).sum(axis=0) - scores(theta - step * unit).sum(axis=0)) / (2 * step)
        for step, unit in zip(steps, np.eye(len(theta)), strict=True)
    ])  # fmt: skip
    bread, own = np.linalg.inv(slope), scores(theta)
    vcov = bread @ (own.T @ own) @ bread.T * seen.sum() / (seen.sum() - x.shape[1])
    found = selection_weights(wide, **ROLES, baseline="baseline", n_resamples=0).tidy()
    # differences of 1e-6 leave an error of about 1e-9 in the derivatives
    assert found["std_error"].item() == pytest.approx(np.sqrt(vcov[q + 1, q + 1]), rel=1e-6)
    assert found["df"].item() == seen.sum() - 3
    assert n == len(wide)


@pytest.mark.filterwarnings("ignore")  # statsmodels says of separated samples that they are
def test_bootstrap_repeats_the_whole_procedure(wide):
    found = selection_weights(wide, **ROLES, baseline="baseline", n_resamples=300, seed=5)
    rng = np.random.default_rng(5)
    counts = np.zeros((300, len(wide)))
    for arm in ("control", "cells"):
        people = np.flatnonzero(wide["arm"] == arm)
        counts[:, people] = rng.multinomial(people.size, np.full(people.size, 1 / people.size), size=300)
    seen, z, x, y = matrices(wide)
    drawn = []
    for own in counts:
        logit = sm.GLM(seen.astype(float), z, family=sm.families.Binomial(), freq_weights=own).fit(tol=1e-12)
        if (z @ logit.params)[(own > 0) & ~seen].min() > -15:
            weights = own[seen] / logit.fittedvalues[seen]
            drawn.append(sm.WLS(y[seen], x[seen], weights=weights).fit().params[1])
    row = found.tidy().iloc[1]
    assert row["interval_kind"] == "percentile"
    assert found.n_bootstrap == len(drawn)
    np.testing.assert_allclose(
        [row["conf_low"], row["conf_high"]], np.quantile(drawn, [0.025, 0.975]), rtol=1e-6
    )
    assert row["std_error"] == pytest.approx(np.std(drawn, ddof=1), rel=1e-6)


def test_an_arm_that_nobody_left_has_weight_one(wide):
    full = wide.assign(
        follow_up=wide["follow_up"].where(wide["arm"] == "cells", wide["baseline"] + wide["age"] / 20)
    )
    found = selection_weights(full, **ROLES, baseline="baseline", n_resamples=200)
    cells, seen = full[full["arm"] == "cells"], full["follow_up"].notna().to_numpy()
    z = sm.add_constant(cells[["baseline", "age"]].to_numpy())
    logit = sm.GLM(cells["follow_up"].notna().astype(float).to_numpy(), z, family=sm.families.Binomial()).fit(
        tol=1e-14
    )
    weights = np.ones(len(full))
    weights[(full["arm"] == "cells").to_numpy()] = 1 / logit.fittedvalues
    # the search stops where probabilities move by less than 1e-10
    np.testing.assert_allclose(found.weights[seen], weights[seen], rtol=1e-8)
    # the error of the weights comes from the other arm alone: the sandwich with that arm's equations only
    x = np.column_stack([np.ones(len(full)), full["arm"] == "cells", full["baseline"]]).astype(float)
    y = full["follow_up"].fillna(0).to_numpy()
    fit = sm.WLS(y[seen], x[seen], weights=weights[seen]).fit()
    treated = (full["arm"] == "cells").to_numpy()
    own = np.where(seen, weights, 0.0)
    residual = y - x @ fit.params
    z_all = np.where(treated[:, None], sm.add_constant(full[["baseline", "age"]].to_numpy()), 0.0)
    p = np.where(treated, 1 / weights, 1.0)
    influence = (z_all * (seen - p)[:, None]) @ np.linalg.inv(z_all.T @ (z_all * (p * (1 - p))[:, None]))
    whole = x * (own * residual)[:, None] - influence @ ((z_all * (own * (1 - p) * residual)[:, None]).T @ x)
    bread = np.linalg.inv(x.T @ (x * own[:, None]))
    vcov = bread @ whole.T @ whole @ bread * seen.sum() / (seen.sum() - 3)
    assert found.tidy()["std_error"][0] == pytest.approx(np.sqrt(vcov[1, 1]), rel=1e-7)


def test_what_the_weights_cannot_do_is_refused(wide):
    separated = wide.assign(scanner=wide["follow_up"].isna().astype(float))
    holes = wide.assign(baseline=wide["baseline"].where(wide.index != wide["follow_up"].first_valid_index()))
    cases = [
        (separated, ROLES | {"predictors": ["scanner"]}, "separation"),
        (holes, ROLES | {"predictors": ["age"], "baseline": "baseline"}, "monotone"),
        (wide.dropna(), ROLES, "nobody misses it"),
        (wide.assign(age=wide["age"].where(wide.index != 3)), ROLES, "must be there for all randomised"),
        (
            wide.assign(follow_up=wide["follow_up"].where(wide["arm"] == "cells")),
            ROLES,
            "'control' has fewer than two",
        ),
        (wide, ROLES | {"predictors": ["age", "I(age)"]}, "I(age)"),
        (
            wide.assign(older=2 * wide["age"]),
            ROLES | {"predictors": ["age", "older"]},
            "combinations of others: older",
        ),
    ]
    for data, kwargs, words in cases:
        with pytest.raises(InputError) as error:
            selection_weights(data, **kwargs)
        assert words in str(error.value)


def test_small_samples_are_said(wide):
    reason = selection_weights(wide, **ROLES, n_resamples=50).tidy()["reason"]
    assert reason.str.contains("intervals are too short in small samples").all()
    assert isinstance(reason, pd.Series)
