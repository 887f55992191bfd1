"""How well a model predicts a participant whom it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import logsumexp

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel, FloatArray
    from neurotrial.models.bayes_evidence.left_out import LeftOut

__all__ = ["LeaveOneOut", "leave_one_out"]


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Expected log predictive density of a new participant, each of n participants left out in turn.

    Attributes
    ----------
    participants : tuple of str, length n
        Who.
    elpd_i : ndarray, shape (n,)
        Log predictive density of each given all others.
    p_i : ndarray, shape (n,)
        What the log density of each loses by being left out; the sum is the effective number of parameters.
    k : ndarray, shape (n,)
        Pareto k of the weights, also of those in whose place another fit stands.
    efficiency : ndarray, shape (n,)
        Effective draws over draws.
    refitted : ndarray of bool, shape (n,)
        Whether the model was fitted without the participant.
    informative : ndarray of bool, shape (n,)
        Whether a participant has any value in the likelihood; who has none does not count in the standard error.
    limit : float
        The Pareto k up to which weights are trusted.
    n_draws : int
        Draws that were weighted.

    References
    ----------
    Vehtari A, Gelman A, Gabry J. Stat Comput 2017;27:1413-1432. https://doi.org/10.1007/s11222-016-9696-4
    Vehtari A et al. J Mach Learn Res 2024;25(72):1-58. https://doi.org/10.48550/arXiv.1507.02646
    """

    participants: tuple[str, ...]
    elpd_i: FloatArray
    p_i: FloatArray
    k: FloatArray
    efficiency: FloatArray
    refitted: np.ndarray[Any, np.dtype[np.bool_]]
    informative: np.ndarray[Any, np.dtype[np.bool_]]
    limit: float
    n_draws: int

    @property
    def elpd(self) -> float:
        """Sum over the participants."""
        return float(self.elpd_i.sum())

    @property
    def elpd_se(self) -> float:
        """Standard error of the sum over other participants of the same population."""
        counted = self.elpd_i[self.informative]
        return float(np.sqrt(len(counted)) * counted.std(ddof=1)) if len(counted) > 1 else np.nan

    @property
    def p_loo(self) -> float:
        """Effective number of parameters."""
        return float(self.p_i.sum())

    @property
    def n_distrusted(self) -> int:
        """Participants whose weights are not trusted."""
        return int((~(self.k <= self.limit)).sum())

    @property
    def n_refitted(self) -> int:
        """Participants without whom the model was fitted."""
        return int(self.refitted.sum())

    @property
    def status(self) -> Literal["reliable", "refitted", "unreliable"]:
        """Whether all weights are trusted, other fits stand in for those that are not, or neither."""
        if not self.n_distrusted:
            return "reliable"
        return "refitted" if self.n_refitted == self.n_distrusted else "unreliable"

    def tidy(self) -> pd.DataFrame:
        """Return a row for each participant.

        Returns
        -------
        DataFrame
            Columns participant, elpd, p_loo, pareto_k, efficiency and refitted.
        """
        return pd.DataFrame(
            {
                "participant": pd.array(list(self.participants), dtype="str"),
                "elpd": self.elpd_i,
                "p_loo": self.p_i,
                "pareto_k": self.k,
                "efficiency": self.efficiency,
                "refitted": self.refitted,
            }
        )


def leave_one_out(model: BayesModel, left: LeftOut) -> LeaveOneOut:
    """Return how well the model predicts each participant from the others.

    Parameters
    ----------
    model : BayesModel
        With all participants.
    left : LeftOut
        Each of them left out.

    Returns
    -------
    LeaveOneOut
    """
    density = logsumexp(left.log_weights + left.log_likelihood, axis=0)
    for row, drawn in left.refits.items():
        density[row] = _log_mean(model.log_likelihood(drawn)[:, row])
    return LeaveOneOut(
        participants=model.observed.participants,
        elpd_i=density,
        p_i=_log_mean(left.log_likelihood) - density,
        k=left.k,
        efficiency=left.efficiency,
        refitted=left.refitted,
        informative=np.asarray(~np.isnan(model.observed.values).all(axis=1)),
        limit=left.limit,
        n_draws=len(left.log_likelihood),
    )


def _log_mean(logs: FloatArray) -> FloatArray:
    """Return the logarithm of the mean over draws, the first axis."""
    return np.asarray(logsumexp(logs, axis=0) - np.log(len(logs)))
