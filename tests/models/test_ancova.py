import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given
from hypothesis import strategies as st

from neurotrial.errors import InputError
from neurotrial.models import ancova

ROLES = {"outcome": "day90", "baseline": "baseline", "arm": "arm", "reference": "control"}
# direct formulas in double precision on well-conditioned columns
EXACT = 1e-9


def arm_rows(fit, method="ancova_ols"):
    rows = fit.tidy()
    return rows[(rows["method"] == method) & (rows["term"] == "arm")].set_index("contrast")


@pytest.mark.parametrize("robust", ["HC0", "HC1", "HC2", "HC3"])
def test_three_arms_agree_with_statsmodels_formulas(three_arms, robust):
    fit = ancova(three_arms, covariates=("age", "site"), robust=robust, **ROLES)
    reference = smf.ols("day90 ~ baseline + age + site + C(arm, Treatment('control'))", three_arms).fit()
    consistent = reference.get_robustcov_results(robust, use_t=True)
    for arm in ("high", "low"):
        name = f"C(arm, Treatment('control'))[T.{arm}]"
        place = reference.model.exog_names.index(name)
        ours = arm_rows(fit).loc[f"{arm} - control"]
        assert ours["estimate"] == pytest.approx(reference.params[name], rel=EXACT)
        assert ours["std_error"] == pytest.approx(reference.bse[name], rel=EXACT)
        assert ours["p_value"] == pytest.approx(reference.pvalues[name], rel=EXACT)
        ours = arm_rows(fit, f"ancova_{robust.lower()}").loc[f"{arm} - control"]
        assert ours["std_error"] == pytest.approx(consistent.bse[place], rel=EXACT)
        assert [ours["conf_low"], ours["conf_high"]] == pytest.approx(consistent.conf_int()[place], rel=EXACT)
        assert ours["df"] == len(three_arms) - 7


def test_means_take_factors_with_equal_weights_and_numbers_at_their_mean(three_arms):
    fit = ancova(three_arms, covariates=("age", "site", "sex"), **ROLES)
    reference = smf.ols("day90 ~ baseline + age + site + sex + arm", three_arms).fit()
    cells = pd.MultiIndex.from_product([["S1", "S2", "S3"], ["female", "male"]], names=["site", "sex"])
    means = fit.tidy().query("term == 'lsmean' and method == 'ancova_ols'").set_index("contrast")["estimate"]
    for arm in ("control", "low", "high"):
        grid = cells.to_frame(index=False).assign(
            arm=arm, baseline=three_arms["baseline"].mean(), age=three_arms["age"].mean()
        )
        assert means[f"mean @ {arm}"] == pytest.approx(reference.predict(grid).mean(), rel=EXACT)


def test_formula_terms_and_quoted_names_enter_the_model(trial):
    renamed = trial.rename(columns={"age": "age at stroke"}).assign(volume=trial["age"] ** 2)
    fit = ancova(renamed, covariates=("age at stroke", "log(volume)", "C(site)"), **ROLES)
    reference = smf.ols(
        "day90 ~ baseline + age + np.log(age ** 2) + site + C(arm, Treatment('control'))", trial
    ).fit()
    # age and log(age^2) are nearly collinear, which costs digits in either program
    assert arm_rows(fit)["estimate"].item() == pytest.approx(reference.params.iloc[3], rel=1e-7)
    assert list(fit.coefficients.index[:3]) == ["Intercept", "baseline", "age at stroke"]


def test_difference_with_an_interaction_is_taken_at_the_means(trial):
    fit = ancova(trial, covariates=("age:site", "site"), **ROLES)
    assert arm_rows(fit)["estimate"].item() == pytest.approx(
        fit.coefficients.loc["arm[T.cells]", "estimate"], rel=EXACT
    )


def test_who_misses_something_is_left_out_and_counted(trial):
    trial.loc[[0, 5], "day90"] = np.nan
    trial.loc[[5, 20], "age"] = np.nan
    fit = ancova(trial, covariates=["age"], **ROLES)
    assert fit.n_per_arm == {"control": 11, "cells": 30}
    assert fit.note == "participants left out: 3 (missing: day90 in 2, age in 2)"
    assert fit.tidy()["n_participants"].tolist() == [41] * 6


def test_arms_follow_their_categories(three_arms):
    order = ["high", "low", "control"]
    three_arms["arm"] = pd.Categorical(three_arms["arm"], categories=order)
    fit = ancova(three_arms, **ROLES)
    assert list(fit.n_per_arm) == order
    assert list(arm_rows(fit).index) == ["high - control", "low - control"]


def test_a_participant_who_is_alone_in_a_level_leaves_hc3_undefined(trial):
    trial.loc[3, "site"] = "S9"
    rows = ancova(trial, covariates=["site"], **ROLES).tidy().query("term == 'arm'").set_index("method")
    assert rows.loc["ancova_ols", "status"] == "ok"
    assert rows.loc["ancova_hc3", "status"] == "failed"
    assert "undefined" in rows.loc["ancova_hc3", "reason"]
    assert np.isnan(rows.loc["ancova_hc3", "p_value"])


def test_an_outcome_without_variation_has_no_inference(trial):
    rows = ancova(trial.assign(day90=12.0), **ROLES).tidy()
    assert set(rows["status"]) == {"failed"}
    assert rows["p_value"].isna().all()
    assert "residual variation" in rows["reason"].iloc[0]


def test_faults_of_the_design_are_named(trial):
    with pytest.raises(InputError) as caught:
        ancova(trial.assign(baseline=30.0, copy=trial["age"] * 2), covariates=("age", "copy"), **ROLES)
    constant, aliased = caught.value.problems
    assert "30 in all 44" in constant.rule
    assert aliased.rule.endswith(": copy")
    with pytest.raises(InputError, match="4 participants are too few for 4 coefficients"):
        ancova(trial.groupby("arm").head(2), covariates=("age",), **ROLES)


@pytest.mark.parametrize("volume", [0.0, -1.0])
def test_a_term_without_a_number_for_everyone_is_refused_and_nobody_dropped(trial, volume):
    trial["volume"] = 2.0 + trial["age"]
    trial.loc[7, "volume"] = volume
    with pytest.raises(InputError, match=r"not a finite number for every participant: log\(volume\)"):
        ancova(trial, covariates=("log(volume)",), **ROLES)


def test_a_term_that_cannot_be_evaluated_is_refused(trial):
    with pytest.raises(InputError, match="cannot be evaluated"):
        ancova(trial, covariates=("bs(site)",), **ROLES)


@pytest.mark.parametrize("term", ["__import__('os')", "arm:age", "baseline", "day90", "age.mean()"])
def test_terms_that_are_code_or_in_the_model_are_refused(trial, term):
    with pytest.raises(InputError, match="covariate"):
        ancova(trial, covariates=[term], **ROLES)


def test_an_unknown_robust_error_is_refused(trial):
    with pytest.raises(InputError, match="HC0, HC1, HC2, HC3"):
        ancova(trial, robust="HC9", **ROLES)


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3))
def test_units_rows_and_reference_change_nothing_else(make_trial, seed, scale, shift):
    wide = make_trial(seed % 50, {"control": 7, "cells": 9})
    first = arm_rows(ancova(wide, **ROLES), "ancova_hc3").iloc[0]
    other = wide.sample(frac=1, random_state=seed)
    other[["baseline", "day90"]] = other[["baseline", "day90"]] * scale + shift
    second = arm_rows(ancova(other, **ROLES), "ancova_hc3").iloc[0]
    swapped = arm_rows(ancova(wide, **ROLES | {"reference": "cells"}), "ancova_hc3").iloc[0]
    # a shift of 1000 against a spread of 0.01 costs about five of sixteen digits
    assert second["estimate"] == pytest.approx(
        first["estimate"] * scale, rel=1e-6, abs=1e-6 * first["std_error"] * scale
    )
    assert second["p_value"] == pytest.approx(first["p_value"], rel=1e-5)
    assert swapped["estimate"] == pytest.approx(-first["estimate"], rel=EXACT)
    assert swapped["conf_low"] == pytest.approx(-first["conf_high"], rel=EXACT)
