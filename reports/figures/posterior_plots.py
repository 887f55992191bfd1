"""Figures of a Bayesian fit: effects, priors beside posteriors, ranks of the chains; drawn by ArviZ in the house style."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurotrial.bayes_plan import FAMILY
from neurotrial.errors import refuse
from neurotrial.reports.figures.posterior_panels import (
    Believed,
    draw_forest,
    draw_prior_posterior,
    draw_ranks,
)
from neurotrial.reports.figures.style import in_house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurotrial.models.bayes.model import FloatArray, Target
    from neurotrial.models.bayes.result import BayesianFit, PriorFit

__all__ = ["plot_forest", "plot_prior_posterior", "plot_prior_sets", "plot_ranks"]

_PRIOR_DRAWS = 4000
_COLUMNS = 3
_TERMS = ("group_by_time", "arm")
"""Effects of arms; of a model that has both, the first carries the prior."""
_POOLED = "pooled effect"


@in_house_style
def plot_forest(fit: BayesianFit, *, prior: str | None = None, level: float = 0.95) -> Figure:
    """Draw the effects of the arms in baseline SDs, by outcome and visit, the pooled effect marked.

    Parameters
    ----------
    fit : BayesianFit
        A fitted model.
    prior : str, optional
        Name of the prior; the main one by default.
    level : float
        Probability of the thin lines, equal-tailed, in (0, 1); thick lines have 0.5, points are posterior means.

    Returns
    -------
    Figure
        matplotlib's; ``savefig`` writes it. Right of 0 is a benefit.

    Raises
    ------
    InputError
        If there is no such prior, or the fit has no effect on the scale of baseline SDs.
    """
    own = _prior_fit(fit, prior)
    return draw_forest(_effects(own, own.targets, _chains(own)), level, marked=_POOLED)


@in_house_style
def plot_prior_posterior(fit: BayesianFit, *, prior: str | None = None, seed: int = 0) -> Figure:
    """Draw the posterior of each effect over its prior.

    Parameters
    ----------
    fit : BayesianFit
        A fitted model.
    prior : str, optional
        Name of the prior; the main one by default.
    seed : int
        Root of the random stream of the prior's draws.

    Returns
    -------
    Figure
        A panel for each effect, in baseline SDs; right of 0 is a benefit. A wide prior may reach beyond the axis.

    Raises
    ------
    InputError
        As `plot_forest`.
    """
    own = _prior_fit(fit, prior)
    pairs = _pairs(own, seed)
    return draw_prior_posterior(
        [Believed(label, *pair) for label, pair in pairs.items()], min(len(pairs), _COLUMNS)
    )


@in_house_style
def plot_prior_sets(fit: BayesianFit, *, seed: int = 0) -> Figure:
    """Draw posteriors over priors for every set of priors side by side, e.g. sceptical, neutral, enthusiastic.

    Parameters
    ----------
    fit : BayesianFit
        A fitted model.
    seed : int
        Root of the random stream of the priors' draws.

    Returns
    -------
    Figure
        A column for each set, a row for each effect, in baseline SDs; right of 0 is a benefit.

    Raises
    ------
    InputError
        As `plot_forest`.
    """
    by_prior = {name: _pairs(own, seed) for name, own in fit.fits.items()}
    labels = list(next(iter(by_prior.values())))
    panels = [
        Believed("" if place else f"{name} prior", *pairs[label])
        for place, label in enumerate(labels)
        for name, pairs in by_prior.items()
    ]
    return draw_prior_posterior(panels, len(by_prior), rows=labels)


@in_house_style
def plot_ranks(fit: BayesianFit, *, prior: str | None = None) -> Figure:
    """Draw the ranks of each chain for each effect: chains that mix stay within the band.

    Parameters
    ----------
    fit : BayesianFit
        A fitted model.
    prior : str, optional
        Name of the prior; the main one by default.

    Returns
    -------
    Figure
        A panel for each effect, see `neurotrial.reports.figures.posterior_panels.draw_ranks`.

    Raises
    ------
    InputError
        As `plot_forest`.
    """
    own = _prior_fit(fit, prior)
    return draw_ranks(_effects(own, own.targets, _chains(own)))


def _prior_fit(fit: BayesianFit, prior: str | None) -> PriorFit:
    if prior is None:
        return fit.main
    if prior not in fit.fits:
        raise refuse("prior", f"{prior!r} was not fitted", f"use one of: {', '.join(fit.fits)}")
    return fit.fits[prior]


def _chains(own: PriorFit) -> int:
    return own.posterior.draws.n_chains


def _effects(own: PriorFit, targets: list[Target], chains: int) -> dict[str, FloatArray]:
    """Return the effects in baseline SDs, oriented, shape (chains, draws), by label."""
    for term in _TERMS:
        found = {
            _label(target, several=len(own.targets) > 1): target.sign
            * target.draws.reshape(chains, -1)
            / target.scale
            for target in targets
            if target.term == term and target.sign and np.isfinite(target.scale)
        }
        if found:
            return found
    remedy = "figures of effects are for models that compare arms"
    raise refuse("fit", "has no effect on the scale of baseline SDs", remedy)


def _label(target: Target, *, several: bool) -> str:
    what = _POOLED if target.outcome == FAMILY else target.outcome
    when = target.visit if several and not target.outcome and target.visit not in target.contrast else ""
    return ": ".join(part for part in (what or when, target.contrast) if part)


def _pairs(own: PriorFit, seed: int) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return draws of prior and posterior of each effect, shape (draws,), by label."""
    rng = np.random.default_rng(seed)
    prior = _effects(own, own.model.targets(own.model.draw_prior(rng, _PRIOR_DRAWS)), 1)
    posterior = _effects(own, own.targets, _chains(own))
    return {label: (prior[label].ravel(), draws.ravel()) for label, draws in posterior.items()}
