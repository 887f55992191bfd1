"""From draws to rows: estimates, diagnostics and predictive checks of one fit, in the unit of the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurotrial.bayes_plan import NormalPrior
from neurotrial.models.bayes.diagnostics import precision
from neurotrial.models.bayes.fit import Question
from neurotrial.models.bayes.generations import array_statistics
from neurotrial.models.bayes.predictive import checks, draw_prior, replicate, thinned
from neurotrial.models.bayes.two_visits import EFFECT
from neurotrial.models.tidy import Estimate

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.models.bayes.fit import Posterior
    from neurotrial.models.bayes.predictive import Parameters
    from neurotrial.models.bayes.standardised import Standardised
    from neurotrial.models.bayes.two_visits import Kind
    from neurotrial.models.sentences import Direction

__all__ = ["Asked", "ask", "diagnostic_rows", "effect_estimates", "orientation", "predictive_rows"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of a posterior, and in which words.

    Attributes
    ----------
    prior : str
        Set of the prior of the effect: sceptical, neutral or enthusiastic.
    direction : {"higher_is_better", "lower_is_better"}
        Which sign of a difference is a benefit.
    mcid : float or None
        Minimal clinically important difference, above 0, in the unit of the outcome.
    bounds : tuple of float or None
        Range of the outcome.
    conf_level : float
        Probability of the interval, in (0, 1).
    baseline_visit, follow_up : str
        Names of the visits.
    """

    prior: str
    direction: Direction
    mcid: float | None
    bounds: tuple[float, float] | None
    conf_level: float
    baseline_visit: str
    follow_up: str


def orientation(direction: Direction) -> int:
    """Return the sign of a benefit."""
    return 1 if direction == "higher_is_better" else -1


def ask(
    kind: Kind, prior: str, given: Standardised, direction: Direction, plan: BayesPlan, seed: int
) -> Question:
    """Return the question that one prior of the effect puts, turned to the sign of a benefit."""
    oriented: NormalPrior = getattr(plan.effect, prior)
    effect = NormalPrior(mean=orientation(direction) * oriented.mean, sd=oriented.sd)
    return Question(kind, given.visits, effect, plan, seed)


def effect_estimates(
    question: Question, posterior: Posterior, standardised: Standardised, asked: Asked
) -> Iterator[Estimate]:
    """Yield the effect of each compared arm; numbers are missing where the draws may not be shown."""
    table = standardised.table
    for index, arm in enumerate(table.compared):
        known: dict[str, Any] = {
            "method": f"{question.kind}_{asked.prior}",
            "term": "arm",
            "contrast": f"{arm} - {table.reference}",
            "n_per_arm": table.pair(arm),
            "visit": asked.follow_up,
            "rows_per_participant": 1 if question.kind == "bayes_ancova" else 2,
        }
        if posterior.fault:
            yield Estimate(**known, status="failed", reason=_failure(posterior))
        else:
            draws = posterior.draws.variables[EFFECT][..., index] * standardised.sd
            yield Estimate(**known, **_summary(draws, question, asked), reason=table.note)


def _failure(posterior: Posterior) -> str:
    tried = "1 attempt" if posterior.attempts == 1 else f"{posterior.attempts} attempts"
    return f"the sampler did not reach what the plan asks in {tried}: {posterior.fault}"


def _summary(draws: FloatArray, question: Question, asked: Asked) -> Row:
    kind = question.plan.interval
    low, high = _interval(draws.ravel(), kind, asked.conf_level)
    benefit = orientation(asked.direction) * draws
    return {
        "estimate": float(draws.mean()),
        "std_error": float(draws.std(ddof=1)),
        "conf_low": low,
        "conf_high": high,
        "conf_level": asked.conf_level,
        "interval_kind": kind,
        "probability_benefit": float((benefit > 0).mean()),
        "probability_mcid": np.nan if asked.mcid is None else float((benefit > asked.mcid).mean()),
    }


def _interval(draws: FloatArray, kind: Literal["eti", "hdi"], level: float) -> tuple[float, float]:
    low, high = getattr(array_statistics(), kind)(draws, level)
    return float(low), float(high)


def diagnostic_rows(
    question: Question, posterior: Posterior, standardised: Standardised, asked: Asked
) -> Iterator[Row]:
    """Yield what the draws are worth, for each compared arm; of a failed fit too."""
    table, sign = standardised.table, orientation(asked.direction)
    for index, arm in enumerate(table.compared):
        own = precision(posterior.draws.variables[EFFECT][..., index] * standardised.sd)
        yield {
            "contrast": f"{arm} - {table.reference}",
            "prior": asked.prior,
            "prior_mean": sign * question.effect.mean,
            "prior_sd": question.effect.sd,
            "baseline_sd": standardised.sd,
            "sampler": posterior.sampler,
            **posterior.sampling.model_dump(include={"chains", "draws", "target_accept"}),
            "attempts": posterior.attempts,
            **asdict(own),
            **asdict(posterior.convergence),
            "status": "failed" if posterior.fault else "ok",
            "reason": posterior.fault or None,
        }


def predictive_rows(
    question: Question, posterior: Posterior, standardised: Standardised, asked: Asked
) -> Iterator[Row]:
    """Yield the predictive checks of prior and posterior, by visit and arm; only those of the prior for a failed fit."""
    prior_seed, posterior_seed = np.random.SeedSequence(question.seed).spawn(2)
    rng = np.random.default_rng(prior_seed)
    sources = {"prior": (draw_prior(question, rng), rng)}
    if not posterior.fault:
        sources["posterior"] = (thinned(posterior.draws), np.random.default_rng(posterior_seed))
    for source, (parameters, stream) in sources.items():
        for row in _checked(question, parameters, standardised, asked, stream):
            yield {"source": source, **row}


def _checked(
    question: Question,
    parameters: Parameters,
    standardised: Standardised,
    asked: Asked,
    rng: np.random.Generator,
) -> Iterator[Row]:
    table, visits = standardised.table, question.visits
    drawn = replicate(question.kind, parameters, visits, rng)
    labels = table.frame[table.arm].to_numpy()
    names = {"baseline": asked.baseline_visit, "follow_up": asked.follow_up}
    for visit, replicates in drawn.items():
        values = standardised.centre + standardised.sd * replicates
        seen = standardised.centre + standardised.sd * getattr(visits, visit)
        for arm in table.arms:
            own = labels == arm
            for check in checks(values[:, own], seen[own], asked.bounds):
                found = asdict(check)
                quantiles = zip(("low", "q1", "median", "q3", "high"), found.pop("quantiles"), strict=True)
                place = {"visit": names[visit], "arm": arm}
                yield place | {"outside_range": found.pop("outside")} | found | dict(quantiles)
