"""The evidence of one Bayesian fit: whether it may be shown, and what is to be told with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.bayes_evidence.convergence import convergence
from neurotrial.models.bayes_evidence.draws import flattened, target_name, thinned
from neurotrial.models.bayes_evidence.findings import (
    convergence_findings,
    loo_findings,
    overlap_findings,
    pit_findings,
    power_findings,
    predictive_findings,
)
from neurotrial.models.bayes_evidence.leave_one_out import leave_one_out
from neurotrial.models.bayes_evidence.left_out import leave_each_out
from neurotrial.models.bayes_evidence.loo_pit import loo_pit
from neurotrial.models.bayes_evidence.power_scaling import power_scaling
from neurotrial.models.bayes_evidence.predictive import predictive_checks
from neurotrial.models.bayes_evidence.prior_overlap import prior_overlap

if TYPE_CHECKING:
    from neurotrial.bayes_plan import Acceptance
    from neurotrial.models.bayes.model import BayesModel, FloatArray, Parameters
    from neurotrial.models.bayes_evidence.convergence import Convergence
    from neurotrial.models.bayes_evidence.findings import Finding
    from neurotrial.models.bayes_evidence.leave_one_out import LeaveOneOut
    from neurotrial.models.bayes_evidence.left_out import Refit
    from neurotrial.models.bayes_evidence.loo_pit import LooPit
    from neurotrial.models.bayes_evidence.power_scaling import PowerScaling
    from neurotrial.models.bayes_evidence.predictive import Check
    from neurotrial.models.bayes_evidence.prior_overlap import PriorOverlap

__all__ = ["EVIDENCE_COLUMNS", "Evidence", "gather_evidence"]

_DTYPES = {"measure": "str", "about": "str", "value": "float64", "limit": "float64", "verdict": "str"}
EVIDENCE_COLUMNS = tuple(_DTYPES)
"""The columns of `Evidence.tidy`, in their order."""

_WEIGHTED = 4000
"""Draws that are weighted: the Pareto k up to which weights are trusted falls with fewer than 2,155."""

_REPLICATED = 2000
"""Draws of predictive checks: the error of a tail probability of 0.005 is then 0.0016."""

_FEWEST = 100
"""Draws in all, below which neither weights nor effective draws mean anything."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one fit.

    Attributes
    ----------
    convergence : Convergence
        What the draws are worth.
    loo : LeaveOneOut
        How participants left out are predicted.
    pit : LooPit
        Where their values lie in these predictions.
    power : PowerScaling
        Sensitivity to priors and likelihood.
    overlap : PriorOverlap
        What is left of the priors.
    prior_checks, posterior_checks : tuple of Check
        Predictive checks.
    accept : Acceptance
        What the fit had to reach.
    """

    convergence: Convergence
    loo: LeaveOneOut
    pit: LooPit
    power: PowerScaling
    overlap: PriorOverlap
    prior_checks: tuple[Check, ...]
    posterior_checks: tuple[Check, ...]
    accept: Acceptance

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every number with its verdict."""
        return (
            *convergence_findings(self.convergence, self.accept),
            *loo_findings(self.loo),
            *pit_findings(self.pit),
            *power_findings(self.power),
            *overlap_findings(self.overlap),
            *predictive_findings(self.prior_checks),
            *predictive_findings(self.posterior_checks),
        )

    @property
    def ok(self) -> bool:
        """Whether the fit may be shown: it converged without divergences, and leave-one-out is reliable."""
        return not any(found.verdict == "fault" for found in self.findings)

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the fit may not be shown, in words."""
        return self._told("fault")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be told with the fit, in words."""
        return self._told("warning")

    def _told(self, verdict: str) -> tuple[str, ...]:
        return tuple(found.words for found in self.findings if found.verdict == verdict and found.words)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each finding.

        Returns
        -------
        DataFrame
            Columns `EVIDENCE_COLUMNS`: text, text, number, number (missing where there is no limit), and ok, warning,
            fault or info.
        """
        rows = [[getattr(found, name) for name in EVIDENCE_COLUMNS] for found in self.findings]
        return pd.DataFrame(rows, columns=list(EVIDENCE_COLUMNS)).astype(_DTYPES)


def gather_evidence(
    model: BayesModel,
    drawn: Parameters,
    statistics: Mapping[str, Any],
    accept: Acceptance,
    *,
    seed: int,
    refit: Refit | None = None,
    converged: Convergence | None = None,
) -> Evidence:
    """Gather the evidence of one fit.

    Convergence takes all draws. At most 4,000 of them, evenly spaced over the chains, are weighted for leave-one-out
    and power-scaling, and at most 2,000 replicated for predictive checks; so are 4,000 and 2,000 draws of the prior.

    Parameters
    ----------
    model : BayesModel
        Model and data.
    drawn : mapping of str to ndarray, shape (chains, draws, ...)
        Named parameters, from its posterior; 100 draws or more in all.
    statistics : mapping of str to ndarray, shape (chains, draws)
        ``energy``, and whether each transition is ``diverging`` and has ``depth_reached``, the largest one.
    accept : Acceptance
        What the fit must reach.
    seed : int
        Root of the random streams.
    refit : callable or None
        Fits the model without a participant whose weights are not trusted: takes a model and a seed, returns named
        parameters, shape (draws, ...), or None where these may not be used.
    converged : Convergence, optional
        What the draws are worth, where it is known already.

    Returns
    -------
    Evidence

    Raises
    ------
    InputError
        If draws are too few, or not finite.
    """
    _check(drawn)
    chains = len(next(iter(drawn.values())))
    streams = [np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(5)]
    weighted, replicated = (flattened(thinned(drawn, most)) for most in (_WEIGHTED, _REPLICATED))
    prior = model.draw_prior(streams[0], _WEIGHTED)
    prior_replicated = {name: values[:_REPLICATED] for name, values in prior.items()}
    refit_seed = int(streams[1].integers(2**32))
    left = leave_each_out(model, weighted, chains=chains, seed=refit_seed, refit=refit)
    return Evidence(
        convergence=converged or convergence(drawn, _reported(model, drawn), statistics),
        loo=leave_one_out(model, left),
        pit=loo_pit(model, weighted, left, streams[2]),
        power=power_scaling(model, weighted, left.log_likelihood, chains=chains),
        overlap=prior_overlap(model.targets(prior), model.targets(weighted)),
        prior_checks=predictive_checks(model, prior_replicated, "prior", streams[3]),
        posterior_checks=predictive_checks(model, replicated, "posterior", streams[4]),
        accept=accept,
    )


def _reported(model: BayesModel, drawn: Parameters) -> dict[str, FloatArray]:
    """Return each target, shape (chains, draws)."""
    shape = next(iter(drawn.values())).shape[:2]
    return {target_name(target): target.draws.reshape(shape) for target in model.targets(flattened(drawn))}


def _check(drawn: Parameters) -> None:
    broken = [name for name, values in drawn.items() if not np.isfinite(values).all()]
    if broken:
        raise refuse("posterior", "draws must be finite", "look at the fit and its data", broken)
    chains, length = next(iter(drawn.values())).shape[:2]
    if chains * length < _FEWEST:
        rule = f"the evidence needs {_FEWEST} draws or more, got {chains * length}"
        raise refuse("posterior", rule, "draw more")
