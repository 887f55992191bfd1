import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models import improvement_ratio, permutation_test, rank_test

ROLES = {"outcome": "day90", "baseline": "baseline", "arm": "arm", "reference": "control"}


def ratios(trial, maximum=None):
    below = trial["baseline"] if maximum is None else maximum - trial["baseline"]
    values = (trial["day90"] - trial["baseline"]) / below
    treated = trial["arm"] != "control"
    return values[treated].to_numpy(), values[~treated].to_numpy()


@pytest.mark.parametrize(("definition", "maximum"), [("baseline", None), ("potential", 66)])
def test_three_tests_of_the_ratio(trial, definition, maximum):
    result = improvement_ratio(trial, definition=definition, maximum=maximum, seed=3, **ROLES)
    rows = result.tidy().set_index("method")
    treated, control = ratios(trial, maximum)
    welch = rows.loc[f"ratio_{definition}_welch"]
    # the same closed formula in another order of sums
    assert welch["p_value"] == pytest.approx(
        stats.ttest_ind(treated, control, equal_var=False).pvalue, rel=1e-12
    )
    ranks = rows.loc[f"ratio_{definition}_mann_whitney"]
    expected = rank_test(treated, control)
    assert (ranks["p_value"], ranks["estimate"]) == (expected.p_value, expected.hodges_lehmann)
    assert (ranks["conf_low"], ranks["interval_kind"]) == (expected.conf_low, "exact_rank")
    permuted = rows.loc[f"ratio_{definition}_permutation"]
    assert permuted["p_value"] == permutation_test(treated, control, seed=3).p_value
    assert permuted["interval_kind"] == "none"
    assert "10000 relabellings" in permuted["reason"]


def test_summaries_describe_each_arm(trial):
    summaries = improvement_ratio(trial, **ROLES).summaries.set_index("arm")
    treated, control = ratios(trial)
    for arm, values in (("cells", treated), ("control", control)):
        assert summaries.loc[arm, "mean"] == pytest.approx(values.mean(), rel=1e-14)
        assert summaries.loc[arm, "median"] == pytest.approx(np.median(values), rel=1e-14)
        assert summaries.loc[arm, "sd"] == pytest.approx(values.std(ddof=1), rel=1e-14)
        assert summaries.loc[arm, "n"] == values.size


def test_undefined_ratios_are_left_out_counted_and_said(trial):
    trial.loc[[0, 20, 21], "baseline"] = 0.0
    result = improvement_ratio(trial, **ROLES)
    assert dict(zip(result.summaries["arm"], result.summaries["n_undefined"], strict=True)) == {
        "control": 1,
        "cells": 2,
    }
    rows = result.tidy()
    assert rows["n_per_arm"].unique().tolist() == ['{"control": 12, "cells": 29}']
    assert rows["reason"].str.contains(r"undefined ratios left out: 3 \(control 1, cells 2\)").all()
    assert "the population is not the one analysed" in result.note


def test_floored_denominators_keep_everyone(trial):
    trial.loc[[0, 20], "baseline"] = 0.0
    result = improvement_ratio(trial, undefined="floor", **ROLES)
    rows = result.tidy()
    assert rows["method"].str.endswith("_floor").all()
    assert rows["n_participants"].tolist() == [44] * 3
    assert result.note == "denominators raised to 1: 2 (control 1, cells 1)"
    by_hand = trial.assign(below=trial["baseline"].clip(lower=1))
    values = (by_hand["day90"] - by_hand["baseline"]) / by_hand["below"]
    means = values.groupby(by_hand["arm"]).mean()
    assert rows["estimate"].iloc[0] == pytest.approx(means["cells"] - means["control"], rel=1e-12)


def test_share_of_potential_is_undefined_at_the_maximum(trial):
    trial.loc[4, ["baseline", "day90"]] = 66.0
    result = improvement_ratio(trial, definition="potential", maximum=66, **ROLES)
    assert result.summaries["n_undefined"].tolist() == [1, 0]


def test_an_arm_without_defined_ratios_fails_by_row(trial):
    trial.loc[trial["arm"] == "control", "baseline"] = 0.0
    rows = improvement_ratio(trial, **ROLES).tidy()
    assert set(rows["status"]) == {"failed"}
    assert rows["reason"].str.startswith("fewer than 2 participants").all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"definition": "potential"}, "highest possible value"),
        ({"definition": "potential", "maximum": 40}, "exceeds the maximum 40"),
        ({"definition": "gain", "undefined": "drop"}, "2 problems"),
        ({"conf_level": 95}, "not between 0 and 1"),
    ],
)
def test_choices_that_cannot_be_are_refused(trial, changes, message):
    with pytest.raises(InputError, match=message):
        improvement_ratio(trial, **ROLES, **changes)


def test_negative_baselines_are_refused_with_their_rows(trial):
    trial.loc[2, "baseline"] = -0.5
    with pytest.raises(InputError, match=r"needs values of 0 or more\n    row 2: .*baseline=-0.5"):
        improvement_ratio(trial, **ROLES)


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-2, 1e2))
def test_units_rows_and_reference_change_nothing_else(make_trial, seed, scale):
    wide = make_trial(seed % 30, {"control": 5, "cells": 6})
    first = improvement_ratio(wide, **ROLES).tidy()
    other = wide.sample(frac=1, random_state=seed).assign(participant_id="other")
    other[["baseline", "day90"]] = other[["baseline", "day90"]] * scale
    second = improvement_ratio(other, **ROLES).tidy()
    swapped = improvement_ratio(wide, **ROLES | {"reference": "cells"}).tidy()
    # 11 participants have 462 relabellings: all are counted, so no test depends on a seed
    np.testing.assert_allclose(second["p_value"], first["p_value"], rtol=1e-9)
    np.testing.assert_allclose(second["estimate"], first["estimate"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(swapped["estimate"], -first["estimate"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(swapped["p_value"], first["p_value"], rtol=1e-9)
