"""Each variation is the stand-alone analysis; what it changes is told by rule; what cannot be computed says why."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.models import (
    ancova,
    change_score,
    follow_up_only,
    impute,
    leave_one_out,
    rank_comparison,
    robust_regression,
    selection_weights,
    standard_sensitivity,
    tipping_point,
)
from neurotrial.models.sensitivity_variations.conclusion import changed
from neurotrial.results import RESULT_TABLES
from neurotrial.table_checks import check_table

ROLES = {"outcome": "follow_up", "arm": "arm", "reference": "control"}
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "p_value")


def same(row, theirs, method):
    """Hold a row of the set against the row of a method of a stand-alone analysis."""
    (alone,) = theirs[(theirs["method"] == method) & (theirs["term"] == "arm")].to_dict("records")
    for name in NUMBERS:
        assert row[name] == pytest.approx(alone[name], rel=1e-10, nan_ok=True), name
    assert json.loads(row["n_per_arm"]) == json.loads(alone["n_per_arm"])


def test_the_table_keeps_its_contract_and_no_variation_is_without_number_or_reason(found):
    table = found.reset_index(drop=True)
    assert list(check_table(table, RESULT_TABLES["sensitivity"], "sensitivity")[1]) == []
    without = table["estimate"].isna()
    assert (table.loc[without, "reason"].str.len() > 0).all()
    assert set(table.loc[without, "status"]) == {"not_applicable"}
    assert set(table.loc[without, "conclusion"]) == {"not_estimable"}
    assert (table["status"] != "failed").all()


@pytest.mark.parametrize("name", ["primary/fma_total", "imaging/fa_cst", "imaging/density"])
def test_populations_models_and_covariates_are_the_stand_alone_analyses(found, members, name):
    wide = members(name)
    main = ancova(wide, baseline="baseline", **ROLES).tidy()
    same(found.loc[f"{name}/main"], main, "ancova_hc3")
    for population in ("per_protocol", "randomised"):
        own = ancova(members(name, population), baseline="baseline", **ROLES).tidy()
        row = found.loc[f"{name}/population_{population}"]
        same(row, own, "ancova_hc3")
        assert row["population"] == population
    same(
        found.loc[f"{name}/robust"],
        robust_regression(wide, baseline="baseline", **ROLES).tidy(),
        "mm_regression",
    )
    same(
        found.loc[f"{name}/ranks"], rank_comparison(wide, baseline="baseline", **ROLES).tidy(), "mann_whitney"
    )
    same(found.loc[f"{name}/unadjusted"], follow_up_only(wide, **ROLES).tidy(), "follow_up_welch")
    same(
        found.loc[f"{name}/change_score"],
        change_score(wide, baseline="baseline", **ROLES).tidy(),
        "change_welch",
    )


def test_covariates_of_another_analysis_of_the_outcome_are_tried(found, members):
    terms = ["days_stroke_to_baseline", "log(lesion_volume_ml)"]
    alone = ancova(members("primary/fma_total"), baseline="baseline", covariates=terms, **ROLES).tidy()
    row = found.loc["primary/fma_total/covariates_adjusted"]
    same(row, alone, "ancova_hc3")
    assert "lesion" in row["description"]
    nothing = found.loc["imaging/fa_cst/covariates"]
    assert nothing["reason"] == "no analysis of this outcome names covariates"


def test_single_participants_are_those_of_leave_one_out(found, members):
    wide = members("primary/fma_total").set_index("participant_id")
    alone = leave_one_out(wide, baseline="baseline", **ROLES).tidy()
    for name, at in (("lowest", alone["estimate"].idxmin()), ("highest", alone["estimate"].idxmax())):
        row, theirs = found.loc[f"primary/fma_total/without_{name}"], alone.loc[at]
        for column in (*NUMBERS, "change_in_se"):
            assert row[column] == pytest.approx(theirs[column], rel=1e-10)
        assert theirs["participant"] in row["description"]
        assert sum(json.loads(row["n_per_arm"]).values()) == len(alone) - 1
        assert f"without {alone['turned'].sum()} of {len(alone)}" in row["reason"]
    own = found[found.index.str.startswith("primary/fma_total/without")]
    assert (own["conclusion"] == "significance").any() == alone["turned"].any()


@pytest.mark.parametrize("name", ["fma_total", "fa_cst"])
@pytest.mark.parametrize("strategy", ["MAR", "J2R"])
def test_imputation_is_over_all_randomised(found, study_data, name, strategy):
    _, tables, data = study_data
    long = data.outcomes[data.outcomes["outcome"] == name]
    typed = long.assign(visit=pd.Categorical(long["visit"], ["baseline", "day90"], ordered=True))
    alone = impute(
        typed, outcome="value", subject="participant_id", visit="visit", arm="arm", strategy=strategy,
        reference="control", baseline_visit="baseline", method="conditional-mean",
    ).tidy()  # fmt: skip
    analysis = "primary" if name == "fma_total" else "imaging"
    row = found.loc[f"{analysis}/{name}/impute_{strategy.lower()}_cm"]
    same(row, alone, f"impute_{strategy.lower()}_cm")
    assert sum(json.loads(row["n_per_arm"]).values()) == len(tables["participants"])
    assert found.loc[f"{analysis}/{name}/impute_{strategy.lower()}_bayes", "std_error"] > 0


def test_the_tipping_point_is_where_p_is_the_level(found, study_data):
    _, _, data = study_data
    rows = found[found["group"] == "tipping"]
    assert len(rows) >= 3
    tipped = rows[rows["delta"].notna()]
    assert not tipped.empty
    for _, row in tipped.iterrows():
        long = data.outcomes[data.outcomes["outcome"] == row["outcome"]]
        typed = long.assign(visit=pd.Categorical(long["visit"], ["baseline", "day90"], ordered=True))
        alone = tipping_point(
            typed, outcome="value", subject="participant_id", visit="visit", arm="arm", reference="control",
            baseline_visit="baseline", deltas=[row["delta"]], deltas_reference=[0.0],
        ).tidy().iloc[0]  # fmt: skip
        assert row["p_value"] == pytest.approx(0.05, rel=1e-6)
        for column in NUMBERS:
            assert row[column] == pytest.approx(alone[column], rel=1e-10)
        assert row["conclusion"] == "significance"
    still = rows[rows["delta"].isna()]
    assert (still["conclusion"] == "same").all()


def test_weights_take_declared_predictors_else_the_baseline(found, study_data, members):
    _, tables, data = study_data
    for name, predictors in (("primary/fma_total", ["first"]), ("imaging/fa_cst", ["age", "nihss"])):
        outcome = name.split("/")[1]
        people = tables["participants"].reset_index(drop=True)
        wide = members(name).set_index("participant_id").reindex(people["participant_id"])
        rows = data.outcomes[(data.outcomes["outcome"] == outcome) & (data.outcomes["visit"] == "baseline")]
        first = rows.set_index("participant_id")["value"].reindex(people["participant_id"])
        table = people.assign(
            follow_up=wide["follow_up"].to_numpy(),
            baseline=wide["baseline"].to_numpy(),
            first=first.to_numpy(),
        )
        alone = selection_weights(
            table, baseline="baseline", predictors=predictors, n_resamples=0, **ROLES
        ).tidy()
        row = found.loc[f"{name}/selection_weights"]
        same(row, alone, "ipw_stacked")
        assert ("age, nihss" in row["description"]) == (outcome == "fa_cst")


def test_imaging_outcomes_are_measured_otherwise(found, study_data, members):
    _, tables, _ = study_data
    features = tables["features"]
    fa = features[features["feature"].eq("fa") & features["region"].eq("cst")]
    median = fa[fa["statistic"].eq("median")]
    exclude = fa[fa["lesion_policy"].eq("exclude") & fa["side"].eq("ipsilesional")]
    density = features[features["feature"].eq("density") & features["threshold"].eq(0.1)]
    for name, rows in (
        ("imaging/fa_cst/statistic_median", median),
        ("imaging/fa_cst/lesion_exclude", exclude),
        ("imaging/density/threshold_0.1", density),
    ):
        wide = members(name.rpartition("/")[0]).copy()
        values = rows[rows["status"].isin(["ok", "flagged"])].pivot_table(
            index="participant_id", columns="visit", values="value"
        )
        decided = tables["decisions"]
        lost = decided[~decided["include"].astype(bool) & decided["modality"].eq(rows["modality"].iloc[0])]
        for who, visit in lost[["participant_id", "visit"]].itertuples(index=False):
            values.loc[who, visit] = np.nan
        wide["follow_up"] = wide["participant_id"].map(values["day90"]).to_numpy(dtype="float64")
        wide["baseline"] = wide["participant_id"].map(values["baseline"]).to_numpy(dtype="float64")
        same(found.loc[name], ancova(wide, baseline="baseline", **ROLES).tidy(), "ancova_hc3")
    assert found.loc["imaging/fa_cst/statistic_sd", "status"] == "not_applicable"
    assert found.loc["imaging/fa_cst/threshold", "reason"] == "the measure has no threshold"
    assert "no other lesion policy" in found.loc["imaging/density/lesion", "reason"]
    assert not found.index.str.startswith("primary/fma_total/statistic").any()


def test_an_asymmetry_that_falls_is_no_change_of_direction(found):
    main, row = found.loc["imaging/fa_cst/main"], found.loc["imaging/fa_cst/statistic_asymmetry"]
    assert main["estimate"] * row["estimate"] < 0
    assert row["conclusion"] != "direction"
    assert row["unit"] == "index"
    assert np.isnan(row["change_in_se"])


def test_motion_leaves_flagged_participants_out(found, members, flagged):
    wide = members("imaging/density")
    kept = wide[~wide["participant_id"].isin(flagged)]
    assert len(kept) < len(wide)
    row = found.loc["imaging/density/motion"]
    same(row, ancova(kept, baseline="baseline", **ROLES).tidy(), "ancova_hc3")
    assert found.loc["imaging/fa_cst/motion", "reason"] == "the table quality has no measure of motion"


def test_posteriors_are_those_of_the_fit_and_none_is_sampled(found):
    row = found.loc["primary/fma_total/bayes_ancova_sceptical"]
    assert (row["estimate"], row["conf_low"], row["conf_high"]) == (-1.0, -2.0, -0.1)
    main = found.loc["primary/fma_total/main"]
    assert row["change_in_se"] == pytest.approx((-1 - main["estimate"]) / main["std_error"], rel=1e-12)
    assert row["conclusion"] == ("direction" if main["estimate"] > 0 else "significance")
    absent = found.loc["primary/fma_total/bayes_ancova_neutral"]
    assert absent["reason"] == "the fit of the study has no such posterior"
    assert found.loc["imaging/density/prior", "reason"] == "the analysis has no Bayesian method"


def test_a_population_with_the_same_people_repeats_the_main_analysis(found):
    row = found.loc["primary/fma_total/population_randomised"]
    assert (row["status"], row["reason"]) == ("repeats", "the very numbers of the main analysis")
    assert row["estimate"] == found.loc["primary/fma_total/main", "estimate"]


@pytest.mark.parametrize(
    ("numbers", "flipped", "wanted"),
    [
        ((3.0, 1.0, 5.0, 0.01), False, "same"),
        ((3.0, -1.0, 7.0, 0.2), False, "significance"),
        ((-3.0, -7.0, 1.0, 0.2), False, "direction"),
        ((-3.0, -5.0, -1.0, 0.01), True, "same"),
        ((3.0, 1.0, 5.0, np.nan), False, "same"),
        ((3.0, -1.0, 5.0, np.nan), False, "significance"),
        ((3.0, np.nan, np.nan, np.nan), False, "not_estimable"),
        ((np.nan, np.nan, np.nan, np.nan), False, "not_estimable"),
    ],
)
def test_what_a_variation_changes(numbers, flipped, wanted):
    names = ("estimate", "conf_low", "conf_high", "p_value")
    main = {"method": "ancova_hc3"} | dict(zip(names, (4.0, 2.0, 6.0, 0.001), strict=True))
    row = {"method": "ancova_hc3"} | dict(zip(names, numbers, strict=True))
    assert changed(main, row, 0.05, lower_is_better=False, flipped=flipped) == wanted


def test_responders_are_oriented_by_the_direction_of_the_outcome():
    main = {"method": "ancova_hc3", "estimate": -2.0, "conf_low": -3.0, "conf_high": -1.0, "p_value": 0.01}
    row = {"method": "responders_ratio", "estimate": 2.0, "conf_low": 1.1, "conf_high": 3.0, "p_value": 0.02}
    assert changed(main, row, 0.05, lower_is_better=True, flipped=False) == "same"
    assert changed(main, row, 0.05, lower_is_better=False, flipped=False) == "direction"


def only_primary(study, **update):
    """Return the study with the primary analysis alone, changed."""
    primary = study.analyses[0].model_copy(update=update)
    return study.model_copy(update={"analyses": [primary], "associations": []})


def test_what_is_not_declared_is_a_row_with_the_reason(study_data):
    study, tables, _ = study_data
    people = [part for part in study.populations if part.name == "itt"]
    lean = only_primary(study, methods=["ancova"], sensitivity=[]).model_copy(update={"populations": people})
    table = standard_sensitivity(lean, tables).tidy().set_index("variation")
    for name, words in (
        ("per_protocol", "has the flag per_protocol"),
        ("as_randomised", "every population has a flag"),
    ):
        assert table.loc[f"population_{name}", "status"] == "not_applicable"
        assert words in table.loc[f"population_{name}", "reason"]
    assert "nobody misses" in table.loc["impute_mar", "reason"]
    assert "nobody misses" in table.loc["tipping", "reason"]
    assert table.loc["selection_weights", "status"] == "ok"


def test_where_nobody_is_missing_weights_are_left_out_with_the_reason(study_data):
    study, tables, _ = study_data
    motor = tables["motor"]
    seen = motor[(motor["visit"] == "day90") & (motor["scale"] == "fma_total")]["participant_id"]
    everybody = {
        name: frame[frame["participant_id"].isin(seen)].reset_index(drop=True)
        for name, frame in tables.items()
    }
    table = (
        standard_sensitivity(only_primary(study, methods=["ancova"]), everybody).tidy().set_index("variation")
    )
    assert table.loc["selection_weights", "status"] == "not_applicable"
    assert "everybody randomised was observed" in table.loc["selection_weights", "reason"]


def test_a_bayesian_main_estimate_is_varied_by_other_models_only(study_data):
    study, tables, _ = study_data
    plan = only_primary(study, methods=["ancova", "bayes_ancova"], main_method="bayes_ancova_neutral")
    table = standard_sensitivity(plan, tables).tidy().set_index("variation")
    assert "posterior" in table.loc["main", "reason"]
    assert "not sampled again" in table.loc["population_per_protocol", "reason"]
    assert table.loc["robust", "status"] == "ok"
    assert table.loc["robust", "conclusion"] == "not_estimable"


def test_another_main_method_is_repeated_as_such(study_data, members):
    study, tables, _ = study_data
    plan = only_primary(
        study, methods=["change_score", "ranks"], main_method="mann_whitney", covariates=["age"]
    )
    table = standard_sensitivity(plan, tables).tidy().set_index("variation")
    alone = rank_comparison(members("primary/fma_total", "per_protocol"), baseline="baseline", **ROLES).tidy()
    same(table.loc["population_per_protocol"], alone, "mann_whitney")
    assert table.loc["ranks", "status"] == "repeats"
    wide = members("primary/fma_total")
    adjusted = ancova(wide, baseline="baseline", covariates=["age"], **ROLES).tidy()
    same(table.loc["covariates"], adjusted, "ancova_hc3")


def test_a_variation_that_fails_is_a_row_with_the_reason(study_data):
    study, tables, _ = study_data
    constant = tables["participants"].assign(age=50.0)
    plan = only_primary(study, methods=["ancova"], covariates=[])
    other = plan.analyses[0].model_copy(
        update={"name": "other", "role": "sensitivity", "covariates": ["age"]}
    )
    plan = plan.model_copy(update={"analyses": [*plan.analyses, other]})
    table = standard_sensitivity(plan, {**tables, "participants": constant}).tidy().set_index("variation")
    row = table.loc["covariates_other"]
    assert row["status"] == "failed"
    assert "age" in row["reason"]


def test_tables_that_do_not_fit_are_refused(study_data):
    study, tables, _ = study_data
    with pytest.raises(InputError, match="participants"):
        standard_sensitivity(study, {"motor": tables["motor"]})
    with pytest.raises(InputError, match="no table of the contract"):
        standard_sensitivity(study, {**tables, "scores": tables["motor"]})
    double = pd.concat([tables["motor"], tables["motor"].head(1)])
    with pytest.raises(InputError, match="motor"):
        standard_sensitivity(study, {**tables, "motor": double})


def test_a_harmonised_outcome_is_varied_after_harmonisation(study_data):
    from neurotrial.harmonisation_plan import HarmonisationPlan
    from neurotrial.loading import study_of_tables
    from neurotrial.models.harmonisation.study_harmonisation import harmonised_study

    study, tables, _ = study_data
    people = tables["participants"]
    sited = people.assign(site=np.where(np.arange(len(people)) % 2, "north", "south"))
    plan = HarmonisationPlan(method="combat", batch="site", outcomes=["fa_cst", "fa_plic"])
    imaging = next(part for part in study.analyses if part.name == "imaging").model_copy(
        update={"methods": ["ancova"]}
    )
    lean = study.model_copy(update={"analyses": [imaging], "associations": [], "harmonisation": plan})
    changed_tables = {**tables, "participants": sited}
    table = standard_sensitivity(lean, changed_tables).tidy()
    row = table[(table["outcome"] == "fa_cst") & (table["variation"] == "lesion_exclude")].iloc[0]

    data = study_of_tables(lean, changed_tables)
    source = data.study.outcome("fa_cst").source
    where = {**source.where, "lesion_policy": "exclude"}
    outcomes = [
        part.model_copy(update={"source": source.model_copy(update={"where": where})})
        if part.name == "fa_cst"
        else part
        for part in lean.outcomes
    ]
    whole, _ = harmonised_study(
        study_of_tables(lean.model_copy(update={"outcomes": outcomes}), changed_tables)
    )
    long = whole.outcomes
    wide = long[(long["outcome"] == "fa_cst") & (long["visit"] == "day90")].rename(
        columns={"value": "follow_up"}
    )
    wide = wide[wide["participant_id"].isin(sited.loc[sited["imaging"].astype(bool), "participant_id"])]
    same(row, ancova(wide, baseline="baseline", **ROLES).tidy(), "ancova_hc3")
