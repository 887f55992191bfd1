"""The evidence of Bayesian fits, pooled effects, published control arms and joint changes in the reports."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from posterior_fixture import FAILURE
from results_fixture import THREE_ARMS, changed, failed_posterior, make_results, plan, pooled_plan

from neurotrial.method_names import METHODS
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.effects import is_adjusted, method_label
from neurotrial.reports.figures.pooled import pooled_figure, pooled_rows
from neurotrial.reports.figures.stored_posteriors import rank_figure, stored_draws, stored_prior_figure
from neurotrial.reports.fit_evidence import fits_of
from neurotrial.reports.number_format import probability
from neurotrial.reports.posteriors import POOLED, counterpart
from neurotrial.reports.prose.bayes import bayes_results_text, failed_posteriors_text
from neurotrial.reports.prose.bayes_methods import bayes_methods_text
from neurotrial.reports.prose.limits import limitations_text
from neurotrial.reports.report import Report
from neurotrial.reports.tables.associations import association_table
from neurotrial.reports.tables.bayes import every_prior_table, posterior_table
from neurotrial.reports.tables.bayes_diagnostics import diagnostics_table
from neurotrial.reports.tables.bayes_evidence import evidence_table
from neurotrial.reports.tables.bayes_predictive import predictive_table
from neurotrial.reports.tables.bayes_priors import prior_table

ARMS = [
    {"source": "Doe 2019", "n": 40, "mean_change": 9.5, "sd_change": 8},
    {"source": "Roe 2020", "n": 25, "mean_change": 11, "sd_change": 9.5},
]


@pytest.fixture(scope="module")
def pooled():
    return CitedResults.of(make_results(pooled_plan()))


@pytest.fixture(scope="module")
def failing():
    return CitedResults.of(failed_posterior())


def analysis(data, name="primary"):
    return next(one for one in data.study.analyses if one.name == name)


def text_of(tabulation):
    return " ".join(re.sub(r"<[^>]+>", " ", tabulation.html).split())


def plain(markdown):
    return str(markdown).replace("\\", "")


def test_new_models_have_labels_and_adjust_for_baseline():
    for name in ("bayes_bounded", "bayes_outcomes"):
        for method in METHODS[name]:
            assert not method_label(method).startswith("bayes ")
            assert is_adjusted(method)
    assert method_label("bayes_bounded_neutral") == "Bayesian bounded score, neutral prior"
    assert method_label("bayes_outcomes_sceptical") == "Bayesian hierarchical model, sceptical prior"


def test_counterparts_of_the_new_models(pooled):
    primary, imaging = analysis(pooled), analysis(pooled, "imaging")
    (bounded,) = counterpart(pooled, primary, pooled.outcomes_of(primary)[0], "bayes_bounded")
    assert bounded.method == "fractional_logit_points"
    (alone,) = counterpart(pooled, imaging, pooled.outcomes_of(imaging)[0], POOLED)
    assert alone.method == "ancova_hc3"


def test_the_evidence_has_a_row_for_each_fit(pooled):
    html = text_of(evidence_table(pooled, analysis(pooled)))
    row = "1.001, 3901 0, 0.98, 0 % −45.2 (4.5) 0.74 (1) 0.31 0.02 0.12 0.33 0.17 0 of 4 ok"
    # the first fit of the store is the sceptical one
    assert f"ANCOVA {row}" in html
    assert html.count(" 0 of 4 ok") == 3
    assert "Faults under the other priors: none." in html
    for limit in ("at most 1.01", "at least 400", "at least 0.3", "reliable up to 0.7"):
        assert limit in html
    imaging = text_of(evidence_table(pooled, analysis(pooled, "imaging")))
    assert imaging.count("Hierarchical model") == 1
    assert "All outcomes, pooled Hierarchical model 1.001" in imaging


def test_warnings_are_told_with_their_fit(pooled):
    table = pooled.results.tables["evidence"].copy()
    own = table["method"] == "bayes_group_time_neutral"
    minimum = own & (table["measure"] == "posterior predictive tail: minimum")
    table.loc[minimum, ["value", "verdict", "words"]] = [0.001, "warning", "checks miss the minimum"]
    html = text_of(
        evidence_table(CitedResults.of(changed(pooled.results, "evidence", table)), analysis(pooled))
    )
    assert "1 of 4 warning (1)" in html
    assert "Fugl-Meyer motor total, Bayesian group × time: checks miss the minimum." in html


def test_a_failed_fit_is_shown_as_failed(failing):
    html = text_of(evidence_table(failing, analysis(failing)))
    assert html.count("failed") == 1
    assert f"Fugl-Meyer motor total, Bayesian group × time: {FAILURE}." in html
    gone = changed(failing.results, "evidence", failing.results.tables["evidence"].iloc[:0])
    html = text_of(evidence_table(CitedResults.of(gone), analysis(failing)))
    assert html.count("failed") == 1


def test_faults_under_another_prior_stand_in_the_notes(pooled):
    table = pooled.results.tables["evidence"].copy()
    own = (table["method"] == "bayes_ancova_enthusiastic") & (table["measure"] == "worst Pareto k")
    table.loc[own, ["verdict", "words"]] = ["fault", "leave-one-out is unreliable for 2 participants"]
    html = text_of(
        evidence_table(CitedResults.of(changed(pooled.results, "evidence", table)), analysis(pooled))
    )
    words = "Bayesian ANCOVA, enthusiastic: leave-one-out is unreliable for 2 participants."
    assert f"Faults under the other priors: Fugl-Meyer motor total, {words}" in html


def test_the_effect_that_carries_the_prior_is_judged(pooled):
    fits = {fit.kind: fit for fit in fits_of(pooled, analysis(pooled), "sceptical")}
    assert fits["bayes_ancova"].of_effects("sensitivity: prior") == [pytest.approx(0.12)]
    assert fits["bayes_group_time"].of_effects("sensitivity: prior") == [pytest.approx(0.12)]
    assert fits["bayes_ancova"].limit("worst R-hat") == 1.01
    assert fits["bayes_ancova"].limit("elpd_loo") is None


def test_three_arms_show_the_worst_contrast():
    data = CitedResults.of(make_results(pooled_plan(THREE_ARMS)))
    (fit,) = [fit for fit in fits_of(data, analysis(data, "imaging"), "neutral") if fit.kind == POOLED]
    assert fit.of_effects("sensitivity: likelihood") == [pytest.approx(0.12), pytest.approx(0.13)]


def test_the_pooled_effect_stands_in_every_table(pooled):
    imaging = analysis(pooled, "imaging")
    for make in (posterior_table, every_prior_table):
        html = text_of(make(pooled, imaging))
        assert html.count("All outcomes, pooled, baseline SD") == 1
    # below one ANCOVA for each outcome, which both models correspond to
    assert text_of(every_prior_table(pooled, imaging)).count("ANCOVA, HC3 standard error –") == 3
    assert "All outcomes, pooled" in text_of(diagnostics_table(pooled, imaging))
    assert "Hierarchical model, Day 90" in text_of(predictive_table(pooled, imaging))


def test_one_sentence_tells_the_pooled_effect(pooled):
    words = plain(bayes_results_text(pooled, analysis(pooled, "imaging")))
    assert words.count("Pooled over the 3 outcomes (Stem cells minus Control)") == 1
    sentence = words.partition("Pooled over")[2]
    assert re.search(
        r"was \S+ baseline SD \(95 % equal-tailed credible interval .+; probability of benefit 0.93\)",
        sentence,
    )
    # the pooled effect is no contrast of an outcome
    assert words.count("over 3 contrasts") == 2
    assert "Pooled" not in plain(bayes_results_text(pooled, analysis(pooled)))


def test_a_failed_hierarchical_fit_is_one_fit(pooled):
    frame = pooled.results.tables["estimates"].copy()
    rows = frame["method"] == "bayes_outcomes_neutral"
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "probability_benefit", "probability_rope"]
    frame.loc[rows, numbers] = np.nan
    frame.loc[rows, ["status", "reason", "interval_kind"]] = ["failed", FAILURE, "none"]
    data = CitedResults.of(changed(pooled.results, "estimates", frame))
    imaging = analysis(data, "imaging")
    assert plain(failed_posteriors_text(data)) == "Bayesian fits that failed and show no number: 1."
    assert "Fits that failed and show no number: 1 of 3." in plain(bayes_results_text(data, imaging))
    assert "they concern FA of the corticospinal tract" in plain(limitations_text(data))
    assert "All outcomes, pooled" in plain(limitations_text(data))
    assert pooled_figure(data, imaging) is None
    assert text_of(evidence_table(data, imaging)).count(" failed ") == 1


def test_the_figure_of_pooled_effects_has_every_outcome_and_the_pooled_one(pooled):
    imaging = analysis(pooled, "imaging")
    rows, lost = pooled_rows(pooled, imaging)
    assert [row.family for row in rows] == [False, False, False, True]
    assert lost == []
    family = rows[-1].shown
    # in baseline SDs already, whatever the store calls its SD
    assert family.estimate == pytest.approx(family.effect.estimate)
    assert family.estimate == pytest.approx(np.mean([row.shown.estimate for row in rows[:-1]]))
    assert all(row.alone is not None for row in rows[:-1])
    plot = pooled_figure(pooled, imaging)
    assert "All outcomes, pooled, Stem cells minus Control" in plot.alt
    assert [text.get_text() for text in plot.figure.legends[0].get_texts()] == [
        "Pooled effect",
        "Outcome, partially pooled",
        "Outcome alone",
    ]
    assert pooled_figure(pooled, analysis(pooled)) is None


def test_practical_equivalence_has_its_column_and_half_width(pooled):
    primary = analysis(pooled)
    for make in (posterior_table, every_prior_table):
        html = text_of(make(pooled, primary))
        assert "P(ROPE)" in html
        assert "less than 0.1 baseline SD either way" in html
    effect = pooled.effects("primary", "fma_total", "bayes_ancova_neutral")[0]
    assert effect.equivalent is not None
    assert probability(effect.equivalent) in posterior_table(pooled, primary).html.replace("&lt;", "<")
    frame = pooled.results.tables["estimates"].assign(probability_rope=np.nan)
    data = CitedResults.of(changed(pooled.results, "estimates", frame))
    assert "P(ROPE)" not in text_of(posterior_table(data, primary))


def test_priors_and_methods_follow_the_plan():
    values = pooled_plan()
    values["bayes"] = {
        "residuals": "student",
        "bounded": "recovery",
        "rope": 0.15,
        "historical": [{"outcome": "fma_total", "method": "map", "arms": ARMS}],
    }
    data = CitedResults.of(make_results(values))
    html = text_of(prior_table(data))
    for part in (
        "Mean of the reference arm, less the mean of baseline",
        "half-normal(0.3)",
        "of outcomes (hierarchical model)",
        "2 + gamma(2, 0.1) 4 to 58",
        "meta-analytic-predictive, weight 0.8",
        "Doe 2019 (n = 40, change 9.5, SD 8); Roe 2020 (n = 25, change 11, SD 9.5)",
        "2 published control arms of 65 participants",
        "the prior of the effect is that of the pooled effect",
    ):
        assert part in html, part
    words = plain(bayes_methods_text(data))
    for part in (
        "a mixture of those who regain a share of what they lack",
        "participants with one of the two visits stay in",
        "pooled towards one effect",
        "Student’s t distribution",
        "less than 0.15 baseline SD either way",
        "@schmidli2014",
        "@gelman2012",
        "@kallioinen2024",
        "@vehtari2017",
    ):
        assert part in words, part
    assert "Student" not in plain(bayes_methods_text(CitedResults.of(make_results())))


def joint_row(method, estimate, **more):
    return {
        "key": f"association/fma_with_fa/itt/{method}/fma_total~cst_fa/day90", "association": "fma_with_fa", "x": "cst_fa",
        "y": "fma_total", "population": "itt", "visit": "day90", "method": method, "contrast": "fma_total ~ cst_fa",
        "estimate": estimate, "std_error": 0.2, "conf_low": estimate - 0.4, "conf_high": estimate + 0.4, "conf_level": 0.95,
        "interval_kind": "eti", "p_value": np.nan, "n_participants": 34, "n_per_arm": "{}", "unit": "correlation",
        "status": "ok", "reason": None, **more,
    }  # fmt: skip


def test_joint_changes_stand_among_the_associations():
    values = plan()
    values["associations"] = [
        {"name": "fma_with_fa", "label": "Motor and tract", "x": "cst_fa", "y": "fma_total", "visit": "day90",
         "population": "itt", "bayes": True}
    ]  # fmt: skip
    results = make_results(values)
    table = results.tables["associations"]
    rows = [
        joint_row("bayes_joint_correlation", 0.31),
        joint_row("bayes_joint_slope", 12.5, unit="points per unit of cst_fa"),
    ]
    data = CitedResults.of(changed(results, "associations", pd.concat([table, pd.DataFrame(rows)])))
    html = text_of(association_table(data))
    assert "Partial correlation, Bayesian joint model 34 0.31 (−0.09 to 0.71) –" in html
    assert "Slope, Bayesian joint model 34 12.50 points (12.10 to 12.90) –" in html
    assert "95 % equal-tailed credible interval" in html
    assert "Joint changes: both outcomes at both visits" in plain(bayes_methods_text(data))
    assert "of outcomes and visits (joint changes)" in text_of(prior_table(data))


def kept(data, folder, missing=()):
    """Results whose posteriors are kept: files with the number that was estimated among others."""
    import h5netcdf

    rng = np.random.default_rng(2)
    target = folder / "results" / "posteriors"
    target.mkdir(parents=True)
    table = data.results.tables["diagnostics"].copy()
    for index, row in table.iterrows():
        effect = data.effect(row["key"].removeprefix("diagnostics/"))
        noise = rng.normal(size=(2, 40, 2))
        draws = (noise - noise.mean(axis=(0, 1))) + np.array([40.0, effect.estimate])
        name = row["key"].replace("/", "-") + ".nc"
        table.loc[index, "posterior"] = name
        if row["method"] in missing:
            continue
        with h5netcdf.File(target / name, "w") as file:
            group = file.create_group("posterior")
            group.dimensions = {"chain": 2, "draw": 40, "number": 2}
            group.create_variable("target", ("chain", "draw", "number"), data=draws)
    return CitedResults.of(changed(data.results, "diagnostics", table))


def test_kept_draws_are_drawn_in_baseline_sds(pooled, tmp_path, monkeypatch):
    data = kept(pooled, tmp_path)
    primary = analysis(data)
    stored = stored_draws(data, primary, tmp_path)
    assert len(stored) == 9
    for one in stored:
        sd = data.row("diagnostics", f"diagnostics/{one.effect.key}")["baseline_sd"]
        assert one.draws.mean() == pytest.approx(one.effect.estimate / sd)
    ranks = rank_figure(data, primary, stored)
    assert len(ranks.figure.axes) == 3
    assert ranks.alt.count("2 chains of 40 draws") == 3
    priors = stored_prior_figure(data, primary, stored)
    assert len(priors.figure.axes) == 2 * 3
    assert "Bayesian ANCOVA, sceptical prior: mean 0.00 (SD 0.30) before" in priors.alt
    monkeypatch.chdir(tmp_path)
    words = str(Report(data, tmp_path).bayes_evidence())
    assert "@fig-ranks-primary" in words
    assert "fig-ranks-imaging" not in words


def test_without_kept_draws_there_is_no_figure(pooled, tmp_path):
    primary = analysis(pooled)
    assert stored_draws(pooled, primary, None) == []
    assert stored_draws(pooled, primary, tmp_path) == []
    assert rank_figure(pooled, primary, []) is None
    assert stored_prior_figure(pooled, primary, []) is None
    data = kept(pooled, tmp_path, missing=("bayes_ancova_neutral",))
    stored = stored_draws(data, primary, tmp_path)
    assert len(stored) == 8
    # a model that lacks a prior has no row
    assert len(stored_prior_figure(data, primary, stored).figure.axes) == 3
