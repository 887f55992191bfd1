"""A model fitted under each prior of the effect, and everything that is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.bayes.fit import Question, sample_posterior
from neurotrial.models.bayes.generations import as_arviz
from neurotrial.models.bayes.posterior_answers import posterior_answers, probability
from neurotrial.models.bayes.posterior_data import posterior_groups
from neurotrial.models.bayes.sampling import sampler_name
from neurotrial.models.bayes_evidence.pack import gather_evidence
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.models.bayes.asked import Wording
    from neurotrial.models.bayes.fit import Posterior
    from neurotrial.models.bayes.model import BayesModel, Parameters, Target
    from neurotrial.models.bayes_evidence.pack import Evidence

__all__ = ["BayesianFit", "PriorFit", "fit_priors", "gather", "target_estimate"]

_REFIT, _REFIT_ESS = {"chains": 2, "draws": 500}, 100.0
MAIN = "neutral"
"""The prior whose posterior is shown first."""


@dataclass(frozen=True, eq=False)
class PriorFit:
    """A posterior under one prior of the effect.

    Attributes
    ----------
    prior : str
        Name of the prior.
    question : Question
        Model with data and priors.
    posterior : Posterior
        Draws and what they are worth.
    """

    prior: str
    question: Question
    posterior: Posterior

    @property
    def model(self) -> BayesModel:
        """The model."""
        return self.question.model

    @property
    def method(self) -> str:
        """Slug of the estimates."""
        return f"{self.model.kind}_{self.prior}"

    @cached_property
    def targets(self) -> list[Target]:
        """The numbers that are asked, with their draws, all chains one after the other."""
        return self.model.targets(self.posterior.draws.flat)

    @cached_property
    def evidence(self) -> Evidence:
        """The evidence of the fit; participants that importance sampling cannot leave out are left out by a fit each."""
        return gather(self.question, self.posterior)


def gather(question: Question, posterior: Posterior) -> Evidence:
    """Return the evidence of a posterior; models without single participants are sampled where it needs them."""
    plan = _shorter(question.plan)

    def refit(model: BayesModel, seed: int) -> Parameters | None:
        found = sample_posterior(Question(model, plan, seed), posterior.sampler)
        return None if found.fault else found.draws.flat

    draws = posterior.draws
    return gather_evidence(
        question.model,
        draws.variables,
        draws.statistics,
        question.plan.accept,
        seed=question.seed,
        refit=refit,
        converged=posterior.convergence,
    )


def _shorter(plan: BayesPlan) -> BayesPlan:
    """Return a plan for one predictive density: a few hundred effective draws settle it."""
    sampling = plan.sampling.model_copy(update=_REFIT)
    accept = plan.accept.model_copy(update={"ess": _REFIT_ESS, "attempts": 1})
    return plan.model_copy(update={"sampling": sampling, "accept": accept})


@dataclass(frozen=True, eq=False)
class BayesianFit:
    """A model fitted under each prior of the effect of the arm.

    Attributes
    ----------
    fits : mapping of str to PriorFit
        By prior; the first of them, or ``neutral``, is the main one.
    wordings : mapping of str to Wording
        What is wanted, by outcome; the key is empty where the model has one outcome.
    decisions : tuple of str
        What was left out or decided.
    """

    fits: Mapping[str, PriorFit]
    wordings: Mapping[str, Wording]
    decisions: tuple[str, ...] = ()

    @property
    def main(self) -> PriorFit:
        """The fit that is shown first."""
        return self.fits[MAIN] if MAIN in self.fits else next(iter(self.fits.values()))

    @property
    def posterior(self) -> Any:
        """The posterior under the main prior as ArviZ has it; see `to_arviz`."""
        return self.to_arviz()

    @property
    def evidence(self) -> Evidence:
        """The evidence of the fit under the main prior: ``ok``, ``faults``, ``warnings``, ``tidy()``."""
        return self.main.evidence

    def evidence_table(self) -> pd.DataFrame:
        """Return the evidence of every fit, with a column ``prior`` in front."""
        tables = [fit.evidence.tidy() for fit in self.fits.values()]
        for name, table in zip(self.fits, tables, strict=True):
            table.insert(0, "prior", name)
        return pd.concat(tables, ignore_index=True)

    def tidy(self) -> pd.DataFrame:
        """Return every number that is asked, under each prior, with the columns of `neurotrial.models.tidy`.

        Returns
        -------
        DataFrame
            ``estimate`` and ``std_error`` are posterior mean and SD; numbers are missing where a fit failed. A model of
            several outcomes has the column ``outcome`` in front.
        """
        rows = [(fit, target) for fit in self.fits.values() for target in fit.targets]
        table = tidy_frame(
            target_estimate(
                fit.question, fit.posterior, target, self._wording(target), fit.method, self._note
            )
            for fit, target in rows
        )
        if any(target.outcome for _, target in rows):
            table.insert(0, "outcome", pd.Series([target.outcome for _, target in rows], dtype="str"))
        return table

    def probability(
        self, *, above: float | None = None, below: float | None = None, prior: str | None = None
    ) -> pd.DataFrame:
        """Return the posterior probability that each number lies in a range.

        Parameters
        ----------
        above, below : float, optional
            Ends of the range, in the unit of the number; at least one.
        prior : str, optional
            Name of the prior; the main one by default.

        Returns
        -------
        DataFrame
            Columns outcome, term, contrast, visit, probability, and its Monte Carlo error ``mcse``; missing where the
            fit failed.

        Raises
        ------
        InputError
            If there is no such prior, or the range is none.
        """
        fit = self.main if prior is None else self._fit(prior)
        rows = []
        for target in fit.targets:
            chance = probability(_chains(target, fit.posterior), above=above, below=below)
            shown = (np.nan, np.nan) if fit.posterior.fault else (chance.value, chance.mcse)
            rows.append((target.outcome, target.term, target.contrast, target.visit, *shown))
        return pd.DataFrame(rows, columns=["outcome", "term", "contrast", "visit", "probability", "mcse"])

    def to_arviz(self, prior: str | None = None, *, n_predictive: int = 500, seed: int = 0) -> Any:
        """Return a posterior with everything that ArviZ's functions ask for.

        Parameters
        ----------
        prior : str, optional
            Name of the prior; the main one by default.
        n_predictive : int
            Draws of each chain of prior and predictive distributions.
        seed : int
            Root of their random streams.

        Returns
        -------
        arviz.InferenceData or xarray.DataTree
            The first on Python 3.11. Groups ``posterior`` (parameters on the standardised scale, and ``target`` in the
            unit of the outcome), ``sample_stats``, ``log_likelihood`` (by participant), ``prior``,
            ``posterior_predictive``, ``prior_predictive``, ``observed_data``.
        """
        fit = self.main if prior is None else self._fit(prior)
        return as_arviz(posterior_groups(fit.model, fit.posterior.draws, n_predictive, seed))

    def _fit(self, prior: str) -> PriorFit:
        if prior not in self.fits:
            raise refuse("prior", f"{prior!r} was not fitted", f"use one of: {', '.join(self.fits)}")
        return self.fits[prior]

    def _wording(self, target: Target) -> Wording:
        return self.wordings.get(target.outcome, next(iter(self.wordings.values())))

    @property
    def _note(self) -> str:
        return "; ".join(self.decisions)

    def __str__(self) -> str:
        shown = self.tidy()
        columns = [
            "method",
            "contrast",
            "visit",
            "estimate",
            "std_error",
            "conf_low",
            "conf_high",
            "probability_benefit",
        ]
        lines = [shown[[*(["outcome"] if "outcome" in shown else []), *columns]].to_string(index=False)]
        return "\n".join([*lines, *(f"- {line}" for line in self.decisions)])


def fit_priors(
    models: Mapping[str, BayesModel], plan: BayesPlan, seed: int, *, progress: bool
) -> dict[str, PriorFit]:
    """Sample the posterior of a model under each prior.

    Parameters
    ----------
    models : mapping of str to BayesModel
        By prior; models of one shape are compiled once.
    plan : BayesPlan
        Sampler, and what the draws must reach.
    seed : int
        Root of the random streams.
    progress : bool
        Show the sampler's own progress, chain by chain.
    """
    seeds = np.random.SeedSequence(seed).generate_state(len(models))
    found = {}
    for (prior, model), own in zip(models.items(), seeds, strict=True):
        question = Question(model, plan, int(own))
        found[prior] = PriorFit(
            prior, question, sample_posterior(question, sampler_name(), progress=progress)
        )
    return found


def target_estimate(
    question: Question, posterior: Posterior, target: Target, asked: Wording, method: str, note: str = ""
) -> Estimate:
    """Return the row of a number; missing where the draws may not be shown."""
    known: dict[str, Any] = {
        "method": method,
        "term": target.term,
        "contrast": target.contrast,
        "visit": target.visit,
        **_counts(question.model, target),
    }
    if posterior.fault:
        return Estimate(**known, status="failed", reason=_failure(posterior))
    rope = asked.rope
    if rope is None and np.isfinite(target.scale) and target.term in {"arm", "group_by_time"}:
        rope = question.plan.rope * target.scale
    answers = posterior_answers(
        _chains(target, posterior),
        sign=target.sign,
        mcid=None if target.unit else asked.mcid,
        rope=rope if target.sign else None,
        level=asked.conf_level,
    )
    low, high = answers.eti if question.plan.interval == "eti" else answers.hdi
    return Estimate(
        **known,
        estimate=answers.mean,
        std_error=answers.sd,
        conf_low=low,
        conf_high=high,
        conf_level=asked.conf_level,
        interval_kind=question.plan.interval,
        probability_benefit=answers.benefit.value,
        probability_mcid=answers.beyond_mcid.value,
        probability_rope=answers.within_rope.value,
        reason=note,
    )


def _failure(posterior: Posterior) -> str:
    tried = "1 attempt" if posterior.attempts == 1 else f"{posterior.attempts} attempts"
    return f"the sampler did not reach what the plan asks in {tried}: {posterior.fault}"


def _chains(target: Target, posterior: Posterior) -> Any:
    return target.draws.reshape(posterior.draws.n_chains, -1)


def _counts(model: BayesModel, target: Target) -> dict[str, Any]:
    """Return the participants behind a number, and their values."""
    observed = model.observed
    there = np.isfinite(observed.values)
    if target.outcome in observed.columns:
        there = there[:, [observed.columns.index(target.outcome)]]
    arms = np.array(observed.arms)[there.any(axis=1)]
    between = set(target.contrast.split(" @ ", maxsplit=1)[0].split(" - "))
    order = list(dict.fromkeys(observed.arms))
    shown = [arm for arm in order if arm in between] if between <= set(order) else order
    counts = {arm: int((arms == arm).sum()) for arm in shown}
    rows = int(there[np.isin(np.array(observed.arms), shown)].sum())
    return {"n_per_arm": counts, "n_rows": rows}
