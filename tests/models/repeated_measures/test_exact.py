import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models import ancova, clda, mmrm
from neurotrial.models.repeated_measures.exact import closed_covariance, panel
from neurotrial.models.repeated_measures.working import Rows

SLEEP = [
    0.7,
    -1.6,
    -0.2,
    -1.2,
    -0.1,
    3.4,
    3.7,
    0.8,
    0.0,
    2.0,
    1.9,
    0.8,
    1.1,
    0.1,
    -0.1,
    4.4,
    5.5,
    1.6,
    4.6,
    3.4,
]


@pytest.fixture(scope="module")
def sleep():
    """Student's data: hours of sleep that ten patients gained by two drugs (Biometrika 1908;6:1-25)."""
    return pd.DataFrame({"who": [*range(10)] * 2, "drug": ["a"] * 10 + ["b"] * 10, "extra": SLEEP})


@pytest.fixture
def wide(make_trial):
    return make_trial(5, {"control": 13, "cells": 31})


@pytest.fixture
def two(wide, long_form):
    return with_order(long_form(wide))


def with_order(long):
    return long.assign(arm=pd.Categorical(long["arm"], ["control", "cells"]))


def effect(fit, term="group_by_time"):
    rows = fit.effects("arm")
    return rows[(rows["term"] == term) & (rows["visit"] == "day90")].iloc[0]


ROLES = {"subject": "participant_id", "visit": "visit"}


def test_students_sleep_data_give_the_paired_t(sleep):
    row = mmrm("extra ~ drug", sleep, subject="who", visit="drug").tidy().iloc[1]
    assert row["estimate"] == pytest.approx(1.58, rel=1e-14)
    assert row["std_error"] == pytest.approx(0.3889587238883955, rel=1e-13)
    assert row["df"] == 9
    assert row["reason"].startswith("exact t: complete data")
    paired = stats.ttest_rel(SLEEP[10:], SLEEP[:10])
    assert row["p_value"] == pytest.approx(paired.pvalue, rel=1e-12)


def test_full_kenward_roger_is_too_small_for_them(sleep):
    fit = mmrm("extra ~ drug", sleep, subject="who", visit="drug", df="kenward-roger", kr="mmrm")
    # what R's mmrm prints by default: its optimiser stops 1e-7 to 1e-4 away from the optimum
    assert fit.tidy()["std_error"].iloc[1] == pytest.approx(0.338551036458, rel=1e-6)


@pytest.mark.parametrize("terms", ["arm * visit", "age + sex + arm * visit"])
def test_group_by_time_of_complete_data_is_the_pooled_t_of_the_change(two, wide, terms):
    row = effect(mmrm(f"score ~ {terms}", two, **ROLES))
    change = (wide["day90"] - wide["baseline"]).to_numpy()
    treated = (wide["arm"] == "cells").to_numpy()
    pooled = stats.ttest_ind(change[treated], change[~treated])
    assert row["df"] == 42
    assert row["statistic"] == pytest.approx(pooled.statistic, rel=1e-11)
    assert row["p_value"] == pytest.approx(pooled.pvalue, rel=1e-10)


def test_covariates_by_visit_give_the_regression_of_the_change(two, wide):
    row = effect(mmrm("score ~ age * visit + arm * visit", two, **ROLES))
    wide = wide.assign(change=wide["day90"] - wide["baseline"])
    fit = ancova(wide, outcome="change", baseline=None, arm="arm", covariates=["age"], reference="control")
    expected = fit.tidy().iloc[0]
    for column in ("estimate", "std_error", "df", "p_value"):
        assert row[column] == pytest.approx(expected[column], rel=1e-10)


@pytest.mark.parametrize("missing", [[], [2, 9, 20, 33, 40]])
@pytest.mark.parametrize("terms", ["1", "age * visit"])
def test_a_common_baseline_mean_gives_the_t_of_ancova(two, wide, missing, terms):
    people = wide["participant_id"].iloc[missing]
    lost = two["participant_id"].isin(people) & (two["visit"] == "day90")
    fit = clda(f"score ~ {terms}", two.assign(score=two["score"].mask(lost)), arm="arm", **ROLES)
    covariates = [] if terms == "1" else ["age"]
    seen = wide[~wide["participant_id"].isin(people)]
    expected = (
        ancova(
            seen, outcome="day90", baseline="baseline", arm="arm", covariates=covariates, reference="control"
        )
        .tidy()
        .iloc[0]
    )
    row = effect(fit, "arm")
    for column in ("estimate", "std_error", "df", "p_value"):
        assert row[column] == pytest.approx(expected[column], rel=1e-10)
    assert "analysis of covariance" in row["reason"]


def test_the_estimate_with_lost_follow_ups_has_the_published_form(two, wide):
    people = wide["participant_id"].iloc[[2, 9, 20, 33, 40]]
    lost = two["participant_id"].isin(people) & (two["visit"] == "day90")
    fit = mmrm("score ~ arm * visit", two.assign(score=two["score"].mask(lost)), **ROLES)
    seen = wide[~wide["participant_id"].isin(people)]
    adjusted = ancova(seen, outcome="day90", baseline="baseline", arm="arm", reference="control")
    slope = adjusted.coefficients.loc["baseline", "estimate"]
    means = wide.groupby("arm")["baseline"].mean()
    expected = adjusted.tidy()["estimate"].iloc[0] + (slope - 1) * (means["cells"] - means["control"])
    row = effect(fit)
    assert row["estimate"] == pytest.approx(expected, rel=1e-12)
    assert row["reason"].startswith("Kenward-Roger without second-order term")
    assert "closed form: baseline, then follow-up given baseline" in fit.decisions


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("lost", [[], [2, 9, 20]])
def test_the_closed_form_is_the_optimum(two, wide, method, lost):
    people = wide["participant_id"].iloc[lost]
    gone = two["participant_id"].isin(people) & (two["visit"] == "day90")
    fit = mmrm("score ~ arm * visit", two.assign(score=two["score"].mask(gone)), method=method, **ROLES)
    assert fit.iterations == 1
    assert fit.gradient_norm < 1e-11


def test_complete_data_of_four_visits_have_exact_contrasts(make_long):
    long = make_long(4, (12, 10), lost=0.0)
    fit = mmrm("y ~ arm * visit", long, subject="who", visit="visit", df="exact")
    assert fit.iterations == 1
    rows = fit.effects("arm")
    assert (rows["df"] == 20).all()
    wide = long.pivot_table(index=["who", "arm"], columns="visit", values="y", observed=True).reset_index()
    change = wide["v3"] - wide["v1"]
    treated = wide["arm"] == "cells"
    expected = stats.ttest_ind(change[treated], change[~treated])
    row = rows[rows["contrast"] == "cells - control @ v3 - v1"].iloc[0]
    assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-11)


@pytest.mark.parametrize(
    ("formula", "lost", "contrast"),
    [
        ("score ~ age + arm * visit", [], "arm @ day90"),
        ("score ~ arm * visit", [3], "group_by_time"),
    ],
)
def test_what_has_no_exact_t_is_not_called_exact(two, wide, formula, lost, contrast):
    people = wide["participant_id"].iloc[lost]
    gone = two["participant_id"].isin(people) & (two["visit"] == "day90")
    data = two.assign(score=two["score"].mask(gone))
    rows = mmrm(formula, data, **ROLES).effects("arm")
    chosen = rows[(rows["term"] == contrast.split(" @")[0]) & (rows["visit"] == "day90")]
    assert chosen["reason"].str.startswith("Kenward-Roger").all()
    with pytest.raises(InputError, match="has no exact t"):
        mmrm(formula, data, df="exact", **ROLES).effects("arm")


@pytest.mark.parametrize("covariance", ["csh", "ar1h", "toeph", "adh"])
def test_with_two_visits_heterogeneous_structures_are_unstructured(two, covariance):
    expected = mmrm("score ~ arm * visit", two, **ROLES)
    fit = mmrm("score ~ arm * visit", two, covariance=covariance, **ROLES)
    assert fit.neg2_loglik == pytest.approx(expected.neg2_loglik, rel=1e-13)
    assert effect(fit)["p_value"] == pytest.approx(effect(expected)["p_value"], rel=1e-10)
    assert effect(fit)["reason"] == effect(expected)["reason"]


@pytest.mark.parametrize("covariance", ["cs", "ri"])
def test_balanced_compound_symmetry_gets_the_same_test_from_kenward_roger(two, covariance):
    fit = mmrm("score ~ arm * visit", two, covariance=covariance, **ROLES)
    expected = effect(mmrm("score ~ arm * visit", two, **ROLES))
    row = effect(fit)
    for column in ("estimate", "std_error", "df", "p_value"):
        assert row[column] == pytest.approx(expected[column], rel=1e-9)


def test_independent_errors_have_the_t_of_least_squares(two):
    import statsmodels.formula.api as smf

    ours = mmrm("score ~ age + arm * visit", two, covariance="id", **ROLES)
    theirs = smf.ols("score ~ age + arm * visit", two).fit()
    np.testing.assert_allclose(ours.tidy()["p_value"], theirs.pvalues[list(ours.design.names)], rtol=1e-9)
    assert ours.tidy()["reason"].unique().tolist() == ["exact t: independent errors of one variance"]


def test_no_closed_form_is_claimed_where_there_is_none(two):
    fit = mmrm("score ~ age + arm * visit", two, **ROLES)
    rows = fit.inference.exact_parts[0][1]
    assert closed_covariance(rows, reml=True) is None
    assert not any(line.startswith("closed form") for line in fit.decisions)


def test_a_panel_holds_what_is_seen():
    made = panel(
        Rows(np.ones((3, 1)), np.array([0, 0, 1]), np.array([0, 1, 1]), 2), np.array([[1.0], [2.0], [3.0]])
    )
    assert made.seen.tolist() == [[True, True], [False, True]]
    assert made.y[:, :, 0].tolist() == [[1.0, 2.0], [0.0, 3.0]]
    assert not made.complete
    assert not made.monotone
