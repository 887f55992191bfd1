"""Posteriors of the shapes that the quick suite does not compile, against classical fits, limits and exact mixtures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from bayes_fixture import ANCOVA, ancova_question, both_visits, participants

from neurotrial.bayes_plan import (
    BayesPlan,
    EffectPriors,
    HistoricalControls,
    NormalPrior,
    NuisancePriors,
    PublishedArm,
)
from neurotrial.models import bayes_ancova, bayes_joint_change, bayes_mmrm, bayes_outcomes, mmrm
from neurotrial.models.bayes.fit import sample_posterior
from neurotrial.models.bayes.sampling import PYMC
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_calibration.exact import exact_ancova
from neurotrial.models.bayes_calibration.verify import LIMIT
from neurotrial.models.bayes_evidence.convergence import precision
from neurotrial.models.bayes_priors.historical import published_prior
from neurotrial.models.bayes_priors.mixture_prior import posterior_mixture

pytestmark = pytest.mark.slow

FLAT = NuisancePriors(
    intercept_sd=100,
    slope=NormalPrior(mean=0.5, sd=100),
    covariate_sd=100,
    imbalance_sd=100,
    residual_sd=100,
)
WIDE = EffectPriors(neutral=NormalPrior(mean=0.0, sd=100.0))
"""As good as flat: 100 baseline SDs."""


def plan(**others):
    return BayesPlan(effect=WIDE, others=FLAT.model_copy(update=others))


def mcse(fit, draws):
    return precision("", draws.reshape(fit.main.posterior.draws.energy.shape)).mcse_mean


def close(fit, draws, estimate, std_error, shift=0.1):
    """Mean and SD of a posterior are those of a classical fit, up to Monte Carlo error and a share of its error."""
    assert abs(draws.mean() - estimate) < LIMIT * mcse(fit, draws) + shift * std_error
    assert draws.std() == pytest.approx(std_error, rel=0.15)


def four_visits(n=80, seed=6):
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(100 * (0.3 * np.eye(4) + 0.7))
    arm = np.where(np.arange(n) % 3 == 0, "control", "cells")
    people = pd.DataFrame(
        {"who": [f"sub-{i:02d}" for i in range(n)], "arm": arm, "age": rng.normal(60, 8, n)}
    )
    scores = 40 + rng.normal(size=(n, 4)) @ root.T + np.arange(4) * (1 + 2 * (arm == "cells"))[:, None]
    scores[rng.uniform(size=(n, 4)) < 0.15] = np.nan
    parts = [people.assign(visit=f"v{place}", score=scores[:, place]) for place in range(4)]
    long = pd.concat(parts, ignore_index=True)
    return long.assign(arm=pd.Categorical(long["arm"], ["control", "cells"]))


@pytest.mark.parametrize("baseline", ["first", "common"])
def test_wide_priors_give_the_mixed_model_by_restricted_likelihood(baseline):
    """Posterior means lie within a tenth of a standard error, SDs within 15 %: the covariance has a prior, REML none."""
    from neurotrial.models import clda

    table = four_visits()
    fit = bayes_mmrm(
        "score ~ arm * visit + age" if baseline == "first" else "score ~ age", table, subject="who", visit="visit",
        baseline=baseline, priors=plan(), prior_sets=["neutral"], draws=2000,
    )  # fmt: skip
    if baseline == "first":
        classical = mmrm("score ~ arm * visit + age", table, subject="who", visit="visit")
    else:
        classical = clda("score ~ age", table, subject="who", visit="visit", arm="arm")
    effects = classical.effects("arm")
    effects = effects[effects["term"] != "lsmean"].set_index(["term", "contrast", "visit"])
    compared = [target for target in fit.main.targets if target.term != "lsmean"]
    assert len(compared) == len(effects)
    for target in compared:
        row = effects.loc[(target.term, target.contrast, target.visit)]
        close(fit, target.draws, row["estimate"], row["std_error"])
    assert fit.evidence.ok, fit.evidence.faults


def test_light_tails_are_the_normal_model():
    """102 degrees of freedom, give or take 10: the exact posterior of normal residuals, up to a tenth of its SD."""
    own = BayesPlan(residuals="student", others=NuisancePriors(tail_shape=100, tail_rate=1))
    fit = bayes_ancova(participants(60), **ANCOVA, priors=own, prior_sets=["neutral"])
    given = standardise(participants(60), **ANCOVA)
    exact = exact_ancova(given.visits, own.effect.neutral, own.others)
    close(fit, fit.main.targets[0].draws, given.sd * exact.mean, given.sd * exact.sd)
    assert fit.main.posterior.draws.flat["dof"].mean() == pytest.approx(102, rel=0.05)


def test_an_outlier_moves_heavy_tails_less():
    people = participants(60)
    wild = people.copy()
    wild.loc[wild.index[wild["arm"] == "cells"][0], "after"] += 200.0
    moved = {}
    for residuals in ("gaussian", "student"):
        fits = [
            bayes_ancova(table, **ANCOVA, priors=BayesPlan(residuals=residuals), prior_sets=["neutral"])
            for table in (people, wild)
        ]
        means = [fit.main.targets[0].draws.mean() for fit in fits]
        moved[residuals] = abs(means[1] - means[0])
    assert moved["gaussian"] > 3.0
    assert moved["student"] < 0.4 * moved["gaussian"]
    assert np.median(fits[1].main.posterior.draws.flat["dof"]) < 6


def test_values_of_a_participant_share_a_heavy_tail():
    """A mixed model with Student residuals converges and agrees with the normal one on normal data, up to 0.3 SDs."""
    table = four_visits()
    found = [
        bayes_mmrm(
            "score ~ arm * visit", table, subject="who", visit="visit", priors=BayesPlan(residuals=residuals),
            prior_sets=["neutral"],
        ).tidy()
        for residuals in ("gaussian", "student")
    ]  # fmt: skip
    assert (found[1]["status"] == "ok").all()
    away = (found[0]["estimate"] - found[1]["estimate"]).abs() / found[0]["std_error"]
    assert away.max() < 0.3


def test_three_arms_with_covariates_have_the_exact_posterior():
    people = participants(45)
    people["arm"] = np.array(["control", "low", "high"])[np.arange(45) % 3]
    given = standardise(people, **ANCOVA, covariates=["age", "site"])
    fit = bayes_ancova(people, **ANCOVA, covariates=["age", "site"], prior_sets=["enthusiastic"])
    own = BayesPlan()
    for arm, target in enumerate(fit.main.targets[:2]):
        exact = exact_ancova(given.visits, own.effect.enthusiastic, own.others, arm)
        assert target.contrast == f"{given.table.compared[arm]} - control"
        assert abs(target.draws.mean() - given.sd * exact.mean) < LIMIT * mcse(fit, target.draws)
        assert target.draws.std() == pytest.approx(given.sd * exact.sd, rel=0.06)


@pytest.mark.parametrize("weight", [0.7, 1.0])
def test_published_arms_are_updated_as_a_mixture(weight):
    """The reference arm's mean has the exact posterior of a mixture prior and a normal estimate, up to 5 % of its SD.

    Prior and data disagree, so that the weights of the components matter.
    """
    people = participants(300)
    arms = [PublishedArm(source="Trial A", n=50, mean_change=3.0, sd_change=8.0)]
    controls = HistoricalControls(outcome="after", method="power", power=1.0, robust_weight=weight, arms=arms)
    own = plan(intercept_sd=1.0).model_copy(update={"historical": [controls]})
    fit = bayes_ancova(people, **ANCOVA, priors=own, prior_sets=["neutral"], draws=4000)
    given = standardise(people, **ANCOVA)
    columns = np.column_stack([np.ones(len(people)), given.visits.baseline, given.visits.arms])
    ols = sm.OLS(given.visits.follow_up, columns).fit()
    expected = posterior_mixture(published_prior(own, "after", given.sd), ols.params[0], ols.bse[0])
    draws = fit.main.posterior.draws.flat["coefficients"][:, 0]
    assert abs(draws.mean() - expected.mean) < LIMIT * mcse(fit, draws) + 0.05 * expected.sd
    assert draws.std() == pytest.approx(expected.sd, rel=0.08)
    for probability in (0.05, 0.5, 0.95):
        assert (draws < expected.quantile(probability)).mean() == pytest.approx(probability, abs=0.03)
    vague = plan(intercept_sd=1.0)
    plain = bayes_ancova(people, **ANCOVA, priors=vague, prior_sets=["neutral"]).main
    away = plain.posterior.draws.flat["coefficients"][:, 0].mean() - draws.mean()
    assert abs(away) > 0.3 * expected.sd


def outcome_rows(n, seed=9, effects=(0.5, 0.5)):
    rng = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 2 == 0, "control", "cells")
    parts = []
    for place, effect in enumerate(effects):
        before = rng.normal(size=n) * 10.0**place
        after = before * 0.7 + 10.0**place * (effect * (arm == "cells") + rng.normal(0, 0.6 + 0.3 * place, n))
        parts.append(
            pd.DataFrame(
                {
                    "who": np.arange(n).astype(str),
                    "arm": arm,
                    "outcome": f"o{place}",
                    "baseline": before,
                    "value": after,
                }
            )
        )
    return pd.concat(parts, ignore_index=True).assign(
        arm=lambda t: pd.Categorical(t["arm"], ["control", "cells"])
    )


def test_without_spread_the_effect_on_the_family_is_the_weighted_mean():
    """Independent outcomes, no spread between effects: least squares weighted by their precision, up to 0.1 SE."""
    rows = outcome_rows(200)
    own = plan(pooling_sd=0.001, correlation_eta=100)
    fit = bayes_outcomes(rows, subject="who", priors=own, prior_sets=["neutral"], draws=2000)
    effects, errors = [], []
    for target, name in zip(fit.main.targets, ("o0", "o1"), strict=False):
        table = rows[rows["outcome"] == name]
        columns = np.column_stack([np.ones(200), table["baseline"], table["arm"] == "cells"]).astype(float)
        ols = sm.OLS(table["value"].to_numpy(), columns).fit()
        effects.append(ols.params[2] / target.scale)
        errors.append(ols.bse[2] / target.scale)
    weights = np.array(errors) ** -2
    close(fit, fit.main.targets[2].draws, weights @ effects / weights.sum(), weights.sum() ** -0.5)
    family = fit.main.targets[2].draws
    for target in fit.main.targets[:2]:
        assert np.abs(target.draws / target.scale - family).max() < 0.02


def test_effects_that_differ_are_pooled_but_not_made_equal():
    """With the default spread the effects lie between their own estimates and their mean, in their order."""
    rows = outcome_rows(80, effects=(0.0, 1.2))
    fit = bayes_outcomes(rows, subject="who", prior_sets=["neutral"])
    low, high, family = (target.draws.mean() / target.scale for target in fit.main.targets)
    own = []
    for name in ("o0", "o1"):
        table = rows[rows["outcome"] == name].set_index("who")
        given = standardise(table, outcome="value", baseline="baseline", arm="arm", reference="control")
        columns = np.column_stack([np.ones(80), given.visits.baseline, given.visits.arms])
        own.append(sm.OLS(given.visits.follow_up, columns).fit().params[2])
    assert own[0] < low < family < high < own[1]
    assert fit.evidence.ok, fit.evidence.faults


def test_the_association_is_that_of_least_squares():
    """Wide priors: slope and partial correlation of the follow-ups given both baselines and the arm, up to 0.1 SE."""
    n, rng = 200, np.random.default_rng(12)
    arm = np.where(np.arange(n) % 2 == 0, "control", "cells")
    x0, y0 = rng.normal(size=(2, n))
    x1 = 0.6 * x0 + 0.3 * (arm == "cells") + rng.normal(0, 0.7, n)
    y1 = 10 * (0.7 * y0 + 0.5 * (x1 - 0.6 * x0) + 0.2 * (arm == "cells") + rng.normal(0, 0.6, n))
    people = pd.DataFrame(
        {"arm": pd.Categorical(arm, ["control", "cells"]), "x0": x0, "x1": x1, "y0": 10 * y0, "y1": y1}
    )
    fit = bayes_joint_change(
        people, x="x1", x_baseline="x0", y="y1", y_baseline="y0", arm="arm", priors=plan(), prior_sets=["neutral"],
        draws=2000,
    )  # fmt: skip
    columns = np.column_stack([np.ones(n), x1, x0, y0, arm == "cells"]).astype(float)
    ols = sm.OLS(y1, columns).fit()
    correlation, slope = fit.main.targets[-2:]
    close(fit, slope.draws, ols.params[1], ols.bse[1])
    # a partial correlation from its t, with its standard error
    t = ols.tvalues[1]
    partial = t / np.sqrt(t**2 + ols.df_resid)
    close(fit, correlation.draws, partial, (1 - partial**2) / np.sqrt(ols.df_resid))
    assert fit.evidence.ok, fit.evidence.faults


def test_pymc_s_own_sampler_serves_where_nutpie_is_missing():
    asked = ancova_question(prior="neutral")
    found = sample_posterior(asked, PYMC)
    assert found.sampler == PYMC
    assert not found.fault
    given = standardise(participants(), **ANCOVA)
    exact = exact_ancova(given.visits, asked.plan.effect.neutral, asked.plan.others)
    target = asked.model.targets(found.draws.flat)[0]
    draws = (target.draws / target.scale).reshape(found.draws.energy.shape)
    worth = precision("", draws)
    assert abs(draws.mean() - exact.mean) < LIMIT * worth.mcse_mean
    assert abs(draws.std() - exact.sd) < LIMIT * worth.mcse_sd


def test_two_visits_of_a_mixed_model_by_pymc_s_own_sampler():
    from neurotrial.models.bayes.asked import Wording
    from neurotrial.models.bayes.fit import Question
    from neurotrial.models.bayes_calibration.exact_group_time import exact_group_time, pair_model
    from neurotrial.models.bayes_gaussian.mmrm_model import mmrm_model, repeated_measures

    own = BayesPlan()
    given = repeated_measures(
        "score ~ arm * visit", both_visits(participants()), subject="who", visit="visit", arm="arm"
    )
    found = sample_posterior(Question(mmrm_model(given, own.effect.neutral, own, Wording()), own, 5), PYMC)
    exact = exact_group_time(
        pair_model(standardise(participants(), **ANCOVA).visits, own.effect.neutral, own.others)
    )
    draws = found.draws.variables["coefficients"][..., -1]
    assert not found.fault
    assert abs(draws.mean() - exact.mean) < LIMIT * precision("", draws).mcse_mean
