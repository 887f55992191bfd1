import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurotrial.errors import InputError
from neurotrial.method_names import METHODS
from neurotrial.models import ancova, compare_estimators, improvement_ratio
from neurotrial.models.compare import estimate_methods
from neurotrial.models.tidy import TIDY_COLUMNS

LONG = {
    "outcome": "score",
    "arm": "arm",
    "visit": "visit",
    "subject": "participant_id",
    "reference": "control",
}
COLUMNS = [
    "method",
    "term",
    "contrast",
    "visit",
    "estimate",
    "std_error",
    "df",
    "statistic",
    "conf_low",
    "conf_high",
    "conf_level",
    "interval_kind",
    "p_value",
    "probability_benefit",
    "probability_mcid",
    "probability_rope",
    "n_participants",
    "n_per_arm",
    "n_observations",
    "status",
    "reason",
]

SHOWN = ("ancova", "clda", "change_score", "follow_up", "improvement_ratio", "share_of_potential")


def methods_of(wide, methods, **more):
    frame = wide.rename(columns={"day90": "follow_up"})
    return estimate_methods(
        frame, methods=methods, arm_order=["control", "cells"], reference="control", **more
    )


def test_every_estimator_stands_in_one_table(trial, long_form):
    result = compare_estimators(long_form(trial), maximum=66, n_resamples=199, **LONG)
    rows = result.tidy()
    assert list(rows.columns) == COLUMNS == list(TIDY_COLUMNS)
    expected = [slug for name in SHOWN for slug in METHODS[name]]
    assert rows.loc[rows["term"] == "arm", "method"].tolist() == expected
    assert set(rows["contrast"]) == {"cells - control", "mean @ control", "mean @ cells"}
    assert set(rows["visit"]) == {"day90"}
    assert rows["n_per_arm"].unique().tolist() == ['{"control": 13, "cells": 31}']


def test_rows_are_those_of_the_single_estimators(trial, long_form):
    rows = compare_estimators(long_form(trial), covariates=["age"], n_resamples=199, **LONG).tidy()
    alone = ancova(
        trial, outcome="day90", baseline="baseline", arm="arm", covariates=["age"], reference="control"
    )
    ours = rows[rows["method"].str.startswith("ancova")].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours.drop(columns="visit"), alone.tidy().drop(columns="visit"))
    assert "ratio_potential_welch" not in set(rows["method"])


def test_baseline_means_and_losses_are_of_the_same_participants(trial, long_form):
    long = long_form(trial)
    lost = long[(long["participant_id"] != "sub-002") | (long["visit"] != "baseline")]
    result = compare_estimators(lost, n_resamples=99, **LONG)
    kept = trial[trial["participant_id"] != "sub-002"]
    assert result.baseline_means == pytest.approx(kept.groupby("arm")["baseline"].mean().to_dict(), rel=1e-14)
    assert result.note == "participants left out: 1 (missing: baseline in 1)"
    rows = result.tidy()
    # the mixed model keeps who has one value of the two
    assert rows.groupby(rows["method"] == "clda")["n_participants"].unique().map(list).to_dict() == {
        False: [43],
        True: [44],
    }


def test_one_method_that_cannot_be_computed_leaves_the_others(trial):
    rows = methods_of(trial.assign(baseline=30.0), ["ancova", "change_score"]).set_index("method")
    assert rows.loc["ancova_ols", "status"] == rows.loc["ancova_hc3", "status"] == "failed"
    assert "30 in all 44" in rows.loc["ancova_hc3", "reason"]
    assert rows.loc["change_welch", "status"] == "ok"


def test_rows_that_two_methods_share_come_once(trial):
    rows = methods_of(trial, ["within_arm", "change_score"], follow_up="day90", baseline_visit="baseline")
    assert rows["method"].tolist() == ["change_welch", "paired_t", "paired_t"]
    assert rows["contrast"].tolist()[1:] == ["day90 - baseline @ control", "day90 - baseline @ cells"]


def test_a_seed_gives_one_result_whatever_else_is_asked(trial):
    root = np.random.SeedSequence([3, 7])
    both = methods_of(trial, ["improvement_ratio", "share_of_potential"], maximum=66, seed=root)
    again = methods_of(trial, ["share_of_potential", "improvement_ratio"], maximum=66, seed=root)
    pd.testing.assert_frame_equal(
        both.sort_values("method", ignore_index=True), again.sort_values("method", ignore_index=True)
    )
    assert root.n_children_spawned == 0


def test_unknown_methods_terms_and_directions_are_refused(trial, long_form):
    with pytest.raises(InputError) as caught:
        methods_of(trial, ["ancova", "anova"], covariates=["age", "eval(age)"])
    assert [problem.where for problem in caught.value.problems] == ["covariate 'eval(age)'", "methods"]
    with pytest.raises(InputError, match="direction"):
        compare_estimators(long_form(trial), direction="up", **LONG)


def test_three_arms_have_two_contrasts_and_two_sentences(three_arms, long_form):
    result = compare_estimators(long_form(three_arms), n_resamples=99, **LONG)
    between = result.tidy().query("term == 'arm'")
    assert between.groupby("method")["contrast"].agg(list).map(tuple).unique().tolist() == [
        ("high - control", "low - control")
    ]
    assert result.agreement.count(" - control: ") == 2


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000))
def test_order_of_rows_and_names_of_participants_change_nothing(make_trial, long_form, seed):
    long = long_form(make_trial(seed % 40, {"control": 5, "cells": 6}))
    other = long.sample(frac=1, random_state=seed)
    other["participant_id"] = other["participant_id"].map(lambda name: name[::-1])
    first, second = (
        compare_estimators(table, maximum=66, n_resamples=500, **LONG) for table in (long, other)
    )
    # the order of sums moves the last digits
    pd.testing.assert_frame_equal(first.tidy(), second.tidy(), rtol=1e-9, atol=1e-12)


def test_baseline_imbalance_alone_moves_the_ratio_and_not_the_adjusted_difference(make_trial):
    """No effect, arms 14 points apart at baseline: the ratio says otherwise, ANCOVA does not."""
    wide = make_trial(11, {"control": 150, "cells": 150}, effect=0.0, shift=14.0, slope=0.5, spread=8.0)
    roles = {"outcome": "day90", "baseline": "baseline", "arm": "arm", "reference": "control"}
    adjusted = ancova(wide, **roles).tidy().iloc[0]
    ratio = improvement_ratio(wide, n_resamples=999, **roles).tidy().iloc[0]
    assert adjusted["conf_low"] < 0 < adjusted["conf_high"]
    assert ratio["conf_high"] < 0
