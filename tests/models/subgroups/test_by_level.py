from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from neurotrial.errors import InputError
from neurotrial.models import ancova, effect_by_subgroup

FOLDER = Path(__file__).parents[2] / "data" / "subgroups"
ROLES = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control"}
QUANTITIES = ("estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "num_df", "p_value")


@pytest.fixture(scope="module")
def data():
    """Simulated: 38 and 16 participants, three levels of side."""
    return pd.read_csv(FOLDER / "data.csv")


def rows(found, method):
    table = found.table
    return table[table["method"] == method].reset_index(drop=True)


@pytest.mark.parametrize("errors", ["OLS", "HC3"])
def test_numbers_are_those_of_r(data, errors):
    found = effect_by_subgroup(data, by="side", covariates=["age"], errors=errors, **ROLES).table
    wanted = pd.read_csv(FOLDER / "expected.csv").query("model == 'side' and errors == @errors")
    named = found.assign(what=found["level"].where(found["method"] != "interaction", "interaction"))
    ours = named[named["method"] != "overall_effect"].set_index("what")
    assert len(wanted) == 3 * 5 + 4 + 2 * 5
    for row in wanted.to_dict("records"):
        assert ours.loc[row["what"], row["quantity"]] == pytest.approx(row["value"], rel=1e-9), row


def test_overall_effect_is_ancova(data):
    found = effect_by_subgroup(data, by="side", **ROLES)
    alone = ancova(data, **ROLES).tidy().query("method == 'ancova_hc3' and term == 'arm'").iloc[0]
    first = found.tidy().iloc[0]
    for name in ("contrast", "estimate", "std_error", "df", "conf_low", "p_value", "n_per_arm"):
        assert first[name] == alone[name]


def test_two_levels_without_baseline_are_four_means(data):
    two = data[data["side"] != "both"]
    found = effect_by_subgroup(two, by="side", errors="OLS", **{**ROLES, "baseline": None})
    cells = two.groupby(["side", "arm"])["after"].agg(["mean", "size", "var"])
    pooled = ((cells["size"] - 1) * cells["var"]).sum() / (len(two) - 4)
    effects = rows(found, "subgroup_effect").set_index("level")
    errors = {}
    for side in ("left", "right"):
        difference = cells.loc[(side, "cells"), "mean"] - cells.loc[(side, "control"), "mean"]
        errors[side] = pooled * (
            1 / cells.loc[(side, "cells"), "size"] + 1 / cells.loc[(side, "control"), "size"]
        )
        assert effects.loc[side, "estimate"] == pytest.approx(difference, rel=1e-12)
        assert effects.loc[side, "std_error"] == pytest.approx(np.sqrt(errors[side]), rel=1e-12)
    gap = rows(found, "subgroup_difference").iloc[0]
    assert gap["std_error"] == pytest.approx(np.sqrt(sum(errors.values())), rel=1e-12)
    test = rows(found, "interaction").iloc[0]
    assert test["statistic"] == pytest.approx((gap["estimate"] / gap["std_error"]) ** 2, rel=1e-12)
    assert (test["num_df"], test["df"]) == (1, len(two) - 4)


def test_arms_within_levels_are_two_separate_models_with_hc3(data):
    two = data[data["side"] != "both"]
    found = effect_by_subgroup(two, by="side", **{**ROLES, "baseline": None})
    for level, own in two.groupby("side"):
        fit = smf.ols("after ~ C(arm, Treatment('control'))", own).fit(cov_type="HC3")
        row = rows(found, "subgroup_effect").set_index("level").loc[level]
        assert row["estimate"] == pytest.approx(fit.params.iloc[1], rel=1e-12)
        assert row["std_error"] == pytest.approx(fit.bse.iloc[1], rel=1e-10)


def test_order_of_rows_and_names_of_levels_change_nothing_else(data):
    found = effect_by_subgroup(data, by="side", **ROLES)
    other = data.sample(frac=1, random_state=1).assign(
        side=lambda t: t["side"].map({"both": "z", "left": "m", "right": "a"})
    )
    moved = effect_by_subgroup(other, by="side", **ROLES)
    assert rows(moved, "subgroup_effect")["level"].tolist() == ["a", "m", "z"]
    for old, new in {"both": "z", "left": "m", "right": "a"}.items():
        one = rows(found, "subgroup_effect").set_index("level").loc[old]
        two = rows(moved, "subgroup_effect").set_index("level").loc[new]
        assert two["estimate"] == pytest.approx(one["estimate"], rel=1e-9)
        assert two["std_error"] == pytest.approx(one["std_error"], rel=1e-9)
    one, two = (rows(fit, "interaction").iloc[0] for fit in (found, moved))
    assert two["statistic"] == pytest.approx(one["statistic"], rel=1e-8)


def test_a_categorical_column_gives_the_order(data):
    ordered = data.assign(side=pd.Categorical(data["side"], ["right", "left", "both"]))
    found = effect_by_subgroup(ordered, by="side", **ROLES)
    assert rows(found, "subgroup_effect")["level"].tolist() == ["right", "left", "both"]
    assert rows(found, "subgroup_difference")["level"].tolist() == ["left - right", "both - right"]


def test_effects_within_levels_have_no_test(data):
    found = effect_by_subgroup(data, by="side", **ROLES)
    for method in ("subgroup_effect", "subgroup_difference"):
        assert rows(found, method)[["p_value", "statistic"]].isna().all(axis=None)
        assert rows(found, method)["conf_low"].notna().all()
    assert rows(found, "interaction")["p_value"].notna().all()


def test_small_levels_leave_the_model_and_say_so(data):
    found = effect_by_subgroup(data, by="side", fewest=5, **ROLES)
    effects = rows(found, "subgroup_effect").set_index("level")
    assert effects["status"].to_dict() == {"both": "failed", "left": "ok", "right": "failed"}
    assert (
        effects.loc["right", "reason"] == "fewer than 5 participants in an arm (control 4): not in the model"
    )
    assert effects.loc["right", "n_per_arm"] == '{"control": 4, "cells": 14}'
    assert np.isnan(effects.loc["right", "estimate"])
    alone = (
        ancova(data[data["side"] == "left"], **ROLES)
        .tidy()
        .query("method == 'ancova_hc3' and term == 'arm'")
        .iloc[0]
    )
    assert effects.loc["left", "estimate"] == pytest.approx(alone["estimate"], rel=1e-12)
    test = rows(found, "interaction").iloc[0]
    assert (test["status"], test["reason"]) == (
        "failed",
        "fewer than two levels have 5 participants in every arm",
    )
    assert "no interaction test (fewer than two levels" in found.sentence(examined=1)


def test_other_levels_stay_when_one_is_left_out(data):
    found = effect_by_subgroup(data, by="days", cut=[20, 40], **ROLES)
    kept = effect_by_subgroup(data[data["days"] >= 20], by="days", cut=[40], **ROLES)
    assert rows(found, "interaction")["reason"].item() == "without level below 20: too few participants"
    assert rows(found, "interaction")["p_value"].item() == pytest.approx(
        rows(kept, "interaction")["p_value"].item(), rel=1e-10
    )
    assert rows(found, "overall_effect")["n_participants"].item() == len(data)
    assert rows(found, "interaction")["n_participants"].item() == (data["days"] >= 20).sum()


def test_no_level_is_large_enough(data):
    found = effect_by_subgroup(data, by="side", fewest=30, **ROLES)
    assert (found.table["status"] == "failed").sum() == 4
    assert rows(found, "overall_effect")["status"].item() == "ok"


def test_cut_points_begin_their_level(data):
    found = effect_by_subgroup(data, by="days", cut=[30], fewest=2, **ROLES)
    effects = rows(found, "subgroup_effect")
    assert effects["level"].tolist() == ["below 30", "30 or more"]
    assert effects["n_participants"].tolist() == [(data["days"] < 30).sum(), (data["days"] >= 30).sum()]
    assert (data["days"] == 30).any()


def test_baseline_can_be_cut(data):
    found = effect_by_subgroup(data, by="before", cut=[25], **ROLES)
    again = effect_by_subgroup(data.assign(severe=data["before"] < 25), by="severe", **ROLES)
    assert rows(again, "subgroup_effect")["level"].tolist() == ["no", "yes"]
    assert rows(found, "interaction")["statistic"].item() == pytest.approx(
        rows(again, "interaction")["statistic"].item(), rel=1e-9
    )


def test_whoever_misses_the_level_is_counted(data):
    holes = data.assign(side=data["side"].mask(data.index.isin([5, 6])))
    found = effect_by_subgroup(holes, by="side", **ROLES)
    assert found.note == "participants left out: 2 (missing: side in 2)"
    assert rows(found, "overall_effect")["n_participants"].item() == len(data) - 2


def test_three_arms_have_a_test_each(data):
    three = data.assign(
        arm=np.where(data.index % 3 == 0, "sham", data["arm"]), side=np.where(data.index % 2, "left", "right")
    )
    found = effect_by_subgroup(three, by="side", fewest=2, **ROLES)
    tests = rows(found, "interaction").set_index("contrast")
    assert list(tests.index) == ["cells - control", "sham - control"]
    formula = "after ~ before + C(arm, Treatment('control')) * side"
    fit = smf.ols(formula, three).fit(cov_type="HC3", use_t=True)
    for arm in ("cells", "sham"):
        name = f"C(arm, Treatment('control'))[T.{arm}]:side[T.right]"
        assert tests.loc[f"{arm} - control", "p_value"] == pytest.approx(fit.pvalues[name], rel=1e-8)
    assert "their 4 interaction tests" in found.sentence(examined=2)


def test_the_sentence_rests_on_the_interaction(data):
    words = effect_by_subgroup(data, by="side", **ROLES).sentence(
        examined=3, labels={"cells - control": "Stem cells minus Control"}, by="lesion side"
    )
    assert words.startswith("Stem cells minus Control by lesion side: the interaction test (F(2, 47) = ")
    assert (
        "finds no difference beyond chance, which does not show that the effect is the same in all levels."
        in words
    )
    assert "no difference between them" in words
    assert "In all, 3 subgroup analyses were examined; their 3 interaction tests are not adjusted" in words
    assert "0.15 of them would be expected below 0.05 if no effect differed." in words


def test_a_large_interaction_is_said(data):
    two = data[data["side"] != "both"]
    strong = two.assign(after=two["after"] + 60 * ((two["side"] == "left") & (two["arm"] == "cells")))
    words = effect_by_subgroup(strong, by="side", **ROLES).sentence(examined=1)
    assert (
        "rejects at 0.05 that the effect is the same in all levels; effect in right less that in left"
        in words
    )
    assert words.endswith("One subgroup analysis was examined.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"by": "sid"}, "column 'sid': the column is missing"),
        ({"by": "arm"}, "is the outcome or the arm itself"),
        ({"by": "after"}, "is the outcome or the arm itself"),
        ({"by": "age"}, "different numbers, too many for subgroups"),
        ({"by": "days", "cut": [40, 20]}, "do not ascend"),
        ({"by": "days", "cut": [np.nan]}, "do not ascend"),
        ({"by": "days", "cut": [5]}, "two levels or more; found: 5 or more"),
        ({"by": "side", "cut": [5]}, "must hold numbers"),
        ({"by": "side", "fewest": 1}, "1 participants in an arm have no spread"),
        ({"by": "side", "errors": "HC4"}, "is not a standard error known here"),
        ({"by": "side", "conf_level": 95}, "is not between 0 and 1"),
        ({"by": "side", "covariates": ["side"]}, "uses 'side', which the model has already"),
        ({"by": "side", "covariates": ["copy"]}, "linear combinations of the terms before them"),
        ({"by": "side", "covariates": ["open(age)"]}, "calls 'open'"),
        ({"by": "side", "reference": "sham"}, "'sham' is not an arm of the data"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(data, changes, words):
    with pytest.raises(InputError) as error:
        effect_by_subgroup(data.assign(copy=data["side"]), **{**ROLES, **changes})
    assert words in str(error.value)


def test_too_few_participants_for_the_model(data):
    few = pd.concat([own.head(3) for _, own in data[data["side"] != "both"].groupby(["side", "arm"])])
    covariates = [f"x{k}" for k in range(8)]
    wide = few.assign(
        **{name: np.random.default_rng(k).normal(size=len(few)) for k, name in enumerate(covariates)}
    )
    with pytest.raises(InputError, match="12 participants are too few for 13 coefficients"):
        effect_by_subgroup(wide, by="side", covariates=covariates, **ROLES)


def test_an_outcome_without_variation_fails_row_by_row(data):
    found = effect_by_subgroup(data.assign(after=3.0), by="side", **ROLES)
    assert set(found.table["reason"]) == {"the outcome has no residual variation"}
    with pytest.raises(InputError, match="do not hold this one"):
        found.sentence(examined=0)
