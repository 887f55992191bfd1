"""The posterior without each participant: by weights where these can be trusted, else by another fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotrial.models.bayes.model import BayesModel, FloatArray, Parameters
from neurotrial.models.bayes_evidence.importance import pareto_limit, smoothed

__all__ = ["MOST_REFITS", "LeftOut", "Refit", "leave_each_out"]

MOST_REFITS = 10
"""More participants than this are not refitted: the model, not a few participants, is then what is wrong."""

Refit = Callable[[BayesModel, int], Parameters | None]
"""Draws, shape (draws, ...), from the posterior of a model with a seed; None where they may not be used."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Draws from the posterior without each of n participants.

    Attributes
    ----------
    log_likelihood : ndarray, shape (draws, n)
        Of each participant, at the draws from the posterior with all.
    log_weights : ndarray, shape (draws, n)
        Of these draws, for the posterior without each; the exponentials sum to 1.
    k, efficiency : ndarray, shape (n,)
        As in `neurotrial.models.bayes_evidence.importance.Importance`.
    limit : float
        The Pareto k up to which weights are trusted.
    refits : mapping of int to parameters
        Draws from the posterior without the participant of a row, which stand in for weights that are not trusted.
    """

    log_likelihood: FloatArray
    log_weights: FloatArray
    k: FloatArray
    efficiency: FloatArray
    limit: float
    refits: Mapping[int, Parameters]

    @property
    def distrusted(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether the weights of each participant are not trusted, shape (n,)."""
        return ~(self.k <= self.limit)

    @property
    def refitted(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether another fit stands in for the weights of each participant, shape (n,)."""
        return np.isin(np.arange(len(self.k)), list(self.refits))


def leave_each_out(
    model: BayesModel,
    parameters: Parameters,
    *,
    chains: int,
    seed: int,
    refit: Refit | None = None,
    most_refits: int = MOST_REFITS,
) -> LeftOut:
    """Leave each participant out of a fit.

    Parameters
    ----------
    model : BayesModel
        With all participants.
    parameters : mapping of str to ndarray, shape (draws, ...)
        Drawn from its posterior, one chain after the other.
    chains : int
        How many.
    seed : int
        Root of the seeds of other fits.
    refit : callable or None
        Fits a model again; None if that cannot be done.
    most_refits : int
        If the weights of more participants are not trusted, none is refitted.

    Returns
    -------
    LeftOut

    References
    ----------
    Vehtari A, Gelman A, Gabry J. Stat Comput 2017;27:1413-1432. https://doi.org/10.1007/s11222-016-9696-4
    """
    log_likelihood = model.log_likelihood(parameters)
    weights = smoothed(-log_likelihood, chains)
    limit = pareto_limit(len(log_likelihood))
    rows = [int(row) for row in np.flatnonzero(~(weights.k <= limit))]
    refits = _refits(model, rows, refit, seed) if refit is not None and len(rows) <= most_refits else {}
    return LeftOut(log_likelihood, weights.log_weights, weights.k, weights.efficiency, limit, refits)


def _refits(model: BayesModel, rows: list[int], refit: Refit, seed: int) -> dict[int, Parameters]:
    seeds = np.random.SeedSequence(seed).generate_state(len(rows)) if rows else ()
    fits = {row: refit(model.without([row]), int(one)) for row, one in zip(rows, seeds, strict=True)}
    return {row: drawn for row, drawn in fits.items() if drawn is not None}
