"""Specifications against the functions that a user would call for each alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multiverse_study import DECISIONS, MODELS, decision, study, tables

from neurotrial.errors import InputError
from neurotrial.models import multiverse
from neurotrial.models.specifications.engine import multiverse_warnings
from neurotrial.models.specifications.participants import people_of
from neurotrial.models.specifications.standalone import alone
from neurotrial.specifications import specifications_of

NUMBERS = ["estimate", "std_error", "df", "conf_low", "conf_high", "p_value", "n_participants"]


@pytest.fixture(scope="module")
def fitted():
    return multiverse(study(), tables(), n_resamples=199, seed=1)


def test_each_linear_specification_is_what_its_own_function_gives(fitted):
    rows = fitted.tidy()
    assert len(rows) == 2 * 2 * 2 * 2 * (3 * 3 + 3)
    assert rows["joint"].all()
    people = people_of(fitted.study, tables(), fitted.specifications, "day90")
    for one, row in zip(fitted.specifications, rows.to_dict("records"), strict=True):
        reference = alone(people, one)
        found = [row[name] for name in NUMBERS]
        # both are solutions of the same least squares by other factorisations: rounding only
        assert found == pytest.approx([float(reference[name]) for name in NUMBERS], rel=1e-8, abs=1e-12), (
            one.options
        )
        assert row["n_per_arm"] == reference["n_per_arm"]


def test_the_statistics_under_other_labels_are_those_of_a_refit_with_these_labels():
    plan, given = study(DECISIONS[4:]), tables()
    fitted = multiverse(plan, given, n_resamples=99, seed=5)
    rng = np.random.default_rng(0)
    arms = given["participants"].groupby("block")["arm"].transform(lambda x: rng.permutation(x.to_numpy()))
    relabelled = given | {"participants": given["participants"].assign(arm=arms)}
    treated = (arms == "cells").to_numpy()[None]
    again = multiverse(plan, relabelled, n_resamples=99, seed=5).tidy()
    for number, linear in fitted.linear.items():
        tests = linear.cell.tests(treated)
        row = again.loc[number]
        assert [tests.estimate[0], tests.std_error[0], tests.p_value[0]] == pytest.approx(
            [row["estimate"], row["std_error"], row["p_value"]], rel=1e-9
        )


def test_the_joint_statistics_are_those_of_the_table(fitted):
    rows, joint = fitted.tidy(), fitted.joint_test().set_index("statistic")
    assert joint.loc["median", "observed"] == pytest.approx(rows["estimate_sd"].median(), rel=1e-12)
    significant = rows["p_value"] < 0.05
    above = rows["estimate"] > 0
    larger = max((significant & above).mean(), (significant & ~above).mean())
    assert joint.loc["share", "observed"] == pytest.approx(larger, abs=1e-12)
    from scipy import stats

    z = np.sign(rows["estimate"]) * stats.norm.isf(rows["p_value"] / 2)
    assert joint.loc["stouffer", "observed"] == pytest.approx(z.sum() / np.sqrt(len(z)), rel=1e-9)
    assert joint["scheme"].unique().tolist() == ["labels redrawn within blocks"]
    assert (joint["n_labellings"] == 199).all()


def test_an_effect_on_everybody_is_found_and_none_is_not():
    strong = multiverse(study(DECISIONS[4:]), tables(effect=0.05), n_resamples=999).joint_test()
    assert (strong["p_value"] <= 0.01).all()
    none = multiverse(study(DECISIONS[4:]), tables(seed=8), n_resamples=999).joint_test()
    assert (none["p_value"] > 0.05).all()


def test_a_lower_value_that_is_better_turns_the_sign():
    plan = study(DECISIONS[4:])
    outcome = plan.outcomes[0].model_copy(update={"direction": "lower_is_better"})
    turned = multiverse(plan.model_copy(update={"outcomes": [outcome]}), tables(), n_resamples=99).tidy()
    plain = multiverse(plan, tables(), n_resamples=99).tidy()
    np.testing.assert_allclose(turned["estimate_sd"], -plain["estimate_sd"])
    np.testing.assert_allclose(turned["conf_low_sd"], -plain["conf_high_sd"])


def test_models_that_are_not_linear_are_rows_but_not_tested_jointly():
    models = {"ANCOVA": "ancova_ols", "MM": "mm_regression", "median": "median_regression", "cLDA": "clda"}
    decisions = [
        decision("model", "model", {**models, "mixed": "mmrm_group_time"}),
        decision("missing", "missing", {"complete": "complete", "MAR": "mar", "J2R": "j2r"}),
    ]
    fitted = multiverse(study(decisions), tables(missing=4), n_resamples=99)
    rows = fitted.tidy().set_index(["model", "missing"])
    assert rows["status"].eq("ok").all()
    assert rows["joint"].sum() == 1
    assert set(rows["method"]) == {
        "ancova_ols", "mm_regression", "median_regression", "clda", "mmrm_group_time", "impute_mar_cm", "impute_j2r_cm",
    }  # fmt: skip
    assert rows.loc[("ANCOVA", "MAR"), "n_participants"] == 42
    assert fitted.left_out == {
        f"rules for missing outcomes go with ANCOVA, not with {model}": 2
        for model in ("mm_regression", "median_regression", "clda", "mmrm_group_time")
    }


def test_a_run_that_was_interrupted_goes_on(tmp_path: Path):
    decisions = [decision("model", "model", {"ANCOVA": "ancova_ols", "MM": "mm_regression"})]
    first = multiverse(study(decisions), tables(), n_resamples=99, folder=tmp_path)
    (shard,) = (tmp_path / "shards").iterdir()
    written = (shard / "shard.json").stat().st_mtime_ns
    second = multiverse(study(decisions), tables(), n_resamples=99, folder=tmp_path)
    assert (shard / "shard.json").stat().st_mtime_ns == written
    pd.testing.assert_frame_equal(first.tidy(), second.tidy())
    multiverse(study(decisions), tables(seed=4), n_resamples=99, folder=tmp_path)
    assert (shard / "shard.json").stat().st_mtime_ns != written


def test_a_specification_with_too_few_participants_is_told_before_and_is_a_row_with_its_reason():
    given = tables()
    few = pd.array(given["participants"]["arm"].eq("cells") | (np.arange(42) == 1), dtype="boolean")
    given["participants"]["per_protocol"] = few
    plan = study([DECISIONS[1], DECISIONS[4]])
    (warning,) = multiverse_warnings(plan, given)
    assert warning.rule.startswith("6 of 12 specifications cannot be fitted: participants: arm 'control' has")
    assert warning.rows[0] == "population: treated as planned, model: ANCOVA HC3"
    rows = multiverse(plan, given, n_resamples=99).tidy()
    lost = rows[rows["population"] == "treated as planned"]
    assert lost["status"].eq("failed").all()
    assert lost["reason"].str.contains("of the 2 participants that it needs").all()


def test_the_reference_must_be_possible():
    plan = study([decision("scale", "transformation", {"log": "log", "FA": "identity"})])
    given = tables()
    given["features"].loc[0, "value"] = -0.1
    with pytest.raises(InputError, match="reference") as caught:
        multiverse(plan, given)
    assert "log needs values above 0" in caught.value.problems[0].rule


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ([decision("a", "source", {"x": {"statistic": "mean"}, "y": {"region": "cst"}})], "no column region"),
        (
            [decision("a", "source", {"x": {"statistic": "mean"}, "y": {"statistic": "mode"}})],
            "no row of the table",
        ),
        (
            [decision("a", "exclusion", {"x": None, "y": {"measure": "tsnr", "below": 3}})],
            "names it, and it is missing",
        ),
        ([decision("a", "exclusion", {"x": None, "y": {"flag": "smoker"}})], "names it, and it is missing"),
    ],
)
def test_what_the_tables_lack_is_told_before_anything_runs(decisions, message):
    with pytest.raises(InputError) as caught:
        multiverse(study(decisions), tables())
    assert message in caught.value.problems[0].rule


def test_too_few_labellings_and_no_multiverse_are_refused():
    with pytest.raises(InputError, match="too few"):
        multiverse(study(), tables(), n_resamples=20)
    with pytest.raises(InputError, match="is not declared"):
        multiverse(study().model_copy(update={"multiverse": None}), tables())


def test_specifications_are_numbered_and_one_is_the_reference():
    chosen = specifications_of(study(reference={"model": "change", "statistic": "median"}))
    (reference,) = (one for one in chosen.admitted if one.reference)
    assert reference.options["model"] == "change"
    assert reference.options["statistic"] == "median"
    assert [one.number for one in chosen.admitted] == list(range(len(chosen.admitted)))
    assert chosen.left_out == {
        f"{name} takes no covariates": 32 for name in ("change_welch", "change_pooled", "follow_up_welch")
    }
    assert len(MODELS) == 6


def test_the_curve_is_drawn_with_every_decision(fitted):
    figure = fitted.plot()
    assert [axis.get_title(loc="left") for axis in figure.axes[1:-1]] == list(fitted.decisions)
    assert figure.axes[0].collections[1].get_offsets().shape == (len(fitted.tidy()), 2)


@pytest.mark.slow
def test_the_joint_tests_keep_their_level_under_the_sharp_null():
    from scipy import stats

    linear = {name: slug for name, slug in MODELS.items() if slug != "mmrm_group_time"}
    plan, n = study([DECISIONS[0], DECISIONS[2], decision("model", "model", linear), DECISIONS[5]]), 600
    p = np.array(
        [
            multiverse(plan, tables(seed=seed, missing=3), n_resamples=199, seed=seed).joint_test()["p_value"]
            for seed in range(n)
        ]
    )
    # with 199 labellings p <= 0.05 has probability 10 / 200 exactly, less where labellings tie
    low, high = stats.binom.interval(0.999, n, 0.05)
    counts = (p <= 0.05).sum(axis=0)
    assert (counts >= low).all(), counts
    assert (counts <= high).all(), counts
