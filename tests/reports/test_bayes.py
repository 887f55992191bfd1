"""Posteriors in the reports: beside the estimates, with what they rest on; a failed fit is never quietly left out."""

from __future__ import annotations

from html import escape as html_escape

import numpy as np
import pytest
from posterior_fixture import FAILURE
from results_fixture import THREE_ARMS, bare_plan, changed, failed_posterior, make_results, plan
from scipy.stats import halfnorm

from neurotrial.reports.cited import CitedResults
from neurotrial.reports.effects import is_adjusted, is_bayesian, method_label
from neurotrial.reports.figures.forest import forest_figure, standardised_effects
from neurotrial.reports.figures.predictive import predictive_figures
from neurotrial.reports.figures.priors import prior_figure, standardised_posteriors
from neurotrial.reports.number_format import probability
from neurotrial.reports.posteriors import bayes_kinds, bayesian_analyses, counterpart, posteriors_of
from neurotrial.reports.prose.bayes import bayes_results_text, failed_posteriors_text
from neurotrial.reports.prose.bayes_methods import bayes_methods_text
from neurotrial.reports.prose.limits import limitations_text
from neurotrial.reports.report import Report
from neurotrial.reports.tables.bayes import every_prior_table, posterior_table
from neurotrial.reports.tables.bayes_diagnostics import diagnostics_table
from neurotrial.reports.tables.bayes_predictive import predictive_table
from neurotrial.reports.tables.bayes_priors import prior_table
from neurotrial.reports.tables.estimators import estimator_table


@pytest.fixture(scope="module")
def posteriors():
    return CitedResults.of(make_results())


@pytest.fixture(scope="module")
def failing():
    return CitedResults.of(failed_posterior())


@pytest.fixture(scope="module")
def without():
    return CitedResults.of(make_results(bare_plan(), harms=False))


def analysis(data, name="primary"):
    return next(one for one in data.study.analyses if one.name == name)


def text_of(tabulation):
    return " ".join(tabulation.html.split())


def plain(markdown):
    """Markdown without its escapes."""
    return str(markdown).replace("\\", "")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.50"), (0.949, "0.95"), (0.96, "0.960"), (0.0, "<0.001"), (1.0, ">0.999"), (np.nan, "–")],
)
def test_a_probability_is_never_certain(value, shown):
    assert probability(value) == shown


def test_posteriors_have_names_and_are_told_apart():
    assert method_label("bayes_group_time_sceptical") == "Bayesian group × time, sceptical prior"
    assert is_bayesian("bayes_ancova_neutral")
    assert not is_bayesian("ancova_hc3")
    assert is_adjusted("bayes_ancova_neutral")
    assert not is_adjusted("bayes_group_time_neutral")


def test_analyses_with_posteriors_are_found(posteriors, without):
    assert [one.name for one in bayesian_analyses(posteriors)] == ["primary", "imaging"]
    assert bayes_kinds(analysis(posteriors, "imaging")) == ["bayes_ancova"]
    assert bayesian_analyses(without) == []


def test_the_counterpart_is_the_frequentist_estimate_of_the_same_effect(posteriors):
    primary = analysis(posteriors)
    outcome = posteriors.outcomes_of(primary)[0]
    assert [e.method for e in counterpart(posteriors, primary, outcome, "bayes_ancova")] == ["ancova_hc3"]
    assert [e.method for e in counterpart(posteriors, primary, outcome, "bayes_group_time")] == [
        "mmrm_group_time"
    ]


def test_the_short_table_has_the_neutral_posterior_and_the_chances_of_every_prior(posteriors):
    primary = analysis(posteriors)
    outcome = posteriors.outcomes_of(primary)[0]
    html = text_of(posterior_table(posteriors, primary))
    for kind in bayes_kinds(primary):
        by_prior = posteriors_of(posteriors, primary, outcome, kind)
        for prior, effects in by_prior.items():
            assert html_escape(probability(effects[0].benefit)) in html, (kind, prior)
    assert html.count("Bayesian ANCOVA") == 1
    assert "P(&gt; MCID)" not in html


def test_the_chance_beyond_the_mcid_stands_where_there_is_one():
    values = plan()
    values["outcomes"][0]["mcid"] = {"value": 5.0, "source": "a source"}
    data = CitedResults.of(make_results(values))
    primary = analysis(data)
    effect = posteriors_of(data, primary, data.outcomes_of(primary)[0], "bayes_ancova")["neutral"][0]
    assert effect.important < effect.benefit
    for table in (posterior_table(data, primary), every_prior_table(data, primary)):
        assert "P(&gt; MCID)" in table.html
        assert probability(effect.important) in table.html
    assert f"minimal clinically important difference {probability(effect.important)}" in effect.text


def test_the_long_table_sets_priors_below_their_counterpart(posteriors):
    html = text_of(every_prior_table(posteriors, analysis(posteriors)))
    order = [
        "ANCOVA, HC3",
        "Bayesian ANCOVA, sceptical",
        "Bayesian ANCOVA, enthusiastic",
        "Group × time, mixed",
    ]
    places = [html.index(words) for words in order]
    assert places == sorted(places)
    assert "0.5 (0.3)" in html


def test_three_arms_have_a_row_for_each_contrast():
    data = CitedResults.of(make_results(plan(THREE_ARMS)))
    html = text_of(posterior_table(data, analysis(data)))
    assert "Stem cells minus Control" in html
    assert "Sham minus Control" in html


def test_priors_are_those_of_the_plan(posteriors, without):
    html = text_of(prior_table(posteriors))
    assert "normal(0.5, 0.3)" in html
    assert "(P(benefit) 0.952)" in html
    assert "LKJ(1)" in html
    # the one-sided 95 % of |z|, not its 97.5 %
    assert f"0.00 to {1.5 * halfnorm.ppf(0.95):.2f}" in html
    assert prior_table(without) is None


def test_diagnostics_of_every_fit_are_shown(posteriors, failing):
    html = text_of(diagnostics_table(posteriors, analysis(posteriors)))
    assert html.count(">ok<") == 9
    html = text_of(diagnostics_table(failing, analysis(failing)))
    assert html.count(">ok<") == 8
    assert html.count(">failed<") == 1
    assert f"Fugl-Meyer motor total, Bayesian group × time, neutral prior: {FAILURE}." in html


def test_a_fit_without_draws_has_its_row_of_diagnostics(failing):
    empty = failing.results.tables["diagnostics"].iloc[:0]
    data = CitedResults.of(changed(failing.results, "diagnostics", empty))
    html = text_of(diagnostics_table(data, analysis(data)))
    assert html.count(">failed<") == 1
    assert FAILURE in html
    assert "no fit gave draws" in html


def test_diagnostics_of_several_arms_are_told_apart_by_label():
    data = CitedResults.of(make_results(plan(THREE_ARMS)))
    html = text_of(diagnostics_table(data, analysis(data)))
    assert "Fugl-Meyer motor total: Sham minus Control" in html
    assert html.count(">ANCOVA, sceptical<") == 2


def test_checks_show_what_the_model_misses(posteriors):
    primary = analysis(posteriors)
    html = text_of(predictive_table(posteriors, primary))
    assert "above 0.975): none." in html
    assert "outside the declared range, at most: prior 36 %, posterior 12 %" in html
    table = posteriors.results.tables["predictive"].copy()
    place = "primary/fma_total/itt/bayes_ancova_neutral/posterior/day90/cells"
    rare = table["key"] == f"predictive/{place}/minimum"
    assert rare.sum() == 1
    table.loc[rare, "probability"] = 0.004
    data = CitedResults.of(changed(posteriors.results, "predictive", table))
    assert "ANCOVA, Day 90, Stem cells: minimum (0.004)" in text_of(predictive_table(data, primary))


def test_the_estimator_table_has_chances_of_benefit(posteriors, without):
    primary = analysis(posteriors)
    assert "P(benefit)" in estimator_table(posteriors, primary, posteriors.outcomes_of(primary)[0]).html
    bare = analysis(without)
    assert "P(benefit)" not in estimator_table(without, bare, without.outcomes_of(bare)[0]).html


def test_results_say_mean_interval_and_what_the_priors_change(posteriors):
    words = plain(bayes_results_text(posteriors, analysis(posteriors)))
    assert words.count("under the neutral prior the posterior mean was") == 3
    assert words.count("Over the priors, the probability of benefit was") == 3
    assert "credible interval" in words
    others = plain(bayes_results_text(posteriors, analysis(posteriors, "imaging")))
    assert "over 3 contrasts; intervals that exclude 0:" in others


def test_priors_that_disagree_on_the_side_are_named(posteriors):
    table = posteriors.results.tables["estimates"].copy()
    sceptical = table["method"] == "bayes_ancova_sceptical"
    table.loc[sceptical, "estimate"] = -table.loc[sceptical, "estimate"]
    data = CitedResults.of(changed(posteriors.results, "estimates", table))
    words = "do not favour the same arm"
    assert words in plain(bayes_results_text(data, analysis(data)))
    assert words not in plain(bayes_results_text(posteriors, analysis(posteriors)))


def test_a_failed_fit_is_named_everywhere(failing, posteriors):
    primary = analysis(failing)
    words = plain(bayes_results_text(failing, primary))
    assert "the fit under the neutral prior failed and shows no number" in words
    assert words.count("Over the other priors, the probability of benefit was") == 1
    assert plain(failed_posteriors_text(failing)) == "Bayesian fits that failed and show no number: 1."
    assert not failed_posteriors_text(posteriors).text
    for table in (posterior_table(failing, primary), every_prior_table(failing, primary)):
        assert "did not reach what the plan asks in 3 attempts" in table.html
        assert "failed" in table.html
    assert "1 planned estimates could not be made" in plain(limitations_text(failing))
    assert "Bayesian fits that failed and show no number: 1. What" in plain(limitations_text(failing))
    assert "fits that failed" in plain(Report(failing).bayes_diagnostics())
    assert "No fit failed" in plain(Report(posteriors).bayes_diagnostics())
    assert "failed" in predictive_table(failing, primary).html


def test_methods_say_what_the_plan_says(posteriors, without):
    words = plain(bayes_methods_text(posteriors))
    for part in (
        "sceptical (mean 0, SD 0.3: a benefit has a probability of 0.50, one above 0.5 SD of 0.048)",
        "enthusiastic (mean 0.5, SD 0.3: a benefit has a probability of 0.952, one above 0.5 SD of 0.50)",
        "the 95 % equal-tailed credible interval",
        "in 4 chains of 1000 draws after 500 of warm-up",
        "R-hat of at most 1.01",
        "at least 400 effective draws",
        "one that did not in 3 attempts is reported as failed",
        "@spiegelhalter1994",
        "@lewandowski2009",
        "of nutpie",
    ):
        assert part in words, part
    assert "clinically important" not in words
    assert bayes_methods_text(without) is None


def test_methods_follow_the_plan():
    values = plan()
    values["outcomes"][0]["mcid"] = {"value": 5.0, "source": "a source"}
    values["bayes"] = {"interval": "hdi", "accept": {"attempts": 1}}
    words = plain(bayes_methods_text(CitedResults.of(make_results(values))))
    assert "highest-density credible interval" in words
    assert "probability of a benefit beyond it" in words
    assert "sampled again" not in words


def lost(results, outcome, method):
    """Results in which a fit has failed, of all arms."""
    frame = results.tables["estimates"].copy()
    rows = (frame["outcome"] == outcome) & (frame["method"] == method)
    assert rows.any()
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "probability_benefit", "probability_mcid"]
    frame.loc[rows, numbers] = np.nan
    frame.loc[rows, ["status", "reason", "interval_kind"]] = ["failed", FAILURE, "none"]
    return CitedResults.of(changed(results, "estimates", frame))


def test_fits_are_counted_not_contrasts():
    data = lost(make_results(plan(THREE_ARMS)), "cst_fa", "bayes_ancova_sceptical")
    assert plain(failed_posteriors_text(data)) == "Bayesian fits that failed and show no number: 1."
    words = plain(bayes_results_text(data, analysis(data, "imaging")))
    assert "over 6 contrasts" in words
    assert "Fits that failed and show no number: 1 of 9." in words
    html = text_of(diagnostics_table(data, analysis(data, "imaging")))
    assert html.count(FAILURE) == 1


def test_an_analysis_of_posteriors_alone_has_no_p_values_to_adjust():
    values = plan()
    values["families"] = []
    values["analyses"][1] |= {"methods": ["bayes_ancova"], "main_method": "bayes_ancova_neutral"}
    results = make_results(values)
    assert "not adjusted for multiplicity" not in plain(limitations_text(CitedResults.of(results)))
    values["analyses"][1] |= {"methods": ["ancova"], "main_method": "ancova_hc3"}
    results = make_results(values)
    assert "not adjusted for multiplicity" in plain(limitations_text(CitedResults.of(results)))


def test_the_forest_has_both_schools_on_a_row(posteriors, without):
    shown = list(standardised_effects(posteriors))
    assert [item.posterior is not None for item in shown] == [True] * 4
    assert all(item.posterior.effect.method == "bayes_ancova_neutral" for item in shown)
    plot = forest_figure(posteriors)
    assert "Open diamonds: posterior means (Bayesian ANCOVA, neutral prior)" in plain(plot.caption)
    assert "Not drawn" not in str(plot.caption)
    assert plot.alt.count("posterior") == 4
    assert plot.alt.count("probability of benefit") == 4
    assert len(plot.figure.legends) == 1
    bare = forest_figure(without)
    assert not bare.figure.legends
    assert "diamonds" not in str(bare.caption)


def test_a_failed_posterior_is_not_drawn_in_the_forest():
    data = lost(make_results(), "cst_fa", "bayes_ancova_neutral")
    assert [item.posterior is None for item in standardised_effects(data)] == [False, True, False, False]
    plot = forest_figure(data)
    words = "Not drawn, because the fit failed: FA of the corticospinal tract (Stem cells minus Control), Bayesian ANCOVA, neutral prior."
    assert words in plain(plot.caption)
    assert plot.alt.count("posterior") == 3


def test_lower_is_better_is_turned_round(posteriors):
    rows = standardised_posteriors(posteriors, analysis(posteriors, "imaging"), "bayes_ancova")
    diffusivity = next(row for row in rows if row[0].effect.outcome.name == "mean_diffusivity")
    for item in diffusivity:
        sd = posteriors.row("diagnostics", f"diagnostics/{item.effect.key}")["baseline_sd"]
        assert item.estimate == pytest.approx(-item.effect.estimate / sd)
        assert item.low < item.estimate < item.high


def test_the_figure_of_priors_draws_every_fit_that_did_not_fail(posteriors):
    primary = analysis(posteriors)
    plot = prior_figure(posteriors, primary)
    panel = plot.figure.axes[0]
    # a prior, an interval and a mean for each of three, and the line at 0
    assert len(panel.lines) == 3 * 3 + 1
    assert plot.alt.count("probability of benefit") == 3
    assert plot.name == "priors-primary"
    assert "Not drawn" not in str(plot.caption)
    fewer = prior_figure(lost(posteriors.results, "fma_total", "bayes_ancova_neutral"), primary)
    assert len(fewer.figure.axes[0].lines) == 2 * 3 + 1
    words = "Not drawn, because the fit failed: Fugl-Meyer motor total (Stem cells minus Control), Bayesian ANCOVA, neutral prior."
    assert words in plain(fewer.caption)


def test_predictive_figures_show_everybody_and_both_bands(posteriors):
    primary = analysis(posteriors)
    (plot,) = predictive_figures(posteriors, primary)
    for panel in plot.figure.subfigs[0].axes:
        people = panel.lines[6].get_ydata()
        n = int(panel.get_title().partition("n = ")[2].rstrip(")"))
        assert len(people) == n
        low, high = panel.get_ylim()
        assert low < people.min()
        assert people.max() < high
    assert plot.alt.count("posterior predicts") == 2
    assert plot.alt.endswith("The data are simulated.")


def test_more_outcomes_than_fit_are_spread(posteriors):
    imaging = analysis(posteriors, "imaging")
    (plot,) = predictive_figures(posteriors, imaging)
    assert len(plot.figure.subfigs) == 3
    assert "Without posterior" not in str(plot.caption)


def test_predictive_figures_say_which_posterior_is_missing(posteriors):
    table = posteriors.results.tables["predictive"]
    gone = (table["source"] == "posterior") & (table["outcome"] == "cst_fa")
    data = CitedResults.of(changed(posteriors.results, "predictive", table[~gone]))
    (plot,) = predictive_figures(data, analysis(data, "imaging"))
    assert "Without posterior, because the fit failed: FA of the corticospinal tract." in plain(plot.caption)
    assert plot.alt.count("posterior predicts") == 4
    assert plot.alt.count("prior predicts") == 6


def test_without_checks_there_is_no_figure_or_table(posteriors):
    empty = posteriors.results.tables["predictive"].iloc[:0]
    data = CitedResults.of(changed(posteriors.results, "predictive", empty))
    assert predictive_figures(data, analysis(data)) == []
    assert predictive_table(data, analysis(data)) is None


def test_a_study_without_posteriors_has_none_of_it(without, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = Report(without)
    assert report.bayes() is None
    assert report.bayes_posteriors() is None
    assert report.bayes_evidence() is None
    assert report.bayes_diagnostics() is None
    assert report.bayes_predictive() is None
    assert str(report.bayes_priors()) == "The study file names no Bayesian analysis."


@pytest.mark.parametrize(
    "part",
    ["bayes", "bayes_priors", "bayes_posteriors", "bayes_evidence", "bayes_diagnostics", "bayes_predictive"],
)
def test_every_float_is_pointed_to(posteriors, tmp_path, monkeypatch, part):
    import re

    monkeypatch.chdir(tmp_path)
    words = str(getattr(Report(posteriors), part)())
    floats = set(re.findall(r"::::: \{#([a-z0-9-]+)\}", words))
    assert floats
    assert floats == set(re.findall(r"@((?:fig|tbl)-[a-z0-9-]+)", words))


def test_a_bayesian_main_method_reads_well(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = plan()
    values["analyses"][0] |= {"main_method": "bayes_ancova_neutral"}
    data = CitedResults.of(make_results(values))
    words = str(Report(data).primary())
    assert "probability of benefit" in words
    assert "nan" not in words.lower()
    assert forest_figure(data) is not None
    shown = next(standardised_effects(data))
    assert shown.posterior is None
    plot = forest_figure(data)
    assert "Open diamonds: posterior means (Bayesian ANCOVA, neutral prior)" in plain(plot.caption)
    texts = [text.get_text() for text in plot.figure.legends[0].get_texts()]
    assert texts == ["95 % CI", "95 % equal-tailed credible interval, neutral prior"]
