"""Sentences are true: of sign and direction, of what an interval excludes, of counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from results_fixture import changed, make_results, plan

from neurotrial.reports.cited import CitedResults
from neurotrial.reports.prose.counts import flow_text, harms_text, missing_text
from neurotrial.reports.prose.limits import limitations_text, statements_text
from neurotrial.reports.prose.methods import (
    design_text,
    estimator_text,
    multiplicity_text,
    outcomes_text,
    visits_text,
)
from neurotrial.reports.prose.results import (
    effect_sentence,
    effects_text,
    family_text,
    requested_text,
    undefined_ratios_text,
)

KEYS = {
    "higher": "imaging/cst_fa/imaging/ancova_hc3/cells-control/day90",
    "lower": "imaging/mean_diffusivity/imaging/ancova_hc3/cells-control/day90",
}


def words(markdown) -> str:
    return markdown.text.replace("\\", "")


def with_estimate(key, values=None, **columns):
    results = make_results(values)
    frame = results.tables["estimates"].copy()
    for column, value in columns.items():
        frame.loc[frame["key"] == key, column] = value
    return CitedResults.of(changed(results, "estimates", frame))


@pytest.mark.parametrize(
    ("direction", "low", "high", "verdict"),
    [
        ("higher", 1.0, 3.0, "excludes 0: values were higher, which is better, with Stem cells"),
        ("higher", -3.0, -1.0, "excludes 0: values were lower, which is worse, with Stem cells"),
        ("lower", 1.0, 3.0, "excludes 0: values were higher, which is worse, with Stem cells"),
        ("lower", -3.0, -1.0, "excludes 0: values were lower, which is better, with Stem cells"),
        ("higher", -1.0, 3.0, "includes 0"),
        ("lower", -3.0, 0.0, "includes 0"),
        ("higher", np.nan, np.nan, "Without an interval"),
    ],
)  # fmt: skip
def test_verdict(direction, low, high, verdict):
    estimate = 0.5 if np.isnan(low) else (low + high) / 2
    data = with_estimate(KEYS[direction], estimate=estimate, conf_low=low, conf_high=high)
    sentence = effect_sentence(data.effect(KEYS[direction]), "Day 90")
    assert verdict in sentence
    assert sum(word in sentence for word in ("excludes", "includes", "Without")) == 1


@pytest.mark.parametrize(
    ("direction", "low", "high", "relation"),
    [("higher", 2.0, 3.0, "lies wholly at or beyond"), ("higher", -1.0, 1.9, "excludes a benefit as large as"),
     ("higher", 1.0, 2.0, "includes benefits as large as"), ("lower", -3.0, -2.0, "lies wholly at or beyond"),
     ("lower", 2.0, 3.0, "excludes a benefit as large as"), ("lower", -2.5, 0.0, "includes benefits as large as")],
)  # fmt: skip
def test_important_difference_is_judged_in_the_direction_of_benefit(direction, low, high, relation):
    values = plan()
    for outcome in values["outcomes"]:
        outcome["mcid"] = {"value": 2.0, "source": "Someone 2020"}
    data = with_estimate(KEYS[direction], values, conf_low=low, conf_high=high)
    sentence = effect_sentence(data.effect(KEYS[direction]), "Day 90")
    assert f"The interval {relation}" in sentence
    assert "(Someone 2020)" in sentence


def test_a_failure_is_said_with_its_reason():
    key = KEYS["higher"]
    data = with_estimate(key, status="failed", reason="no participants.", estimate=np.nan)
    assert effect_sentence(data.effect(key), "Day 90").endswith("could not be estimated: no participants.")


def test_every_claim_of_an_analysis_has_its_interval(data):
    for analysis in data.study.analyses:
        for paragraph in words(effects_text(data, analysis)).split("\n\n"):
            assert "95 % CI" in paragraph
            assert "Stem cells minus Control" in paragraph


def test_requested_and_adjusted_analysis_stand_beside_each_other(data):
    analysis, outcome = data.primary, data.outcomes_of(data.primary)[0]
    text = words(requested_text(data, analysis, outcome))
    (requested,) = data.effects("primary", "fma_total", "ratio_baseline_welch")
    (main,) = data.effects("primary", "fma_total", "ancova_hc3")
    assert f"gave, for Stem cells minus Control, {requested.text}; the baseline-adjusted analysis" in text
    assert (
        f"(ANCOVA, HC3 standard error) gave {main.text}. The estimators were compared for <this> outcome."
        in text
    )
    assert "[@vickers2001]" in text


def test_undefined_ratios_are_counted_by_arm(data):
    text = words(undefined_ratios_text(data, data.primary))
    table = data.results.tables["outcomes"]
    zero = table[
        (table["outcome"] == "fma_total") & (table["visit"] == "day90") & (table["baseline"] == 0)
    ].dropna()
    counts = zero["arm"].value_counts()
    assert (
        f"undefined for {counts['control']} of 11 (Control) and {counts['cells']} of 23 (Stem cells)" in text
    )
    assert undefined_ratios_text(data, data.study.analyses[1]).text == ""


@pytest.mark.parametrize(
    ("p", "kept"), [((0.001, 0.2, 0.04), 2), ((0.06, 0.2, 0.05), 1), ((np.nan, 0.01, 0.5), 1)]
)
def test_family_counts_what_multiplicity_leaves(p, kept):
    results = make_results()
    data = CitedResults.of(changed(results, "adjusted", results.tables["adjusted"].assign(p_adjusted=p)))
    text = words(family_text(data, data.study.families[0]))
    assert f"The adjusted p-value is at most 0.05 for {kept} of them" in text
    assert text.count("adjusted p ") + text.count("adjusted p=") == kept
    assert ("have no p-value" in text) == bool(np.isnan(p).any())


def test_flow_numbers_are_the_counts(data):
    text = words(flow_text(data))
    assert "planned 48 participants and randomised 36: 12 (Control) and 24 (Stem cells)." in text
    assert "received by 33: 11 (Control) and 22 (Stem cells)." in text
    assert "Withdrawal: 1 in all; 1 (Control) and 0 (Stem cells)." in text
    assert "34 of 36 randomised participants have both visits and are analysed in: Primary analysis." in text


def test_who_is_imputed_is_not_said_to_have_both_visits():
    results = make_results()
    imputing = {"methods": ["impute_mar"], "main_method": "impute_mar_cm"}
    analyses = [one | imputing for one in results.study["analyses"]]
    data = CitedResults.of(replace(results, study=results.study | {"analyses": analyses}))
    text, limits = words(flow_text(data)), words(limitations_text(data))
    assert (
        "34 of 36 randomised participants are analysed, missing values imputed, in: Primary analysis." in text
    )
    assert "both visits" not in text + limits
    assert "Imputed values rest on assumptions that no data can test: Primary analysis" in limits


def test_missing_values_are_counted_by_visit_and_arm(data):
    text = words(missing_text(data))
    assert (
        "Fugl-Meyer motor total: missing at Day 90 for 1 of 12 (Control) and 1 of 24 (Stem cells) (Intention to treat)."
        in text
    )
    assert (
        "FA of the corticospinal tract, Interhemispheric connectivity and Mean diffusivity: missing at Day 90"
        in text
    )


def test_harms_are_counted_by_arm(data):
    assert "Stem cells: 2 of 24 participants had an adverse event (2 events, 1 serious, 0 judged" in words(
        harms_text(data)
    )
    assert harms_text(CitedResults.of(make_results(harms=False))).text == ""


def test_methods_say_what_the_plan_says(data):
    assert (
        "to Control and Stem cells in the ratio 1:2 by a scheme that the study file does not state."
        in words(design_text(data))
    )
    assert "Day 90 (day 90, window 75 to 120)" in words(visits_text(data))
    listed = words(outcomes_text(data)).splitlines()
    assert listed[0] == "- Fugl-Meyer motor total (primary): points; higher is better; range 0 to 100."
    assert listed[3] == "- Mean diffusivity: um2/ms; lower is better."
    assert len(listed) == 4
    assert "[@mackinnon1985]" in estimator_text(data).text
    assert "Imaging family: one p-value for each contrast and outcome of Imaging analysis" in words(
        multiplicity_text(data)
    )


def test_blocks_strata_and_windows_are_named():
    values = plan()
    values["allocation"] |= {
        "scheme": "permuted_blocks",
        "block_sizes": [3, 6],
        "strata": ["lesion_side", "sex"],
    }
    values["visits"][0]["window"] = [-14.0, 0.0]
    values["visit_rules"] = {"outside_window": "exclude", "repeated": "closest"}
    data = CitedResults.of(make_results(values))
    assert (
        "1:2 [by permuted blocks of 3 or 6, stratified by lesion side and sex]{#sec-randomisation}."
        in words(design_text(data))
    )
    assert "window −14 to 0) and Day 90" in words(visits_text(data))
    assert "Values outside their window were excluded. Of repeated visits the one closest" in words(
        visits_text(data)
    )


def test_limitations_follow_from_plan_and_data(data):
    text = words(limitations_text(data))
    assert "arms are unequal: 11 (Control) and 23 (Stem cells)" in text
    assert (
        "27 of 36 randomised participants have both visits and are in the population of: Imaging analysis."
        in text
    )
    assert "improvement ratio divides by baseline" in text
    assert "no evidence of a difference between the arms" in text
    assert "could not be made" not in text
    assert "not adjusted for multiplicity" not in text
    loose = plan(simulated=False)
    loose["families"] = []
    assert "p-values of Imaging analysis are not adjusted" in words(
        limitations_text(CitedResults.of(make_results(loose)))
    )


def test_statements_are_the_study_files_words_or_marked(data):
    text = statements_text(data).text
    assert "**Registration.** NCT00000000" in text
    assert text.count("[Authors: not stated in study.yaml.]") == 4


def test_an_effect_of_a_family_carries_its_adjusted_p_value():
    data = CitedResults.of(make_results())
    family = data.study.families[0]
    analysis = next(a for a in data.study.analyses if a.name in family.analyses)
    text = words(effects_text(data, analysis))
    assert text.count(f"Adjusted over the family {family.label} (Holm), p ") == len(data.rows("adjusted"))
    assert "Adjusted over" not in words(effects_text(data, data.primary))
