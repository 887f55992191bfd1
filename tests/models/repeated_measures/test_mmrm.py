import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models import TIDY_COLUMNS, clda, emmeans, mmrm

ROLES = {"subject": "who", "visit": "visit"}
FORMULA = "y ~ age + arm * visit"


@pytest.fixture(scope="module")
def fit(make_long):
    return mmrm(FORMULA, make_long(), **ROLES)


def test_every_table_has_the_tidy_columns(fit):
    means = fit.emmeans("arm", by="visit")
    for table in (
        fit.tidy(),
        fit.effects("arm"),
        means.tidy(),
        means.contrast().tidy(),
        fit.standardised("arm"),
    ):
        assert tuple(table) == TIDY_COLUMNS
        assert (table["status"] == "ok").all()
        assert (table["n_participants"] == 23).all()
        assert (table["n_observations"] == fit.n_observations).all()


def test_intervals_and_p_values_are_those_of_t(fit):
    table = fit.tidy(conf_level=0.9)
    half = stats.t.isf(0.05, table["df"]) * table["std_error"]
    np.testing.assert_allclose(table["conf_high"] - table["estimate"], half, rtol=1e-9)
    np.testing.assert_allclose(
        table["p_value"], 2 * stats.t.sf(abs(table["statistic"]), table["df"]), rtol=1e-12
    )
    assert (table["conf_level"] == 0.9).all()


def test_effects_agree_with_one_another(fit):
    rows = fit.effects("arm").set_index(["term", "contrast", "visit"])["estimate"]
    for visit in ("v2", "v3", "v4"):
        crossed = rows["group_by_time", f"cells - control @ {visit} - v1", visit]
        assert crossed == pytest.approx(
            rows["arm", "cells - control", visit] - rows["arm", "cells - control", "v1"], rel=1e-10
        )
        assert crossed == pytest.approx(
            rows["within_arm", f"{visit} - v1 @ cells", visit]
            - rows["within_arm", f"{visit} - v1 @ control", visit],
            rel=1e-10,
        )
        assert rows["arm", "cells - control", visit] == pytest.approx(
            rows["lsmean", "mean @ cells", visit] - rows["lsmean", "mean @ control", visit], rel=1e-10
        )


def test_successive_changes(fit):
    rows = fit.effects("arm", changes="successive")
    crossed = rows[rows["term"] == "group_by_time"]
    assert crossed["contrast"].tolist() == [
        "cells - control @ v2 - v1",
        "cells - control @ v3 - v2",
        "cells - control @ v4 - v3",
    ]


def test_least_squares_means_are_predictions_at_the_mean(fit):
    means = fit.emmeans("arm", by="visit").tidy()
    row = means[(means["contrast"] == "mean @ cells") & (means["visit"] == "v3")].iloc[0]
    at = pd.DataFrame({"age": [fit.design.means["age"]], "arm": ["cells"], "visit": ["v3"]})
    assert row["estimate"] == pytest.approx(fit.predict(at).iloc[0], rel=1e-12)
    younger = fit.emmeans("arm", by="visit", at={"age": 50}).tidy()["estimate"]
    shift = (50 - fit.design.means["age"]) * fit.coefficients["age"]
    np.testing.assert_allclose(younger - means["estimate"], shift, rtol=1e-9)


def test_weights_of_the_other_factors(make_long):
    fit = mmrm("y ~ sex + arm * visit", make_long(), **ROLES)
    only = {
        level: fit.emmeans("arm", at={"sex": level}).tidy()["estimate"].to_numpy()
        for level in ("female", "male")
    }
    equal = fit.emmeans("arm").tidy()["estimate"]
    np.testing.assert_allclose(equal, (only["female"] + only["male"]) / 2, rtol=1e-12)
    given = fit.emmeans("arm", weights={"sex": {"female": 1, "male": 3}}).tidy()["estimate"]
    np.testing.assert_allclose(given, (only["female"] + 3 * only["male"]) / 4, rtol=1e-12)
    share = (fit.long.frame["sex"] == "male").mean()
    assert share != 0.5
    observed = fit.emmeans("arm", by="visit", weights="observed").tidy()["estimate"].iloc[0]
    parts = [
        fit.emmeans("arm", by="visit", at={"sex": s}).tidy()["estimate"].iloc[0] for s in ("female", "male")
    ]
    assert observed == pytest.approx((1 - share) * parts[0] + share * parts[1], rel=1e-12)


def test_numbers_and_truth_values_as_factors(make_long):
    long = make_long(lost=0.0)
    number = long["who"].str[1:].astype(int)
    long = long.assign(site=number % 3 + 1, old=long["age"] > 60)
    fit = mmrm("y ~ C(site) + old + arm * visit", long, **ROLES)
    assert fit.design.factors["site"] == ("1", "2", "3")
    assert fit.design.factors["old"] == ("False", "True")
    sites = fit.emmeans("site").contrast("reference").tidy()
    assert sites["contrast"].tolist() == ["2 - 1", "3 - 1"]
    np.testing.assert_allclose(
        sites["estimate"], fit.coefficients[["C(site)[T.2]", "C(site)[T.3]"]], rtol=1e-10
    )
    assert fit.anova(3).loc["C(site)", "num_df"] == 2
    same = mmrm("y ~ site + old + arm * visit", long.assign(site=long["site"].astype(str)), **ROLES)
    assert fit.anova(3).loc["C(site)", "f"] == pytest.approx(same.anova(3).loc["site", "f"], rel=1e-10)


def test_the_function_is_the_method(fit):
    pd.testing.assert_frame_equal(emmeans(fit, "arm").tidy(), fit.emmeans("arm").tidy())


def test_comparisons(fit):
    means = fit.emmeans("visit")
    pairs = means.contrast("pairwise").tidy()["contrast"].tolist()
    assert pairs == ["v2 - v1", "v3 - v1", "v3 - v2", "v4 - v1", "v4 - v2", "v4 - v3"]
    assert means.contrast("successive").tidy()["contrast"].tolist() == ["v2 - v1", "v3 - v2", "v4 - v3"]
    linear = means.contrast({"linear": [-3, -1, 1, 3]}).tidy()["estimate"].iloc[0]
    values = means.tidy()["estimate"].to_numpy()
    assert linear == pytest.approx(values @ [-3, -1, 1, 3], rel=1e-11)


def test_any_linear_function_of_the_coefficients(fit):
    table = fit.contrast({"twice": {"age": 2.0}, "whole": np.eye(9)[1]}).tidy()
    age = fit.tidy().set_index("contrast").loc["age"]
    assert table["estimate"].tolist() == pytest.approx([2 * age["estimate"], age["estimate"]], rel=1e-12)
    assert table["std_error"].tolist() == pytest.approx([2 * age["std_error"], age["std_error"]], rel=1e-12)
    assert table["df"].tolist() == pytest.approx([age["df"]] * 2, rel=1e-10)


def test_one_df_f_tests_are_squared_t(fit):
    for type_ in (2, 3):
        table = fit.anova(type_)
        age = fit.tidy().set_index("contrast").loc["age"]
        assert table.loc["age", "f"] == pytest.approx(age["statistic"] ** 2, rel=1e-10)
        assert table.loc["age", "den_df"] == pytest.approx(age["df"], rel=1e-10)
        assert list(table.index) == ["age", "arm", "visit", "arm:visit"]
        assert table["num_df"].tolist() == [1, 1, 3, 3]


def test_joint_tests_refuse_dependent_functions(fit):
    unit = np.eye(9)
    with pytest.raises(InputError, match="not independent"):
        fit.joint_test(np.vstack([unit[1], 2 * unit[1]]))


def test_another_inference_does_not_fit_again(fit):
    other = fit.inferred("normal")
    assert np.isinf(other.tidy()["df"]).all()
    assert other.tidy()["interval_kind"].unique().tolist() == ["normal"]
    np.testing.assert_allclose(other.tidy()["std_error"], np.sqrt(np.diag(fit.model_vcov)), rtol=1e-12)
    assert fit.inferred("residual").tidy()["df"].unique().tolist() == [fit.n_observations - 9]
    assert (fit.tidy()["std_error"] > other.tidy()["std_error"]).all()


def test_presets_of_kenward_roger_differ_where_they_should(make_long):
    long = make_long()
    for covariance, curved in (("us", False), ("toep", False), ("ar1h", True), ("csh", True)):
        made = mmrm(FORMULA, long, covariance=covariance, **ROLES)
        error = {
            kr: made.inferred("kenward-roger", kr).tidy()["std_error"].to_numpy()
            for kr in ("linear", "sas", "mmrm")
        }
        assert np.allclose(error["linear"], error["sas"], rtol=1e-12) is not curved
        assert not np.allclose(error["linear"], error["mmrm"], rtol=1e-6)


def test_the_result_says_what_applies(fit):
    assert fit.decisions[-1].startswith("inference: an exact t wherever one exists (complete data, or")
    assert any(line.startswith("rows without outcome left out") for line in fit.decisions)
    full = mmrm(FORMULA, fit.long.frame, method="ml", **ROLES)
    assert "Kenward-Roger is not defined for the full likelihood" in full.decisions[-1]
    assert "us" in str(fit)
    assert "age" in str(fit)


def test_information_criteria(fit):
    assert fit.aic == pytest.approx(fit.neg2_loglik + 20)
    assert fit.bic == pytest.approx(fit.neg2_loglik + 10 * np.log(23))
    assert fit.n_theta == 10


def test_covariance_by_arm_is_that_of_each_arm_alone(make_long):
    long = make_long(6, (25, 20), lost=0.1)
    both = mmrm("y ~ arm * visit + arm:age", long, by_arm="arm", **ROLES)
    for arm in ("control", "cells"):
        own = long[long["arm"] == arm].assign(arm=lambda rows: rows["arm"].astype(str))
        alone = mmrm("y ~ visit + age", own, **ROLES)
        np.testing.assert_allclose(both.covariance_of(arm), alone.covariance, rtol=1e-8)
    assert both.covariance.shape == (8, 8)
    assert both.n_per_arm == {"control": 25, "cells": 20}


def test_weights_divide_the_variance(make_long):
    long = make_long(7, (20, 15), lost=0.0)
    plain = mmrm(FORMULA, long, **ROLES)
    heavy = mmrm(FORMULA, long.assign(w=4.0), weights="w", **ROLES)
    np.testing.assert_allclose(heavy.covariance, 4 * plain.covariance, rtol=1e-9)
    np.testing.assert_allclose(heavy.vcov, plain.vcov, rtol=1e-9)
    assert heavy.neg2_loglik == pytest.approx(plain.neg2_loglik, rel=1e-11)


def test_times_may_differ_between_participants(make_long):
    rng = np.random.default_rng(2)
    long = make_long(8, (20, 15), lost=0.05)
    long["day"] = long["week"] * 7 + rng.uniform(0, 6, len(long)).round(1)
    fit = mmrm("y ~ arm * visit", long, covariance="sp_exp", time="day", **ROLES)
    assert len(fit.long.levels) == long.loc[long["y"].notna(), "day"].nunique()
    slopes = mmrm("y ~ arm * day", long, covariance="rs", time="day", **ROLES)
    assert slopes.converged
    assert list(slopes.random_effects()) == ["intercept", "slope"]


def test_declared_order_of_visits_wins(make_long):
    long = make_long(lost=0.0).sample(frac=1, random_state=1)
    fit = mmrm("y ~ arm * visit", long, **ROLES)
    assert fit.long.visits == ("v1", "v2", "v3", "v4")
    turned = long.assign(visit=pd.Categorical(long["visit"].astype(str), ["v4", "v3", "v2", "v1"]))
    assert mmrm("y ~ arm * visit", turned, **ROLES).long.visits == ("v4", "v3", "v2", "v1")
    assert not any("order of visits" in line for line in fit.decisions)
    plain = mmrm("y ~ arm * visit", turned.assign(visit=long["visit"].astype(str)), **ROLES)
    assert plain.long.visits == tuple(long["visit"].astype(str).drop_duplicates())
    assert any(line.startswith("order of visits by first appearance") for line in plain.decisions)
    numbers = long.assign(visit=long["visit"].cat.codes.map({0: 10, 1: 90, 2: 9, 3: 180}))
    assert mmrm("y ~ arm * visit", numbers, **ROLES).long.visits == ("9", "10", "90", "180")


def test_a_fallback_is_taken_and_said(make_long):
    long = make_long(9, (3, 2), lost=0.0)
    with pytest.raises(InputError, match="unstructured"):
        mmrm("y ~ arm * visit", long, **ROLES)
    fit = mmrm("y ~ arm * visit", long, fallback=["csh", "cs"], **ROLES)
    assert fit.structure in {"csh", "cs"}
    assert any("could not be fitted" in line and "was fitted instead" in line for line in fit.decisions)
    assert fit.tidy()["method"].str.startswith(f"mmrm_{fit.structure}").all()


def test_a_random_intercept_of_negative_variance_is_refused(make_long):
    long = make_long(1, (12, 12), n_visits=2, lost=0.0)
    flipped = long["visit"] == "v2"
    long.loc[flipped, "y"] = 100 - long.loc[flipped, "y"]
    with pytest.raises(InputError, match="negative"):
        mmrm("y ~ arm * visit", long, covariance="ri", **ROLES)
    assert mmrm("y ~ arm * visit", long, covariance="cs", **ROLES).correlation.iloc[0, 1] < 0


def test_residuals_are_whitened(make_long):
    fit = mmrm(FORMULA, make_long(11, (60, 50), lost=0.1), **ROLES)
    table = fit.residuals()
    np.testing.assert_allclose(table["y"] - table["fitted"], table["residual"], rtol=0, atol=1e-12)
    assert table["pearson"].std() == pytest.approx(1, abs=0.1)
    wide = (
        table.pivot_table(index="who", columns="visit", values="normalised", observed=True).corr().to_numpy()
    )
    assert np.abs(wide - np.eye(4)).max() < 0.3


def test_common_baseline_mean(make_long):
    fit = clda("y ~ age", make_long(), arm="arm", **ROLES)
    assert "common mean of the arms at v1" in fit.decisions
    rows = fit.effects()
    assert rows[rows["term"] == "arm"]["visit"].tolist() == ["v2", "v3", "v4"]
    means = rows[(rows["term"] == "lsmean") & (rows["visit"] == "v1")]["estimate"]
    assert means.max() == means.min()
    assert fit.n_per_arm == {"control": 14, "cells": 9}
    pd.testing.assert_frame_equal(
        fit.effects().query("term == 'arm'").reset_index(drop=True)[["visit", "estimate"]],
        fit.effects().query("term == 'group_by_time'").reset_index(drop=True)[["visit", "estimate"]],
    )


def test_cluster_robust_errors_by_participant_and_by_a_given_cluster(make_long):
    long = make_long(12, (30, 24))
    fit = mmrm(FORMULA, long, **ROLES)
    own = fit.vcov_robust("CR2")
    assert own.tidy()["method"].unique().tolist() == ["mmrm_us_cr2"]
    people = pd.Series(np.arange(54) % 9, index=pd.unique(long["who"]))
    wider = fit.vcov_robust("CR2", cluster=people)
    assert (wider.tidy()["df"] < own.tidy()["df"]).all()
    np.testing.assert_allclose(own.coefficients, fit.coefficients)
    with pytest.raises(InputError, match="one cluster"):
        fit.vcov_robust("CR2", cluster="visit")
    with pytest.raises(InputError, match="is missing"):
        fit.vcov_robust("CR2", cluster=people.iloc[1:])
    with pytest.raises(InputError, match="did you mean 'CR2'"):
        fit.vcov_robust("CR_2")


def test_it_says_why_there_is_no_exact_t(make_long):
    long = make_long()
    for arguments in ({"covariance": "cs"}, {"by_arm": "arm"}, {"method": "ml"}):
        said = mmrm("y ~ arm * visit", long, **arguments, **ROLES).decisions[-1]
        assert "no exact t is known for a restricted covariance" in said
    assert "errors are independent" in mmrm(FORMULA, long, covariance="id", **ROLES).decisions[-1]
    assert mmrm(FORMULA, long, df="normal", **ROLES).decisions[-1] == "inference: normal approximation"
