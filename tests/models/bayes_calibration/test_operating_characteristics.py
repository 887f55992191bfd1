"""Operating characteristics against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from conjugate_fixture import ExactSampling, conjugate_model
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from neurotrial.bayes_plan import NormalPrior, NuisancePriors
from neurotrial.errors import InputError
from neurotrial.models.bayes_calibration.generators import simulate_trials
from neurotrial.models.bayes_calibration.operating_characteristics import (
    ANY,
    BLOCK,
    Block,
    analyse_blocks,
    operating,
    share,
)
from neurotrial.models.bayes_calibration.scenarios import SCENARIOS, Scenario
from neurotrial.models.bayes_calibration.trial_posteriors import (
    SampledAnalysis,
    TrialPosteriors,
    exact_ancovas,
    exact_group_times,
)

WIDE = NormalPrior.model_construct(mean=0.0, sd=1e5)
FLAT = NuisancePriors.model_construct(
    intercept_sd=1e5, slope=WIDE, covariate_sd=1.0, imbalance_sd=1.0, residual_sd=1e5, correlation_eta=1.0
)
N, P = 44, 3


def least_squares(trials, effect, seed):
    """The reference posterior, t on n - p degrees of freedom, of every trial."""
    del effect, seed
    before, after = trials.baseline[..., 0], trials.follow_up[..., 0]
    arm = np.broadcast_to(trials.treated.astype(float), before.shape)
    design = np.stack([np.ones_like(before), before, arm], axis=2)
    cross = np.linalg.inv(np.swapaxes(design, 1, 2) @ design)
    estimate = np.einsum("tpq,tnq,tn->tp", cross, design, after)
    residual = after - np.einsum("tnp,tp->tn", design, estimate)
    scale = np.sqrt((residual**2).sum(axis=1) / (N - P) * cross[:, 2, 2])
    own = stats.t(N - P, estimate[:, 2], scale)
    parts = (own.mean(), own.ppf(0.025), own.ppf(0.975), own.sf(0.0))
    return TrialPosteriors(*(part[:, None] for part in parts), np.zeros(len(trials), dtype=int))


def judged(scenario, analysis, n, prior=WIDE, seed=0, threshold=0.975):
    blocks = list(analyse_blocks(scenario, analysis, prior, list(range(-(-n // BLOCK))), seed=seed))
    return operating(scenario, blocks, n, threshold).tidy().set_index("quantity")


def noncentrality(effect, n=4000):
    """Of trials with their own baselines: power is its mean over them."""
    trials = simulate_trials(Scenario("own", 0.0), n, np.random.SeedSequence(99))
    before, treated = trials.baseline[..., 0], trials.treated
    means = [before[:, treated == label].mean(axis=1) for label in (0, 1)]
    within = sum(
        ((before[:, treated == label] - mean[:, None]) ** 2).sum(axis=1) for label, mean in enumerate(means)
    )
    variance = 1 / 31 + 1 / 13 + (means[1] - means[0]) ** 2 / within
    return effect / np.sqrt(0.51 * variance)


def within_four_errors(row, truth):
    assert abs(row["estimate"] - truth) < 4 * np.sqrt(truth * (1 - truth) / row["n_simulations"])


def test_the_flat_rule_has_the_one_sided_level_of_its_threshold():
    found = judged(SCENARIOS["no_effect"], least_squares, 4000)
    within_four_errors(found.loc["type_i_error"], 0.025)
    within_four_errors(found.loc["coverage"], 0.95)
    assert abs(found.loc["bias", "estimate"]) < 4 * found.loc["bias", "std_error"]


def test_power_is_that_of_the_noncentral_t():
    effect = 0.6
    power = stats.nct.sf(stats.t.isf(0.025, N - P), N - P, noncentrality(effect)).mean()
    found = judged(SCENARIOS["medium_effect"], least_squares, 4000)
    within_four_errors(found.loc["power"], float(power))
    within_four_errors(found.loc["coverage"], 0.95)


def test_the_shipped_ancova_with_wide_priors_has_its_closed_form():
    """A flat prior of sigma takes a degree of freedom: the level is a little below 2.5 %, known exactly."""
    df = N - P
    critical = stats.t.isf(0.025, df - 1) * np.sqrt(df / (df - 1))
    level, power = stats.t.sf(critical, df), stats.nct.sf(critical, df, noncentrality(0.6)).mean()
    analysis = exact_ancovas(FLAT)
    found = judged(SCENARIOS["no_effect"], analysis, 1500)
    within_four_errors(found.loc["type_i_error"], level)
    within_four_errors(found.loc["coverage"], 1 - 2 * level)
    within_four_errors(judged(SCENARIOS["medium_effect"], analysis, 1500).loc["power"], float(power))


def test_assurance_is_power_over_the_design_prior():
    prior = NormalPrior(mean=0.5, sd=0.3)
    effects = stats.norm(prior.mean, prior.sd).ppf((np.arange(4000) + 0.5) / 4000)
    rng = np.random.default_rng(5)
    shifts = noncentrality(1.0) * rng.permutation(effects)
    assurance = stats.nct.sf(stats.t.isf(0.025, N - P), N - P, shifts).mean()
    found = judged(Scenario("own", prior), least_squares, 4000)
    within_four_errors(found.loc["assurance"], float(assurance))


def test_priors_shrink_and_missing_values_leave_the_complete_ones():
    sceptical = judged(SCENARIOS["medium_effect_missing"], exact_ancovas(), 500, NormalPrior(sd=0.3))
    flat = judged(SCENARIOS["medium_effect_missing"], exact_ancovas(), 500, NormalPrior(sd=5))
    assert sceptical.loc["bias", "estimate"] < -0.1
    # a trial's own SD of baseline is the unit of the prior only: estimates stay without bias
    assert abs(flat.loc["bias", "estimate"]) < 4 * flat.loc["bias", "std_error"]
    assert sceptical.loc["power", "estimate"] < flat.loc["power", "estimate"]


def test_group_by_time_wants_complete_trials():
    with pytest.raises(InputError, match="complete trials only"):
        judged(SCENARIOS["no_effect_missing"], exact_group_times(), 2)


def test_false_claims_for_any_outcome_are_counted_together():
    """Independent outcomes without an effect: 1 - 0.975^2; the affected one is not among them."""
    scenario = Scenario("own", 5.0, outcomes=3, affected=1)
    table = judged(scenario, exact_ancovas(FLAT), 1000).reset_index().set_index(["outcome", "quantity"])
    assert table.loc[("1", "power"), "estimate"] == 1
    df = N - P
    level = stats.t.sf(stats.t.isf(0.025, df - 1) * np.sqrt(df / (df - 1)), df)
    within_four_errors(table.loc[("2", "type_i_error")], level)
    within_four_errors(table.loc[(ANY, "type_i_error")], 1 - (1 - level) ** 2)


@pytest.mark.parametrize(("hits", "n"), [(0, 40), (3, 40), (40, 40)])
def test_shares_have_exact_intervals(hits, n):
    found = share(np.arange(n) < hits)
    low, high = proportion_confint(hits, n, method="beta")
    assert (found["conf_low"], found["conf_high"]) == pytest.approx((low, high), abs=1e-10)
    assert found["estimate"] == hits / n


def test_more_trials_do_not_change_the_first():
    few = list(analyse_blocks(SCENARIOS["no_effect"], least_squares, WIDE, [1]))
    many = list(analyse_blocks(SCENARIOS["no_effect"], least_squares, WIDE, [0, 1, 2]))
    assert np.array_equal(few[0].mean, many[1].mean)
    forwards, backwards = (
        operating(SCENARIOS["no_effect"], blocks, 120).tidy() for blocks in (many, many[::-1])
    )
    assert forwards.equals(backwards)


def test_sampled_posteriors_of_each_trial():
    """A model with exact draws, with the arm as its only regressor, through the way of the samplers."""

    def make(frame, effect):
        model = conjugate_model()
        design = np.column_stack([np.ones(44), frame["arm"] == "cells", frame["baseline_1"]]).astype(float)
        precision = np.diag([1e-8, effect.sd**-2, 1e-8])
        flat = type(model.prior)(np.array([0, effect.mean, 0]), precision, 0.0, 0.0)
        return type(model)(frame["follow_up_1"].to_numpy(), design, flat)

    def chosen(target):
        return target.term == "arm"

    analysis = SampledAnalysis(make, ExactSampling(draws=2000, diverging=2), chosen)
    (block,) = analyse_blocks(SCENARIOS["medium_effect"], analysis, NormalPrior(sd=9.0), [0])
    # the target is ten times the effect
    reference = next(analyse_blocks(SCENARIOS["medium_effect"], least_squares, WIDE, [0]))
    assert block.mean / 10 == pytest.approx(reference.mean, abs=0.03)
    assert block.benefit == pytest.approx(reference.benefit, abs=0.06)
    found = operating(SCENARIOS["medium_effect"], [block], BLOCK).tidy()
    assert 0 < found["divergent"].iloc[0] < BLOCK

    wrong = SampledAnalysis(make, ExactSampling(), lambda target: target.term == "lsmean")
    with pytest.raises(InputError, match="0 chosen targets for 1 outcomes"):
        next(analyse_blocks(SCENARIOS["medium_effect"], wrong, WIDE, [0]))


def test_wrong_questions_are_refused():
    block = Block(0, *(np.zeros((3, 1)) for _ in range(5)), np.zeros(3))
    with pytest.raises(InputError, match="more than were simulated"):
        operating(SCENARIOS["no_effect"], [block], 4)
    with pytest.raises(InputError, match="not between 0 and 1"):
        operating(SCENARIOS["no_effect"], [block], 3, threshold=1.0)
