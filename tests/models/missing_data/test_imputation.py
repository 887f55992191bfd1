import numpy as np
import pandas as pd
import pytest
from missing_fixture import ROLES, long, three_visits, trial
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models import ancova, impute, pool
from neurotrial.models.missing_data.imputation import prepared
from neurotrial.models.missing_data.posterior import posterior_draws

# least squares against least squares: rounding only
ROUNDING = 1e-10


@pytest.fixture(scope="module")
def wide():
    return trial()


def contrast(found, visit=None):
    rows = found.tidy().query("term == 'arm'")
    return (rows if visit is None else rows[rows["visit"] == visit]).iloc[0]


def test_mar_with_one_visit_is_the_ancova_of_those_observed(wide):
    ours = contrast(impute(long(wide), **ROLES, covariates=["age"]))
    theirs = (
        ancova(wide, outcome="follow_up", baseline="baseline", arm="arm", covariates=["age"]).tidy().iloc[0]
    )
    assert ours["estimate"] == pytest.approx(theirs["estimate"], rel=ROUNDING)
    assert ours["df"] == theirs["df"]


def test_jump_to_reference_is_the_regression_in_the_reference_arm(wide):
    found = impute(long(wide), **ROLES, strategy="J2R")
    lost = wide[wide["follow_up"].isna() & (wide["arm"] == "cells")]
    seen = wide.dropna()
    x = np.column_stack([np.ones(len(seen)), seen["arm"] == "cells", seen["baseline"]])
    a, _, slope = np.linalg.lstsq(x, seen["follow_up"], rcond=None)[0]
    values = found.imputed().set_index("who")["value"]
    np.testing.assert_allclose(values[lost["who"]], a + slope * lost["baseline"], rtol=ROUNDING)


def test_last_mean_carried_forward_from_baseline_regresses_to_the_baseline_mean(wide):
    found = impute(long(wide), **ROLES, strategy="LMCF")
    lost, slope = wide[wide["follow_up"].isna()], found.coefficients["baseline @ follow_up"]
    centre = wide["baseline"].mean()
    values = found.imputed().set_index("who")["value"]
    np.testing.assert_allclose(
        values[lost["who"]], centre + slope * (lost["baseline"] - centre), rtol=ROUNDING
    )


@pytest.mark.parametrize("method", ["conditional-mean", "bayes", "bootstrap"])
def test_reference_strategies_coincide_with_one_visit(wide, method):
    kwargs = ROLES | {"method": method, "n_imputations": 5, "seed": 4}
    found = [impute(long(wide), strategy=name, **kwargs) for name in ("J2R", "CR", "CIR")]
    for other in found[1:]:
        np.testing.assert_allclose(other.completions, found[0].completions, rtol=ROUNDING)
    assert "J2R, CR and CIR are the same" in found[0].tidy()["reason"][0]
    mar = impute(long(wide), strategy="MAR", **kwargs)
    assert abs(mar.completions - found[0].completions).max() > 1


def test_jackknife_is_the_whole_procedure_without_each_participant():
    data = three_visits()
    found = impute(data, **ROLES, strategy="CIR", reference="a")
    left_out = [
        contrast(impute(data[data["who"] != who], **ROLES, strategy="CIR", reference="a"), "v2")["estimate"]
        for who in data["who"].unique()
    ]
    n = len(left_out)
    expected = np.sqrt((n - 1) * np.var(left_out))
    assert contrast(found, "v2")["std_error"] == pytest.approx(
        expected, rel=1e-8
    )  # two searches of a maximum
    assert "jackknife" in contrast(found)["reason"]


def test_analysis_of_completed_data_is_ancova(wide):
    found = impute(
        long(wide), **ROLES, covariates=["age"], method="bayes", n_imputations=4, delta={"cells": 2.0}
    )
    fits = [
        ancova(found.completed(k), outcome="follow_up", baseline="baseline", arm="arm", covariates=["age"])
        for k in range(4)
    ]
    rows = [fit.tidy().iloc[0] for fit in fits]
    theirs = pool([r["estimate"] for r in rows], [r["std_error"] for r in rows], df_complete=rows[0]["df"])
    ours = contrast(found)
    for column in ("estimate", "std_error", "df", "p_value", "conf_low"):
        assert ours[column] == pytest.approx(getattr(theirs, column), rel=1e-9)
    means = [fit.tidy().query("contrast == 'mean @ control'")["estimate"].iloc[0] for fit in fits]
    assert found.tidy().query("contrast == 'mean @ control'")["estimate"].item() == pytest.approx(
        np.mean(means)
    )


def test_own_analysis_is_pooled(wide):
    found = impute(long(wide), **ROLES, method="bayes", n_imputations=6)

    def mean_of_cells(frame):
        own = frame.loc[frame["arm"] == "cells", "follow_up"]
        return own.mean(), own.std() / np.sqrt(len(own))

    own = [mean_of_cells(found.completed(k)) for k in range(6)]
    assert found.analyse(mean_of_cells).estimate == pytest.approx(np.mean([value for value, _ in own]))
    with pytest.raises(InputError, match="without variation"):
        impute(long(wide), **ROLES).analyse(mean_of_cells)


def test_posterior_of_one_visit_is_exact(wide):
    _, model = prepared(
        long(wide), **ROLES, covariates=(), events=None, strategy="MAR", reference=None, baseline=None,
        baseline_visit=None, covariance_by_arm=False, covariates_by_visit=False,
    )  # fmt: skip
    start = model.fit()
    drawn = posterior_draws(model, start, 2000, np.random.default_rng(8))
    seen = wide.dropna()
    x = np.column_stack([np.ones(len(seen)), seen["arm"] == "cells", seen["baseline"]])
    beta, rss, *_ = np.linalg.lstsq(x, seen["follow_up"], rcond=None)
    df = len(seen) - 3
    variance = drawn.covariance[:, 0, 0, 0]
    assert stats.kstest(rss[0] / variance, stats.chi2(df).cdf).pvalue > 1e-4
    se = np.sqrt(rss[0] / df * np.linalg.inv(x.T @ x)[1, 1])
    assert stats.kstest((drawn.coefficients[:, 1] - beta[1]) / se, stats.t(df).cdf).pvalue > 1e-4
    assert start.covariance[0, 0, 0, 0] == pytest.approx(rss[0] / df, rel=ROUNDING)


def test_posterior_covariance_of_complete_visits_is_inverse_wishart():
    data = three_visits()
    complete = data[data.groupby("who")["score"].transform(lambda values: values.notna().all())]
    _, model = prepared(
        complete, **ROLES, covariates=(), events=None, strategy="MAR", reference=None, baseline=None,
        baseline_visit=None, covariance_by_arm=False, covariates_by_visit=False,
    )  # fmt: skip
    start = model.fit()
    df = len(model.y) - 3
    drawn = posterior_draws(model, start, 1500, np.random.default_rng(1)).covariance[:, 0]
    expected = start.covariance[0, 0] * df / (df - 3)
    error = drawn.std(axis=0) / np.sqrt(1500)
    assert (np.abs(drawn.mean(axis=0) - expected) < 4 * error).all()


@pytest.mark.parametrize("method", ["bayes", "bootstrap"])
@pytest.mark.parametrize("strategy", ["MAR", "J2R", "CR", "CIR", "LMCF"])
def test_draws_centre_on_the_conditional_means(method, strategy):
    data = three_visits()
    kwargs = ROLES | {"strategy": strategy, "reference": "a"}
    centre = contrast(impute(data, **kwargs), "v2")["estimate"]
    drawn = impute(data, **kwargs, method=method, n_imputations=500, seed=2)
    # the mean of a posterior or bootstrap differs from the estimate by its bias: a tenth of the standard error, of which
    # 500 draws leave no more than a fourth to chance
    assert abs(contrast(drawn, "v2")["estimate"] - centre) < 0.1 * contrast(drawn, "v2")["std_error"]


def test_draws_repeat_with_their_seed(wide):
    one, two, other = (
        impute(long(wide), **ROLES, method="bayes", n_imputations=3, seed=s) for s in (1, 1, 2)
    )
    assert (one.completions == two.completions).all()
    assert (one.completions != other.completions).any()


def test_missing_baselines_are_imputed_with_one_mean(wide):
    gone = wide.assign(baseline=wide["baseline"].where(wide["follow_up"].notna()))
    ours = impute(long(gone), **ROLES)
    theirs = ancova(gone, outcome="follow_up", baseline="baseline", arm="arm").tidy().iloc[0]
    # those without any value add nothing under MAR but through the baseline's mean, at which they stand
    assert contrast(ours)["estimate"] == pytest.approx(theirs["estimate"], rel=1e-8)
    np.testing.assert_allclose(ours.baselines[0][gone["baseline"].isna()], gone["baseline"].mean(), rtol=1e-8)
    assert "8 baselines were imputed too" in contrast(ours)["reason"]


def test_gaps_are_mar_and_events_decide_from_when():
    data = three_visits()
    inferred = impute(data, **ROLES, strategy="J2R", reference="a")
    none = impute(data, **ROLES, strategy="J2R", reference="a", events=pd.DataFrame({"who": [], "visit": []}))
    mar = impute(data, **ROLES, reference="a")
    np.testing.assert_allclose(none.completions, mar.completions)
    gap = np.flatnonzero(inferred.table.people["who"] == 12)
    np.testing.assert_allclose(inferred.completions[0, gap], mar.completions[0, gap])
    events = pd.DataFrame({"who": [22, 25], "visit": ["v2", "v1"]})
    declared = impute(data, **ROLES, strategy="J2R", reference="a", events=events)
    assert "2 outcomes observed after an event" in contrast(declared)["reason"]
    own = np.flatnonzero(declared.table.people["who"] == 25)
    np.testing.assert_array_equal(declared.completions[0, own], declared.table.outcomes[own])
    other = np.flatnonzero(declared.table.people["who"] == 30)
    assert not np.allclose(declared.completions[0, other], inferred.completions[0, other])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strategy": "JTR"}, "'JTR' is unknown"),
        ({"method": "mice", "n_imputations": 1}, "1 is too few"),
        ({"covariates": ["agee"]}, "did you mean 'age'"),
        ({"covariates": ["sex"]}, "must be finite numbers or levels for every participant"),
        ({"delta": {"cels": 1}}, "'cels' is no arm"),
        ({"delta": float("nan")}, "must be finite"),
        ({"events": pd.DataFrame({"who": ["sub-99"], "visit": ["follow_up"]})}, "sub-99"),
        ({"events": pd.DataFrame({"who": ["sub-01"], "visit": ["day9"]})}, "use one of: follow_up"),
        ({"baseline_visit": "day0"}, "'day0' is not a visit"),
        ({"reference": "placebo"}, "'placebo' is not an arm"),
        ({"conf_level": 95}, "not between 0 and 1"),
    ],
)
def test_bad_input_is_refused_with_its_remedy(wide, change, words):
    data = long(wide).assign(sex=["f", "m"] * 44)
    data.loc[data["who"] == "sub-03", "sex"] = None
    with pytest.raises(InputError) as error:
        impute(data, **(ROLES | {"strategy": "J2R"} | change))
    assert words in str(error.value)


def test_reference_based_imputation_needs_a_declared_reference(wide):
    data = long(wide).assign(arm=lambda t: t["arm"].astype(str))
    with pytest.raises(InputError, match="J2R imputes from a reference arm, and none is declared"):
        impute(data, **ROLES, strategy="J2R")
    assert impute(data, **ROLES).table.reference == "cells"


def test_an_arm_without_outcomes_is_refused(wide):
    empty = wide.assign(follow_up=wide["follow_up"].where(wide["arm"] == "cells"))
    with pytest.raises(InputError, match="arm 'control' has 0 values at 'follow_up'"):
        impute(long(empty), **ROLES)


def test_carrying_forward_needs_something_to_carry():
    data = three_visits()
    base = data[data["visit"] == "v0"].set_index("who")["score"]
    later = data[data["visit"] != "v0"].assign(base=lambda t: t["who"].map(base))
    later["visit"] = later["visit"].cat.remove_unused_categories()
    with pytest.raises(InputError, match="LMCF has no mean to carry forward"):
        impute(later, **ROLES, strategy="LMCF", baseline="base")
    later.loc[later["who"] == 4, "base"] = np.nan
    with pytest.raises(InputError, match="is missing for some"):
        impute(later, **ROLES, baseline="base")


def test_rules_refuse_what_cannot_be_pooled():
    with pytest.raises(InputError, match="imputation 2: nan, 1"):
        pool([1.0, float("nan")], [1.0, 1.0])
    with pytest.raises(InputError, match="two or more imputations"):
        pool([1.0], [1.0])
    with pytest.raises(InputError, match="not above 0"):
        pool([1.0, 2.0], [1.0, 1.0], df_complete=0)
