"""What a fit tells of its draws: tables, probabilities, ArviZ's groups, least-squares means; the draws are prepared."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest
from bayes_fixture import ANCOVA, both_visits, participants

from neurotrial.bayes_plan import PRIOR_SETS, BayesPlan
from neurotrial.errors import InputError
from neurotrial.models import bayes_ancova, bayes_joint_change, bayes_mmrm, bayes_outcomes
from neurotrial.models.tidy import TIDY_COLUMNS


@pytest.fixture
def fit(script):
    script()
    people = participants().assign(after=lambda table: table["after"].where(table.index != 4))
    return bayes_ancova(people, **ANCOVA, mcid=3.0, rope=1.0, bounds=(0, 100))


def mixed(script, **options):
    script()
    table = both_visits(participants())
    return bayes_mmrm("score ~ arm * visit + age", table, subject="who", visit="visit", **options)


def test_rows_are_summaries_of_the_draws_in_the_unit_of_the_outcome(fit):
    table = fit.tidy()
    assert list(table.columns) == list(TIDY_COLUMNS)
    assert list(table["method"].unique()) == [f"bayes_ancova_{prior}" for prior in PRIOR_SETS]
    for prior, own in fit.fits.items():
        rows = table[table["method"] == f"bayes_ancova_{prior}"]
        for target, row in zip(own.targets, rows.to_dict("records"), strict=True):
            draws = target.draws
            assert (row["term"], row["contrast"]) == (target.term, target.contrast)
            assert row["estimate"] == pytest.approx(draws.mean())
            assert row["std_error"] == pytest.approx(draws.std(ddof=1))
            assert [row["conf_low"], row["conf_high"]] == pytest.approx(np.quantile(draws, [0.025, 0.975]))
            assert row["interval_kind"] == "eti"
            if target.term == "arm":
                assert row["probability_benefit"] == pytest.approx((draws > 0).mean())
                assert row["probability_mcid"] == pytest.approx((draws > 3).mean())
                assert row["probability_rope"] == pytest.approx((np.abs(draws) < 1).mean())
            else:
                chances = ["probability_benefit", "probability_mcid", "probability_rope"]
                assert np.isnan([row[name] for name in chances]).all()


def test_a_lower_outcome_that_is_better_turns_the_chances(script):
    script()
    fit = bayes_ancova(participants(), **ANCOVA, direction="lower_is_better", mcid=3.0)
    row = fit.tidy().iloc[0]
    draws = next(iter(fit.fits.values())).targets[0].draws
    assert row["probability_benefit"] == pytest.approx((draws < 0).mean())
    assert row["probability_mcid"] == pytest.approx((draws < -3).mean())


def test_the_region_of_equivalence_is_the_plans_by_default(script):
    script()
    fit = bayes_ancova(participants(), **ANCOVA, priors=BayesPlan(rope=0.2))
    target = fit.main.targets[0]
    row = fit.tidy().query("method == 'bayes_ancova_neutral'").iloc[0]
    assert row["probability_rope"] == pytest.approx((np.abs(target.draws) < 0.2 * target.scale).mean())


def test_a_highest_density_interval_is_the_shortest(script):
    script()
    fit = bayes_ancova(participants(), **ANCOVA, priors=BayesPlan(interval="hdi"), conf_level=0.8)
    row = fit.tidy().iloc[0]
    draws = np.sort(next(iter(fit.fits.values())).targets[0].draws)
    inside = int(0.8 * len(draws))
    assert row["interval_kind"] == "hdi"
    assert row["conf_level"] == 0.8
    assert row["conf_high"] - row["conf_low"] == pytest.approx(
        (draws[inside:] - draws[:-inside]).min(), rel=1e-3
    )


def test_participants_are_counted_and_who_is_left_out_is_said(fit):
    table = fit.tidy()
    arm, mean = table[table["term"] == "arm"].iloc[0], table[table["term"] == "lsmean"].iloc[0]
    assert fit.decisions == ("participants left out: 1 (missing: after in 1)",)
    assert arm["reason"] == fit.decisions[0]
    assert arm["n_participants"] == 29
    assert mean["n_participants"] == 29
    assert "left out: 1" in str(fit)


def test_the_main_fit_is_the_neutral_one(fit, script):
    assert fit.main.prior == "neutral"
    script()
    alone = bayes_ancova(participants(), **ANCOVA, prior_sets=["enthusiastic", "sceptical", "sceptical"])
    assert alone.main.prior == "enthusiastic"
    assert list(alone.fits) == ["enthusiastic", "sceptical"]


def test_every_prior_has_a_seed_of_its_own(script):
    sampler = script()
    bayes_ancova(participants(), **ANCOVA, seed=1)
    bayes_ancova(participants(), **ANCOVA, seed=2)
    assert len({seed for _, seed, _ in sampler.asked}) == 6


def test_probabilities_of_ranges(fit):
    draws = fit.main.targets[0].draws
    found = fit.probability(above=1.0, below=4.0).iloc[0]
    assert found["probability"] == pytest.approx(((draws > 1) & (draws < 4)).mean())
    # independent draws: the error of a share
    p = found["probability"]
    assert found["mcse"] == pytest.approx(np.sqrt(p * (1 - p) / len(draws)), rel=0.3)
    other = fit.probability(above=0, prior="sceptical").iloc[0]["probability"]
    assert other == pytest.approx((fit.fits["sceptical"].targets[0].draws > 0).mean())


def test_a_prior_that_was_not_fitted_is_refused(fit):
    for ask in (lambda: fit.probability(above=0, prior="flat"), lambda: fit.to_arviz("flat")):
        with pytest.raises(InputError, match="'flat' was not fitted\n  remedy: use one of: sceptical"):
            ask()
    with pytest.raises(InputError):
        fit.probability()


def test_draws_and_chains_are_asked_for(script):
    sampler = script()
    bayes_ancova(participants(), **ANCOVA, draws=800, chains=3, prior_sets=["neutral"])
    plan = sampler.asked[0][0]
    assert (plan.draws, plan.chains, plan.tune) == (800, 3, 500)


def test_the_evidence_is_of_every_fit(fit):
    table = fit.evidence_table()
    assert list(table.columns)[:1] == ["prior"]
    assert list(table["prior"].unique()) == list(PRIOR_SETS)
    main = table[table["prior"] == "neutral"].drop(columns="prior").reset_index(drop=True)
    assert main.equals(fit.evidence.tidy())


def test_arviz_has_every_group(fit):
    tree = fit.to_arviz(n_predictive=20)
    groups = {"posterior", "sample_stats", "log_likelihood", "prior"}
    groups |= {"posterior_predictive", "prior_predictive", "observed_data"}
    for group in groups:
        assert len(tree[group].data_vars), group
    posterior = tree["posterior"]
    assert posterior["target"].dims == ("chain", "draw", "number")
    assert posterior["target"].to_numpy()[..., 0].ravel() == pytest.approx(fit.main.targets[0].draws)
    assert str(posterior["number"].to_numpy()[0]) == "cells - control, follow_up"
    assert tree["posterior_predictive"]["values"].shape == (4, 20, 29, 1)
    assert tree["log_likelihood"]["log_likelihood"].shape == (4, 1000, 29)
    summary = az.summary(posterior, var_names=["target"], round_to="none")
    assert float(summary["mean"].iloc[0]) == pytest.approx(fit.main.targets[0].draws.mean(), rel=1e-6)


def test_the_same_seed_gives_the_same_replicates(fit):
    one, same, other = (fit.to_arviz(n_predictive=10, seed=seed) for seed in (1, 1, 2))
    values = [tree["posterior_predictive"]["values"].to_numpy() for tree in (one, same, other)]
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[0] != values[2]).any()


def test_means_of_a_mixed_model_are_those_of_its_targets(script):
    fit = mixed(script)
    table = fit.tidy()
    shown = fit.emmeans("arm", by="visit")
    found = shown.tidy()
    own = table[table["term"] == "lsmean"]
    assert len(found) == len(own) == 3 * 4
    keys = ["method", "contrast", "visit"]
    numbers = ["estimate", "std_error", "conf_low", "conf_high"]
    np.testing.assert_allclose(
        found.sort_values(keys)[numbers], own.sort_values(keys)[numbers], rtol=1e-9, atol=1e-9
    )
    between, arms = shown.contrast().tidy(), table[table["term"] == "arm"]
    np.testing.assert_allclose(
        between.sort_values(keys)[numbers], arms.sort_values(keys)[numbers], rtol=1e-9, atol=1e-9
    )


def test_any_function_of_the_coefficients_has_a_posterior(script):
    fit = mixed(script)
    name = "arm[T.cells]:visit[T.day90]"
    place = fit.given.design.names.index(name)
    found = fit.contrast({"by name": {name: 1.0}, "by place": np.eye(5)[place]}).tidy()
    effect = fit.tidy().query("term == 'group_by_time'")
    for which in ("by name", "by place"):
        rows = found[found["contrast"] == which]
        assert rows["estimate"].to_numpy() == pytest.approx(effect["estimate"].to_numpy())
        assert rows["probability_benefit"].to_numpy() == pytest.approx(
            effect["probability_benefit"].to_numpy()
        )


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"x": {"amr": 1.0}}, ["contrast 'x' names amr", "use the coefficients: Intercept"]),
        ({"x": [1.0, 2.0]}, ["one finite weight for each of 5 coefficients", "in this order: Intercept"]),
        ({"x": [1.0, 2.0, np.nan, 0, 0]}, ["one finite weight for each of 5 coefficients"]),
        ({"x": {"Intercept": np.inf}}, ["one finite weight for each of 5 coefficients"]),
    ],
)
def test_weights_that_fit_no_coefficient_are_refused(script, weights, words):
    fit = mixed(script, prior_sets=["neutral"])
    with pytest.raises(InputError) as caught:
        fit.contrast(weights)
    for word in words:
        assert word in str(caught.value)


def test_a_common_baseline_and_several_later_visits(script):
    script()
    table = both_visits(participants())
    fit = bayes_mmrm(
        "score ~ age", table, subject="who", visit="visit", baseline="common", prior_sets=["neutral"]
    )
    shown = fit.tidy()
    assert set(shown.loc[shown["term"] == "arm", "visit"]) == {"day90"}


def outcome_rows():
    people = participants()
    people["who"] = [f"sub-{row:02d}" for row in range(len(people))]
    first = people.assign(outcome="force", baseline=people["before"], value=people["after"])
    second = first.assign(outcome="lesion", baseline=first["baseline"] / 10, value=first["value"] / 10 + 1)
    second.loc[second["who"] == "sub-03", "value"] = np.nan
    return [first, second]


def test_several_outcomes_have_a_row_each_and_one_for_the_family(script):
    script()
    import pandas as pd

    fit = bayes_outcomes(
        pd.concat(outcome_rows()),
        subject="who",
        directions={"force": "higher_is_better", "lesion": "lower_is_better"},
        mcids={"lesion": 0.4},
        prior_sets=["neutral"],
    )
    table = fit.tidy()
    assert list(table.columns) == ["outcome", *TIDY_COLUMNS]
    assert table["outcome"].tolist() == ["force", "lesion", "family"]
    assert table["n_participants"].tolist() == [30, 29, 30]
    draws = [target.draws for target in fit.main.targets]
    assert table["probability_benefit"].to_numpy() == pytest.approx(
        [(draws[0] > 0).mean(), (draws[1] < 0).mean(), (draws[2] > 0).mean()]
    )
    chances = table["probability_mcid"].to_numpy()
    assert chances[1] == pytest.approx((draws[1] < -0.4).mean())
    assert np.isnan(chances[[0, 2]]).all()
    assert fit.decisions == ("lesion: participants left out: 1 (missing: value in 1)",)


def test_changes_of_two_outcomes_and_their_association(script):
    script()
    people = participants().assign(
        mass0=lambda t: t["before"] / 8, mass1=lambda t: t["after"] / 8 + t["age"] / 60
    )
    people.loc[3, "mass1"] = np.nan
    fit = bayes_joint_change(
        people, x="mass1", x_baseline="mass0", y="after", y_baseline="before", arm="arm", reference="control",
        prior_sets=["neutral"],
    )  # fmt: skip
    table = fit.tidy()
    assert table["term"].tolist() == ["group_by_time", "group_by_time", "association", "association"]
    assert table["outcome"].tolist()[:2] == ["mass1", "after"]
    assert (table["n_participants"] == 29).all()
    correlation = fit.main.targets[2].draws
    assert np.abs(correlation).max() < 1
    assert table["estimate"].iloc[2] == pytest.approx(correlation.mean())
    assert np.isnan(table["probability_benefit"].iloc[2:].to_numpy(dtype=float)).all()
    assert fit.decisions == ("participants left out: 1 (missing: mass1 in 1)",)
