"""Figures from the draws that a fit keeps: ranks of the chains, and posteriors over their priors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.reports.cited import derived
from neurotrial.reports.effects import BAYES_LABELS, capitalised
from neurotrial.reports.figures.posterior_panels import Believed, draw_prior_posterior, draw_ranks
from neurotrial.reports.figures.style import in_house_style, mark_simulated, note_simulated
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import is_missing, number, whole
from neurotrial.reports.posteriors import bayes_kinds, posterior_outcomes, posteriors_of
from neurotrial.results import POSTERIOR_FOLDER, RESULTS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis

__all__ = ["StoredDraws", "rank_figure", "stored_draws", "stored_prior_figure"]

_MAIN = "neutral"
_NORMAL = ("bayes_ancova", "bayes_group_time")
"""Models in which the prior of the effect is the declared normal one; in others it is that of another number."""
_QUANTILES = (np.arange(2000) + 0.5) / 2000
_SAME = 1e-6
"""Largest distance of an estimate from the mean of its draws, in their SD."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredDraws:
    """The draws of an effect, in baseline SDs and oriented: above 0 is a benefit.

    Attributes
    ----------
    effect : Effect
        The estimate.
    kind, prior : str
        Bayesian method, and set of the prior.
    draws : ndarray, shape (chains, draws)
        From the posterior.
    prior_mean, prior_sd : float
        Of the declared prior.
    rhat : float
        Of the effect.
    """

    effect: Effect
    kind: str
    prior: str
    draws: FloatArray
    prior_mean: float
    prior_sd: float
    rhat: float


def stored_draws(data: CitedResults, analysis: Analysis, folder: Path | None) -> list[StoredDraws]:
    """Return the draws of the effects of an analysis, as far as the study folder holds their files."""
    return [] if folder is None else list(_stored(data, analysis, folder / RESULTS_FOLDER / POSTERIOR_FOLDER))


def _stored(data: CitedResults, analysis: Analysis, folder: Path) -> Iterator[StoredDraws]:
    for outcome in posterior_outcomes(data, analysis):
        sign = 1 if outcome.direction == "higher_is_better" else -1
        for kind in bayes_kinds(analysis):
            for prior, effects in posteriors_of(data, analysis, outcome, kind).items():
                for effect in effects:
                    row = data.row("diagnostics", f"diagnostics/{effect.key}")
                    if effect.failure or row is None or is_missing(row.values["posterior"]):
                        continue
                    draws = _read(folder / row.values["posterior"], effect.estimate or 0.0)
                    if draws is not None:
                        shown = sign * draws / float(row["baseline_sd"])
                        about = (float(row[name]) for name in ("prior_mean", "prior_sd", "rhat"))
                        yield StoredDraws(effect, kind, prior, shown, *about)


def _read(path: Path, estimate: float) -> FloatArray | None:
    """Return the number of a file whose mean is the estimate, shape (chains, draws), or None."""
    import h5netcdf

    if not path.is_file():
        return None
    with h5netcdf.File(path, "r") as file:
        variables = file.groups["posterior"].variables
        if "target" not in variables:
            return None
        numbers = np.asarray(variables["target"][...])
    means, sds = numbers.mean(axis=(0, 1)), numbers.std(axis=(0, 1))
    apart = np.abs(means - estimate) / np.where(sds > 0, sds, 1.0)
    return numbers[:, :, int(apart.argmin())] if apart.min() < _SAME else None


@in_house_style
def rank_figure(data: CitedResults, analysis: Analysis, stored: list[StoredDraws]) -> Plot | None:
    """Draw the ranks of the chains of each effect under the neutral prior.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        The analysis.
    stored : list of StoredDraws
        From `stored_draws`.

    Returns
    -------
    Plot or None
        None without draws.
    """
    own = [one for one in stored if one.prior == _MAIN]
    if not own:
        return None
    shown = dict(zip(_labels(data, own), own, strict=True))
    figure = draw_ranks({label: one.draws for label, one in shown.items()})
    mark_simulated(figure, data.study)
    caption = (
        f"{escape(analysis.label)}: ranks of the draws of each chain among those of all chains, {_MAIN} prior, as distribution functions less "
        "the uniform one. Chains that agree stay within the band."
    )
    words = "; ".join(
        f"{label}: {whole(len(one.draws))} chains of {whole(one.draws.shape[1])} draws, R-hat {number(one.rhat, 3)}"
        for label, one in shown.items()
    )
    alt = f"Rank plots of the chains. {words}.{note_simulated(data.study)}"
    return Plot(f"ranks-{analysis.name}".replace("_", "-"), figure, Markdown(caption), alt)


@in_house_style
def stored_prior_figure(data: CitedResults, analysis: Analysis, stored: list[StoredDraws]) -> Plot | None:
    """Draw the posterior of each effect over its declared prior, one column a set of priors.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        The analysis.
    stored : list of StoredDraws
        From `stored_draws`; models whose effect has no normal prior in baseline SDs are left out.

    Returns
    -------
    Plot or None
        None without draws of one effect under every prior.
    """
    rows: dict[str, list[StoredDraws]] = {}
    normal = [one for one in stored if one.kind in _NORMAL]
    for label, one in zip(_labels(data, normal), normal, strict=True):
        rows.setdefault(label, []).append(one)
    most = max((len(own) for own in rows.values()), default=0)
    rows = {label: own for label, own in rows.items() if len(own) == most}
    if not rows:
        return None
    panels = [
        Believed("" if place else f"{capitalised(one.prior)} prior", _normal_draws(one), one.draws.ravel())
        for place, own in enumerate(rows.values())
        for one in own
    ]
    figure = draw_prior_posterior(panels, most, rows=list(rows))
    mark_simulated(figure, data.study)
    caption = (
        f"{escape(analysis.label)}: densities of the effect before (dashed) and after the data (line) under each prior, in baseline SDs, "
        "oriented by the outcome’s direction. A wide prior reaches beyond the axis."
    )
    words = "; ".join(
        f"{label}, {one.prior} prior: mean {number(one.prior_mean, 2)} (SD {number(one.prior_sd, 2)}) before, "
        f"{number(derived('mean of draws', one.draws.mean()), 2)} ({number(derived('SD of draws', one.draws.std()), 2)}) after"
        for label, own in rows.items()
        for one in own
    )
    alt = f"Prior and posterior densities of the effect. {words}.{note_simulated(data.study)}"
    return Plot(f"prior-posterior-{analysis.name}".replace("_", "-"), figure, Markdown(caption), alt)


def _labels(data: CitedResults, stored: list[StoredDraws]) -> list[str]:
    """Return model, outcome and contrast of each, as far as they tell it apart."""
    several = len({one.effect.outcome.name for one in stored}) > 1
    return [
        ", ".join(
            part
            for part in (
                one.effect.outcome.label if several else "",
                BAYES_LABELS[one.kind],
                one.effect.comparison if len(data.comparisons) > 1 else "",
            )
            if part
        )
        for one in stored
    ]


def _normal_draws(one: StoredDraws) -> FloatArray:
    """Return quantiles of the prior, as draws without noise."""
    from scipy.stats import norm

    return np.asarray(norm.ppf(_QUANTILES, one.prior_mean, one.prior_sd))
