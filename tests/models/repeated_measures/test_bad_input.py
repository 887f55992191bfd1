import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.models import clda, mmrm, mmrm_many

ROLES = {"subject": "who", "visit": "visit"}
FORMULA = "y ~ age + arm * visit"


def refused(data, match, formula=FORMULA, call=mmrm, **other):
    with pytest.raises(InputError, match=match) as caught:
        call(formula, data, **{**ROLES, **other})
    return caught.value


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("y", "does not have an outcome, one ~ and terms"),
        ("~ arm", "does not have an outcome"),
        ("y ~ arm ~ visit", "one ~"),
        ("log(y) ~ arm", "is not the name of a column"),
        ("y ~ __import__('os')", "not part of a formula"),
        ("y ~ exec(arm)", "calls 'exec'"),
        ("y ~ arm + y", "stands on both sides"),
        ("y ~ arms * visit", "did you mean 'arm'"),
        ("y ~ who + visit", "whose effect the covariance holds"),
        ("y ~ log(age - 1000) + visit", "not a finite number"),
        ("y ~ arm * visit + C(arm)", "aliased|combinations of those before"),
    ],
)
def test_formulas(long, formula, match):
    refused(long, match, formula)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"covariance": "un"}, "did you mean 'us'|use one of"),
        ({"df": "kr"}, "'kr' is not known"),
        ({"kr": "full"}, "'full' is not known"),
        ({"method": "mle"}, "did you mean 'ml'"),
        ({"method": "ml", "df": "kenward-roger"}, "defined for the restricted likelihood"),
        ({"covariance": "rs"}, "needs the column with the times"),
        ({"covariance": "ri", "kr": "mmrm"}, "R's mmrm has no structure 'ri'"),
        ({"covariance": "ad", "kr": "sas"}, "was never compared with SAS"),
        ({"subject": "whom"}, "did you mean 'who'"),
        ({"fallback": "simple"}, "'simple' is not a chain"),
        ({"fallback": ["cs", "diag"]}, "'diag' is not known"),
        ({"time": "arm", "covariance": "sp_exp"}, "must hold numbers"),
    ],
)
def test_arguments(long, arguments, match):
    refused(long, match, **arguments)


def test_aliased_coefficients_are_named(long):
    twice = long.assign(months=long["age"] * 12)
    error = refused(twice, "months", "y ~ age + months + arm * visit")
    assert "combinations of those before them: months" in str(error)


def test_a_visit_that_an_arm_lacks_is_named(long):
    lost = long.assign(y=long["y"].mask((long["arm"] == "cells") & (long["visit"] == "v3")))
    error = refused(lost, "was seen at visit 'v3'")
    assert "nobody with arm 'cells'" in str(error)
    assert mmrm("y ~ age + arm + visit", lost, **ROLES).converged


def test_one_visit_and_one_participant(long):
    refused(long[long["visit"] == "v1"], "repeated measures need two visits; found: v1")
    refused(long[long["who"] == "p01"], "one participant only", "y ~ visit")


def test_two_rows_at_a_visit_are_shown(long):
    error = refused(pd.concat([long, long.iloc[[5]]]), "one row at each visit")
    assert "who=p01, visit=v2" in str(error)


def test_missing_keys_are_shown(long):
    error = refused(long.assign(who=long["who"].mask(long.index == 3)), "is missing")
    assert "column 'who'" in str(error)
    assert "row 3" in str(error)


@pytest.mark.parametrize(("value", "match"), [(np.inf, "must be finite"), ("high", "must hold numbers")])
def test_outcomes_that_are_no_finite_numbers(long, value, match):
    spoilt = long.assign(y=long["y"].astype("object"))
    spoilt.loc[7, "y"] = value
    error = refused(spoilt if isinstance(value, str) else spoilt.assign(y=spoilt["y"].astype(float)), match)
    assert "row 7" in str(error)
    assert "who=p01" in str(error)


def test_infinite_covariates_weights_and_times(long):
    refused(long.assign(age=long["age"].mask(long.index == 2, np.inf)), "column 'age': must be finite")
    refused(long.assign(w=0.0), "a weight is greater than 0", weights="w")


def test_outcomes_without_variation(long):
    refused(long.assign(y=3.0), "is 3 in all 92 rows")
    exact = long.assign(y=long["visit"].cat.codes + 2.0 * (long["arm"] == "cells"))
    refused(exact, "no residual variation")


def test_nothing_left(long):
    refused(long.assign(y=np.nan), "no row has the outcome")


def test_too_few_participants_for_the_structure(make_long):
    refused(make_long(9, (3, 2), lost=0.0), "unstructured \\(us\\) could not be fitted: ")
    refused(make_long(9, (1, 1), lost=0.0), "too few|has one level|could not be fitted", "y ~ arm * visit")


def test_pairs_of_visits_that_nobody_has(make_long):
    long = make_long(3, (20, 20), lost=0.0)
    even = long["who"].str[1:].astype(int) % 2 == 0
    lost = (even & (long["visit"] == "v4")) | (~even & (long["visit"] == "v1"))
    error = refused(long.assign(y=long["y"].mask(lost)), "identify")
    assert "v1" in str(error)
    assert "v4" in str(error)


def test_unknown_levels_in_contrasts(long):
    fit = mmrm(FORMULA, long, **ROLES)
    for call, match in (
        (lambda: fit.emmeans("sex"), "'sex' is not a factor of the formula"),
        (lambda: fit.emmeans("arm", at={"visit": "v9"}), "'v9' is no level of 'visit'"),
        (lambda: fit.emmeans("arm", at={"nihss": 3}), "'nihss' is not in the formula"),
        (lambda: fit.emmeans("arm", at={"age": "old"}), "is a number, not 'old'"),
        (lambda: fit.emmeans("arm", weights={"visit": {"v1": 1}}), "do not fit its levels"),
        (lambda: fit.emmeans("arm", weights="some"), "'some' is not known"),
        (lambda: fit.emmeans("arm").contrast("dunnett"), "'dunnett' is not known"),
        (lambda: fit.emmeans("arm").contrast({"x": [1, 0, -1]}), "for the levels control, cells"),
        (lambda: fit.contrast({"x": {"arms": 1}}), "names arms"),
        (lambda: fit.contrast({"x": [1, 0]}), "one finite weight for each of 9"),
        (fit.effects, "does not know which factor is the arm"),
        (lambda: fit.anova(1), "1 is not known"),
        (lambda: fit.tidy(conf_level=95), "95 is not between 0 and 1"),
        (lambda: fit.standardised("arm", "pooled"), "'pooled' is not known"),
        (lambda: fit.standardised("arm", -1.0), "is no standard deviation"),
        (lambda: fit.predict(long.assign(visit="v9")), "levels that the fit does not know; it knows v1, v2"),
        (lambda: fit.predict(long.drop(columns="age")), "column 'age': the column is missing"),
        (fit.random_effects, "is no covariance of random effects"),
    ):
        with pytest.raises(InputError, match=match):
            call()


def test_common_baseline(long):
    refused(long, "names the arm 'arm'", "y ~ arm", clda, arm="arm")
    refused(long, "the column is missing", "y ~ age", clda, arm="group")
    changing = long.assign(arm=long["arm"].mask((long["who"] == "p00") & (long["visit"] == "v2"), "cells"))
    refused(changing, "one arm at all visits", "y ~ age", clda, arm="arm")


def test_arms_of_a_covariance_do_not_change(long):
    changing = long.assign(arm=long["arm"].mask((long["who"] == "p00") & (long["visit"] == "v2"), "cells"))
    error = refused(changing, "one arm at all visits", "y ~ visit", by_arm="arm")
    assert "who=p00" in str(error)


def test_many(long):
    refused(long, "has shape \\(5, 2\\) for 23 participants", call=mmrm_many, replicates=np.ones((5, 2)))
    refused(long, "negative", call=mmrm_many, replicates=-np.ones((23, 2)))
    refused(long, "the column is missing", call=mmrm_many, outcomes=["y", "z"])
    refused(long, "there are none", call=mmrm_many, outcomes=[])
    refused(long, "for 92 rows of data", call=mmrm_many, outcomes=pd.DataFrame(np.ones((3, 2))))
    without = np.ones((23, 1))
    without[4] = 0
    poly = "y ~ poly(age, 2) + visit"
    refused(long, "depends on which rows are there", poly, mmrm_many, replicates=without)
