"""Effects say what the store says, and judge it by the outcome's direction."""

from __future__ import annotations

import numpy as np
import pytest
from results_fixture import OUTCOMES, changed, make_results, plan

from neurotrial.errors import InputError
from neurotrial.reports.cited import CitedResults

KEY = "primary/fma_total/itt/ancova_hc3/cells-control/day90"


def with_row(key=KEY, **values):
    """Return the fixture with some columns of one estimate replaced."""
    results = make_results()
    frame = results.tables["estimates"].copy()
    for column, value in values.items():
        frame.loc[frame["key"] == key, column] = value
    return CitedResults.of(changed(results, "estimates", frame))


def test_text_names_unit_interval_and_p():
    data = with_row(estimate=8.12, conf_low=2.31, conf_high=13.94, p_value=0.0071)
    assert data.effect(KEY).text == "8.1 points (95 % CI 2.3 to 13.9; p = 0.007)"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"interval_kind": "exact_rank"}, "8.1 points (95 % CI 2.3 to 13.9 by exact rank inversion; p = 0.007)"),
        ({"interval_kind": "hdi", "conf_level": 0.9, "p_value": np.nan, "probability_benefit": 0.987},
         "8.1 points (90 % highest-density credible interval 2.3 to 13.9; probability of benefit 0.987)"),
        ({"interval_kind": "boot_strap"}, "8.1 points (95 % boot strap interval 2.3 to 13.9; p = 0.007)"),
        ({"interval_kind": "none", "conf_low": np.nan, "conf_high": np.nan}, "8.1 points (no interval; p = 0.007)"),
        ({"status": "failed", "reason": "no participants", "estimate": np.nan}, "not estimable (no participants)"),
        ({"estimate": -0.004, "conf_low": -0.02, "conf_high": 0.01}, "0.0 points (95 % CI 0.0 to 0.0; p = 0.007)"),
        ({"unit": "ratio"}, "8.12 (95 % CI 2.31 to 13.94; p = 0.007)"),
    ],
)  # fmt: skip
def test_text_of_other_kinds(values, text):
    base = {"estimate": 8.12, "conf_low": 2.31, "conf_high": 13.94, "p_value": 0.0071}
    assert with_row(**{**base, **values}).effect(KEY).text == text


@pytest.mark.parametrize(
    ("outcome", "estimate", "arm"),
    [("cst_fa", 1.0, "cells"), ("cst_fa", -1.0, "control"), ("mean_diffusivity", 1.0, "control"),
     ("mean_diffusivity", -1.0, "cells"), ("cst_fa", 0.0, ""), ("cst_fa", np.nan, "")],
)  # fmt: skip
def test_favoured_arm_follows_the_direction(outcome, estimate, arm):
    key = f"imaging/{outcome}/imaging/ancova_hc3/cells-control/day90"
    assert with_row(key, estimate=estimate).effect(key).favoured == arm


@pytest.mark.parametrize(
    ("low", "high", "excludes"),
    [(0.1, 1, True), (-1, -0.1, True), (-1, 1, False), (0, 1, False), (np.nan, np.nan, None)],
)
def test_excludes_null(low, high, excludes):
    assert with_row(conf_low=low, conf_high=high).effect(KEY).excludes_null is excludes


def test_comparison_in_labels(data):
    effects = data.effects("primary", "fma_total", "paired_t", "within_arm")
    assert [effect.comparison for effect in effects] == [
        "Day 90 minus Baseline, Control",
        "Day 90 minus Baseline, Stem cells",
    ]
    assert {effect.favoured for effect in effects} == {""}
    assert data.effect(KEY).comparison == "Stem cells minus Control"
    means = data.effects("primary", "fma_total", "ancova_hc3", "lsmean")
    assert [effect.comparison for effect in means] == ["mean, Control", "mean, Stem cells"]
    failed = with_row(contrast="arm", status="failed").effect(KEY)
    assert (failed.comparison, failed.arm, failed.reference) == ("between the arms", "", "")
    assert data.effect(KEY).n_per_arm == {"control": 11, "cells": 23}


def test_reading_is_on_record(data):
    data.effect(KEY)
    assert f"{KEY}#estimate" in data.citations
    assert f"{KEY}#p_value" in data.citations
    assert "flow/randomised/all#n" not in data.citations
    data.n_randomised()
    assert data.citations[-1] == "flow/randomised/all#n"


def test_unknown_key_is_refused(data):
    with pytest.raises(InputError, match="did you mean"):
        data.effect(KEY.replace("fma_total", "fma_totl"))
    assert data.citations == ()


def test_every_outcome_of_the_fixture_is_in_the_plan():
    assert {outcome["name"] for outcome in plan()["outcomes"]} == set(OUTCOMES)
