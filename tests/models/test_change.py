import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurotrial.models import change_score, follow_up_only, within_arm

ROLES = {"outcome": "day90", "baseline": "baseline", "arm": "arm", "reference": "control"}
# both programs use the same closed formula; scipy and this package differ in the order of sums only
EXACT = 1e-12


def split(trial, values):
    return values[trial["arm"] != "control"], values[trial["arm"] == "control"]


@pytest.mark.parametrize(("method", "equal"), [("change_welch", False), ("change_pooled", True)])
def test_change_agrees_with_scipy(trial, method, equal):
    ours = change_score(trial, conf_level=0.9, **ROLES).tidy().set_index("method").loc[method]
    test = stats.ttest_ind(*split(trial, trial["day90"] - trial["baseline"]), equal_var=equal)
    interval = test.confidence_interval(0.9)
    assert ours["statistic"] == pytest.approx(test.statistic, rel=EXACT)
    assert ours["p_value"] == pytest.approx(test.pvalue, rel=EXACT)
    assert ours["df"] == pytest.approx(test.df, rel=EXACT)
    assert [ours["conf_low"], ours["conf_high"]] == pytest.approx([interval.low, interval.high], rel=EXACT)


def test_follow_up_agrees_with_scipy(trial):
    ours = follow_up_only(trial, outcome="day90", arm="arm", reference="control").tidy().iloc[0]
    test = stats.ttest_ind(*split(trial, trial["day90"]), equal_var=False)
    assert (ours["p_value"], ours["contrast"]) == (pytest.approx(test.pvalue, rel=EXACT), "cells - control")


def test_follow_up_takes_the_participants_of_the_baseline_if_asked(trial):
    trial.loc[0, "baseline"] = np.nan
    roles = {"outcome": "day90", "arm": "arm"}
    assert follow_up_only(trial, **roles).tidy()["n_participants"].item() == 44
    assert follow_up_only(trial, baseline="baseline", **roles).tidy()["n_participants"].item() == 43


def test_within_arm_never_comes_without_the_comparison_of_arms(trial):
    rows = within_arm(trial, visit="day90", baseline_visit="baseline", **ROLES).tidy()
    assert rows["contrast"].tolist() == [
        "cells - control",
        "day90 - baseline @ control",
        "day90 - baseline @ cells",
    ]
    assert rows["term"].tolist() == ["arm", "within_arm", "within_arm"]
    assert rows["n_observations"].tolist() == [44, 26, 62]
    assert rows["n_per_arm"].tolist() == ['{"control": 13, "cells": 31}', '{"control": 13}', '{"cells": 31}']
    for arm, row in zip(("control", "cells"), rows.iloc[1:].itertuples(), strict=True):
        own = trial[trial["arm"] == arm]
        assert row.p_value == pytest.approx(stats.ttest_rel(own["day90"], own["baseline"]).pvalue, rel=EXACT)


def test_arms_are_compared_with_the_reference_by_their_own_participants(three_arms):
    rows = change_score(three_arms, **ROLES).tidy().set_index(["method", "contrast"])
    pair = (
        change_score(three_arms[three_arms["arm"] != "high"], **ROLES)
        .tidy()
        .set_index(["method", "contrast"])
    )
    for method in ("change_welch", "change_pooled"):
        pd.testing.assert_series_equal(
            rows.loc[(method, "low - control")], pair.loc[(method, "low - control")]
        )


def test_without_variation_there_is_an_estimate_and_no_test(trial):
    row = change_score(trial.assign(day90=trial["baseline"] + 0.1), **ROLES).tidy().iloc[0]
    assert row["status"] == "failed"
    assert row["estimate"] == pytest.approx(0, abs=1e-12)
    assert np.isnan(row["p_value"])


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3))
def test_units_rows_and_reference_change_nothing_else(make_trial, seed, scale, shift):
    wide = make_trial(seed % 50, {"control": 6, "cells": 8})
    first = within_arm(wide, **ROLES).tidy()
    other = wide.sample(frac=1, random_state=seed).assign(participant_id="other")
    other[["baseline", "day90"]] = other[["baseline", "day90"]] * scale + shift
    second = within_arm(other, **ROLES).tidy()
    swapped = within_arm(wide, **ROLES | {"reference": "cells"}).tidy()
    # a shift of 1000 against a spread of 0.01 costs about five of sixteen digits
    np.testing.assert_allclose(second["estimate"], first["estimate"] * scale, rtol=1e-8, atol=1e-8 * scale)
    np.testing.assert_allclose(second["p_value"], first["p_value"], rtol=1e-6)
    assert swapped["estimate"].iloc[0] == pytest.approx(-first["estimate"].iloc[0], rel=EXACT)
