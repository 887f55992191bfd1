"""Predictive checks count replicates by arm and column, over those who have a value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evidence_fixture import normal_model

from neurotrial.models.bayes.model import Observed
from neurotrial.models.bayes_evidence.predictive import check_frame, checks, predictive_checks

REPLICATES = np.array([[0.0, 2.0], [1.0, 3.0], [4.0, 8.0], [2.0, 2.0]])


def one_arm(values, bounds):
    n = len(values)
    return Observed(np.array(values)[:, None], ("day90",), ("",) * n, ("cells",) * n, (bounds,))


def test_checks_count_replicates_above_what_was_observed():
    found = {
        check.statistic: check
        for check in checks(REPLICATES[..., None], one_arm([1.0, 3.0], (0.5, 4.0)), "prior")
    }
    assert list(found) == ["value", "mean", "sd", "minimum", "maximum"]
    # means 1, 2, 6, 2 against 2: one above, two the same
    assert found["mean"].probability == pytest.approx(0.5)
    assert found["minimum"].probability == pytest.approx((2 + 0.5) / 4)
    assert found["value"].outside == pytest.approx(2 / 8)
    assert np.isnan(found["mean"].outside)
    assert found["value"].quantiles[2] == pytest.approx(2.0)
    assert np.isnan(found["value"].observed)


def test_who_has_no_value_is_not_counted():
    replicates = np.dstack([np.insert(REPLICATES, 1, np.nan, axis=1)])
    missing = list(checks(replicates, one_arm([1.0, np.nan, 3.0], None), "posterior"))
    full = list(checks(REPLICATES[..., None], one_arm([1.0, 3.0], None), "posterior"))
    assert check_frame(tuple(missing)).equals(check_frame(tuple(full)))
    assert not list(checks(replicates[:, :2], one_arm([1.0, np.nan], None), "posterior"))


def test_each_arm_and_column_of_a_model():
    model = normal_model()
    drawn = model.exact_draws(np.random.default_rng(1), 1000)
    frame = check_frame(predictive_checks(model, drawn, "posterior", np.random.default_rng(2)))
    assert len(frame) == 2 * 2 * 5
    counts = frame.drop_duplicates(["column", "arm"]).set_index(["column", "arm"])["n"]
    # participants 3 (control) and 7 (cells) lack one visit each
    assert counts.to_dict() == {
        ("baseline", "control"): 15,
        ("baseline", "cells"): 28,
        ("day90", "control"): 14,
        ("day90", "cells"): 29,
    }
    assert frame["probability"].dropna().between(0.01, 0.99).all()
    assert frame.query("column == 'day90'")["outside"].isna().all()  # no declared range


def test_replicates_of_a_model_that_is_too_wide_miss_the_spread():
    model = replace(normal_model(), scale=2)
    drawn = model.exact_draws(np.random.default_rng(1), 1000)
    found = predictive_checks(model, drawn, "posterior", np.random.default_rng(2))
    assert all(check.probability > 0.99 for check in found if check.statistic == "sd")
