"""Figures of a Bayesian fit: what is on them, whatever the generation of ArviZ; the draws are made without a sampler."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from neurotrial.bayes_plan import BayesPlan, NuisancePriors
from neurotrial.errors import InputError
from neurotrial.models.bayes.asked import Wording
from neurotrial.models.bayes.fit import Posterior, Question, converged
from neurotrial.models.bayes.result import BayesianFit, PriorFit
from neurotrial.models.bayes.sampling import Draws
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_evidence.loo_pit import LooPit
from neurotrial.models.bayes_gaussian.ancova_model import ancova_model
from neurotrial.models.bayes_gaussian.outcomes_model import outcome_tables, outcomes_model
from neurotrial.reports.figures.posterior_checks import draw_loo_pit, plot_predictive
from neurotrial.reports.figures.posterior_plots import (
    plot_forest,
    plot_prior_posterior,
    plot_prior_sets,
    plot_ranks,
)

CHAINS, LENGTH = 2, 60
PLAN = BayesPlan(others=NuisancePriors(intercept_sd=0.5, residual_sd=0.5))


def people(n=18, seed=3):
    rng = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 3 == 0, "control", "cells")
    before = rng.normal(40, 10, n)
    return pd.DataFrame(
        {"participant_id": [f"sub-{i:02d}" for i in range(n)], "arm": arm, "baseline": before,
         "value": before + rng.normal(4, 5, n)}
    )  # fmt: skip


def drawn(model, seed):
    """A posterior whose draws are those of the prior."""
    flat = model.draw_prior(np.random.default_rng(seed), CHAINS * LENGTH)
    size = (CHAINS, LENGTH)
    zeros = np.zeros(size)
    variables = {name: values.reshape(*size, *values.shape[1:]) for name, values in flat.items()}
    energy = np.random.default_rng(seed).normal(size=size)
    draws = Draws(variables, energy, zeros.astype(bool), zeros, zeros.astype(bool))
    return Posterior(draws, converged(model, draws), "none", PLAN.sampling, 1, "")


def fitted(models, wordings):
    fits = {
        prior: PriorFit(prior, Question(model, PLAN, 1), drawn(model, seed))
        for seed, (prior, model) in enumerate(models.items())
    }
    return BayesianFit(fits, wordings)


@pytest.fixture(scope="module")
def single():
    asked = Wording(visit="day90")
    given = standardise(people(), outcome="value", baseline="baseline", arm="arm", reference="control")
    models = {
        prior: ancova_model(given, getattr(PLAN.effect, prior), PLAN, asked, None)
        for prior in ("sceptical", "neutral")
    }
    return fitted(models, {"": asked})


@pytest.fixture(scope="module")
def several():
    asked = {"motor": Wording(visit="day90"), "fa": Wording("lower_is_better", "day90")}
    table = pd.concat([people(seed=seed).assign(outcome=name) for seed, name in enumerate(asked)])
    given = outcome_tables(
        table, subject="participant_id", outcome="outcome", value="value", baseline="baseline", arm="arm",
        reference="control",
    )  # fmt: skip
    return fitted({"neutral": outcomes_model(given, PLAN.effect.neutral, PLAN, asked)}, asked)


def words(figure):
    figure.draw_without_rendering()
    own = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return " | ".join(
        [*own, *(text.get_text() for panel in figure.axes for text in panel.texts)]
        + [
            part
            for panel in figure.axes
            for part in (panel.get_title(), panel.get_xlabel(), panel.get_ylabel())
        ]
    ).replace("\n", " ")


def test_the_forest_marks_the_pooled_effect_in_baseline_sds(several):
    figure = plot_forest(several)
    for label in ("motor: cells - control", "fa: cells - control", "pooled effect: cells - control"):
        assert label in words(figure)
    panel = figure.axes[1]
    intervals = [line for line in panel.lines if len(set(np.round(line.get_xdata(), 9))) > 1]
    # a thick and a thin line for each of three effects, those of the pooled one in another colour
    assert len(intervals) == 6
    assert sum(line.get_color() == "#D55E00" for line in intervals) == 2
    lowest = min(float(np.mean(line.get_ydata())) for line in intervals)
    assert {float(np.mean(line.get_ydata())) for line in intervals if line.get_color() == "#D55E00"} == {
        lowest
    }
    fa = next(target for target in several.main.targets if target.outcome == "fa")
    ends = np.quantile(-fa.draws / fa.scale, [0.025, 0.975])
    assert any(np.allclose(sorted(line.get_xdata()), ends, atol=0.05) for line in intervals)


def test_no_figure_stays_open(single):
    plot_forest(single)
    assert plt.get_fignums() == []


def test_priors_stand_behind_posteriors_set_by_set(single, several):
    figure = plot_prior_sets(single)
    assert [panel.get_title() for panel in figure.axes] == ["sceptical prior", "neutral prior"]
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    text = words(plot_prior_posterior(several))
    assert "Baseline SDs; above 0: benefit" in text
    assert text.startswith("prior | posterior")
    assert text.count("cells - control") == 3


def test_every_chain_has_its_ranks(single):
    figure = plot_ranks(single, prior="sceptical")
    assert len(figure.axes) == 1
    assert len(figure.axes[0].lines) == CHAINS
    assert "chain 1 | chain 2" in words(figure)


def test_replicates_stand_beside_those_observed_by_arm(single):
    figure = plot_predictive(single, n_replicates=7, label="Motor score, points")
    assert [panel.get_title() for panel in figure.axes] == ["day90, control (n = 6)", "day90, cells (n = 12)"]
    assert "Motor score, points" in words(figure)
    seen_by_arm = people().groupby("arm")["value"]
    for panel, arm in zip(figure.axes, ("control", "cells"), strict=True):
        assert len(panel.lines) == 7 + 1
        seen = seen_by_arm.get_group(arm)
        shown = np.asarray(panel.lines[-1].get_xdata(), dtype=float)
        assert shown.max() == pytest.approx(seen.max())


def test_loo_pit_shows_each_participant_by_arm():
    rng = np.random.default_rng(1)
    values = np.column_stack([rng.uniform(size=12), rng.uniform(size=12)])
    values[3, 1] = np.nan
    pit = LooPit(("baseline", "day90"), values, np.array([0.4, 0.02]))
    arms = ("control",) * 5 + ("cells",) * 7
    figure = draw_loo_pit(pit, arms)
    assert [panel.get_title() for panel in figure.axes] == ["baseline (p = 0.4)", "day90 (p = 0.02)"]
    counts = [[len(line.get_xdata()) for line in panel.lines[1:]] for panel in figure.axes]
    assert counts == [[5, 7], [4, 7]]
    own = np.sort(np.concatenate([np.sum(line.get_data(), axis=0) for line in figure.axes[0].lines[1:]]))
    assert own == pytest.approx(np.sort(values[:, 0]))


def test_an_unknown_prior_is_refused(single):
    for draw in (plot_forest, plot_ranks, plot_prior_posterior, plot_predictive):
        with pytest.raises(InputError, match="was not fitted"):
            draw(single, prior="hopeful")
