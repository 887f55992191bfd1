import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models import change_association, mediation

ROLES = {
    "x": "fa",
    "x_baseline": "fa0",
    "y": "fma",
    "y_baseline": "fma0",
    "arm": "arm",
    "reference": "control",
}


@pytest.fixture(scope="module")
def data():
    """Simulated: motor change follows imaging change."""
    rng = np.random.default_rng(4)
    n = 44
    arm = np.repeat(["cells", "control"], [31, 13])
    frame = pd.DataFrame(
        {"arm": arm, "fa0": rng.normal(size=n), "fma0": rng.normal(size=n), "age": rng.normal(size=n)}
    )
    frame["fa"] = 0.6 * frame["fa0"] + 0.4 * (arm == "cells") + rng.normal(size=n)
    frame["fma"] = 0.5 * frame["fma0"] + 0.6 * frame["fa"] + 0.3 * (arm == "cells") + rng.normal(size=n)
    return frame


def row(found, method):
    return found.tidy().set_index("method").loc[method]


def test_partial_correlation_is_that_of_the_residuals(data):
    found = change_association(data, **ROLES, covariates=["age"], n_resamples=199)
    formula = "~ arm + fa0 + fma0 + age"
    first, second = (smf.ols(f"{name} {formula}", data).fit().resid for name in ("fa", "fma"))
    ours = row(found, "partial_correlation")
    assert ours["estimate"] == pytest.approx(stats.pearsonr(first, second).statistic, rel=1e-10)
    slope = smf.ols("fma ~ fa + arm + fa0 + fma0 + age", data).fit()
    assert ours["statistic"] == pytest.approx(slope.tvalues["fa"], rel=1e-10)
    assert ours["df"] == slope.df_resid
    half = stats.norm.isf(0.025) / np.sqrt(slope.df_resid + 1 - 2)
    assert ours["conf_low"] == pytest.approx(np.tanh(np.arctanh(ours["estimate"]) - half), rel=1e-10)


def test_changes_and_follow_up_values_say_the_same(data):
    moved = data.assign(dfa=data["fa"] - data["fa0"], dfma=data["fma"] - data["fma0"])
    one = row(change_association(data, **ROLES, n_resamples=99), "partial_correlation")
    formula = "~ arm + fa0 + fma0"
    first, second = (smf.ols(f"{name} {formula}", moved).fit().resid for name in ("dfa", "dfma"))
    assert one["estimate"] == pytest.approx(stats.pearsonr(first, second).statistic, rel=1e-10)


def test_slopes_are_statsmodels_with_hc3(data):
    found = change_association(data, **ROLES, n_resamples=99)
    fit = smf.ols("fma ~ fa + C(arm, Treatment('control')) + fa0 + fma0", data).fit(
        cov_type="HC3", use_t=True
    )
    assert row(found, "change_slope")["estimate"] == pytest.approx(fit.params["fa"], rel=1e-9)
    assert row(found, "change_slope")["std_error"] == pytest.approx(fit.bse["fa"], rel=1e-9)
    both = smf.ols("fma ~ fa * C(arm, Treatment('control')) + fa0 + fma0", data).fit(
        cov_type="HC3", use_t=True
    )
    name = "fa:C(arm, Treatment('control'))[T.cells]"
    ours = row(found, "change_slope_difference")
    assert (ours["estimate"], ours["std_error"], ours["p_value"]) == pytest.approx(
        (both.params[name], both.bse[name], both.pvalues[name]), rel=1e-8
    )
    own = smf.ols("fma ~ fa + fa0 + fma0", data[data["arm"] == "control"]).fit()
    assert found.slopes.set_index("arm").loc["control", "slope"] == pytest.approx(own.params["fa"], rel=1e-9)


def test_permutation_p_is_near_the_t_test_and_keeps_its_level(data):
    strong = row(change_association(data, **ROLES, n_resamples=9999), "partial_correlation")
    t = 2 * stats.t.sf(abs(strong["statistic"]), strong["df"])
    assert strong["p_value"] == pytest.approx(max(t, 1e-4), abs=5e-4)
    weak = data.assign(fma=np.random.default_rng(3).normal(size=44))
    found = row(change_association(weak, **ROLES, n_resamples=9999), "partial_correlation")
    t = 2 * stats.t.sf(abs(found["statistic"]), found["df"])
    # residuals of Gaussian data: four Monte Carlo errors and some room for the approximation
    assert found["p_value"] == pytest.approx(t, abs=0.025)


@pytest.mark.parametrize(
    ("x", "x_baseline", "y", "y_baseline"),
    [("fma0", None, "fma", "fma0"), ("fma", "fma0", "fma0", None), ("fa", "fma0", "fma", "fma0")],
)
def test_a_change_with_its_own_baseline_is_refused(data, x, x_baseline, y, y_baseline):
    with pytest.raises(InputError, match="fma0 stands on both sides") as error:
        change_association(data, x=x, x_baseline=x_baseline, y=y, y_baseline=y_baseline, arm="arm")
    assert "Hope 2019" in str(error.value)
    assert 'coupling="corrected"' in str(error.value)


def test_the_corrected_question_is_pitman_and_morgans(data):
    found = change_association(
        data, x="fma0", y="fma", y_baseline="fma0", arm="arm", reference="control", coupling="corrected"
    )
    ours = row(found, "oldham_correlation")
    within = data[["fma0", "fma"]] - data.groupby("arm")[["fma0", "fma"]].transform("mean")
    s0, s1 = (within[name] @ within[name] for name in ("fma0", "fma"))
    r = within["fma0"] @ within["fma"] / np.sqrt(s0 * s1)
    ratio, df = s1 / s0, 44 - 3
    morgan = (ratio - 1) * np.sqrt(df) / (2 * np.sqrt(ratio * (1 - r**2)))
    assert ours["statistic"] == pytest.approx(morgan, rel=1e-10)
    assert ours["df"] == df
    coupled = row(found, "coupled_correlation")
    assert np.isnan(coupled["p_value"])
    assert "tests nothing" in coupled["reason"]


def test_other_bad_input(data):
    cases = [
        (data, ROLES | {"x": "fma"}, "related to itself"),
        (data.assign(fa=1.0), ROLES, "does not vary"),
        (
            data.assign(twice=2 * data["age"]),
            ROLES | {"covariates": ["age", "twice"]},
            "combinations of others",
        ),
        (data, ROLES | {"coupling": "ignore"}, "use one of: refuse, corrected"),
        (data.groupby("arm").head(4), ROLES | {"covariates": ["age"]}, "too few"),
    ]
    for frame, kwargs, words in cases:
        with pytest.raises(InputError, match=words):
            change_association(frame, **kwargs)


MEDIATED = {
    "outcome": "fma",
    "outcome_baseline": "fma0",
    "mediator": "fa",
    "mediator_baseline": "fa0",
    "arm": "arm",
    "reference": "control",
}


def test_mediation_is_the_product_of_coefficients(data):
    found = mediation(data, **MEDIATED).tidy().set_index("method")
    arm = "C(arm, Treatment('control'))"
    name = f"{arm}[T.cells]"
    a = smf.ols(f"fa ~ {arm} + fa0 + fma0", data).fit().params[name]
    given = smf.ols(f"fma ~ {arm} + fa + fa0 + fma0", data).fit().params
    total = smf.ols(f"fma ~ {arm} + fa0 + fma0", data).fit().params[name]
    assert found.loc["mediation_indirect", "estimate"] == pytest.approx(a * given["fa"], rel=1e-9)
    assert found.loc["mediation_direct", "estimate"] == pytest.approx(given[name], rel=1e-9)
    assert found.loc["mediation_total", "estimate"] == pytest.approx(total, rel=1e-9)
    assert found["reason"].str.startswith("exploratory: hypothesis generating").all()
    assert found["p_value"].isna().all()


def test_mediation_resamples_within_the_arms(data):
    found = mediation(data, **MEDIATED, n_resamples=200, seed=3)
    rng = np.random.default_rng(3)
    counts = np.zeros((200, 44))
    for arm in ("control", "cells"):
        people = np.flatnonzero(data["arm"] == arm)
        counts[:, people] = rng.multinomial(people.size, np.full(people.size, 1 / people.size), size=200)
    totals = [
        smf.wls("fma ~ C(arm, Treatment('control')) + fa0 + fma0", data, weights=own).fit().params.iloc[1]
        for own in counts
    ]
    total = found.tidy().set_index("method").loc["mediation_total"]
    np.testing.assert_allclose(
        [total["conf_low"], total["conf_high"]], np.quantile(totals, [0.025, 0.975]), rtol=1e-8
    )
    with pytest.raises(InputError, match="too few for an interval"):
        mediation(data, **MEDIATED, n_resamples=10)
