"""Where each observed value lies in what the model predicts for it from the other participants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.models.bayes_evidence.uniformity import uniform_band, uniformity_p

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel, FloatArray, Parameters
    from neurotrial.models.bayes_evidence.left_out import LeftOut

__all__ = ["LooPit", "loo_pit", "shares_below"]

_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class LooPit:
    """Probability integral transforms of observed values, each participant left out in turn.

    If the model holds they are uniform. They are not quite independent, as all participants share the parameters:
    the test is then conservative, the more so the more parameters there are.

    Attributes
    ----------
    columns : tuple of str
        Visits, or outcomes.
    values : ndarray, shape (n, columns)
        In (0, 1); NaN where a value is missing.
    p_value : ndarray, shape (columns,)
        Of uniformity, by `neurotrial.models.bayes_evidence.uniformity.uniformity_p`; NaN for a column without values.

    References
    ----------
    Gelfand AE, Dey DK, Chang H. In: Bayesian Statistics 4. Oxford University Press; 1992. p. 147-167.
    Czado C, Gneiting T, Held L. Biometrics 2009;65:1254-1261. https://doi.org/10.1111/j.1541-0420.2009.01191.x
    """

    columns: tuple[str, ...]
    values: FloatArray
    p_value: FloatArray

    @property
    def n(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Values in each column, shape (columns,)."""
        return np.asarray((~np.isnan(self.values)).sum(axis=0))

    @property
    def below(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Values under the 2.5 % quantile of what is predicted for them, shape (columns,)."""
        return np.asarray((self.values < _TAIL).sum(axis=0))

    @property
    def above(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Values over the 97.5 % quantile of what is predicted for them, shape (columns,)."""
        return np.asarray((self.values > 1 - _TAIL).sum(axis=0))

    def ordered(self, column: int, probability: float = 0.95) -> pd.DataFrame:
        """Return what a figure of a column shows: ordered values with the band that holds all of them at once.

        Parameters
        ----------
        column : int
            Which; it has values.
        probability : float
            Of the band, in (0, 1).

        Returns
        -------
        DataFrame
            Columns expected, value, lower and upper, a row for each value.
        """
        seen = np.sort(self.values[~np.isnan(self.values[:, column]), column])
        lower, upper = uniform_band(len(seen), probability)
        expected = np.arange(1, len(seen) + 1) / (len(seen) + 1)
        return pd.DataFrame({"expected": expected, "value": seen, "lower": lower, "upper": upper})

    def tidy(self) -> pd.DataFrame:
        """Return a row for each column of the data.

        Returns
        -------
        DataFrame
            Columns column, n, p_value, below and above.
        """
        return pd.DataFrame(
            {
                "column": pd.array(list(self.columns), dtype="str"),
                "n": self.n,
                "p_value": self.p_value,
                "below": self.below,
                "above": self.above,
            }
        )


def loo_pit(model: BayesModel, parameters: Parameters, left: LeftOut, rng: np.random.Generator) -> LooPit:
    """Return where observed values lie in their predictions.

    Parameters
    ----------
    model : BayesModel
        With all participants.
    parameters : mapping of str to ndarray, shape (draws, ...)
        Those that were weighted in `left`.
    left : LeftOut
        Each participant left out.
    rng : Generator
        The random stream of new values, and of the place of a value within equal ones.

    Returns
    -------
    LooPit
    """
    seen = model.observed.values  # noqa: PD011 # of Observed
    place = np.asarray(rng.random(seen.shape))
    replicates = model.replicate(parameters, rng)
    values = shares_below(seen, replicates, np.exp(left.log_weights), place)
    for row, drawn in left.refits.items():
        again = model.replicate(drawn, rng)[:, [row]]
        equal = np.full((len(again), 1), 1 / len(again))
        values[row] = shares_below(seen[[row]], again, equal, place[[row]])[0]
    return LooPit(model.observed.columns, values, np.array([_p_value(column) for column in values.T]))


def shares_below(
    seen: FloatArray, replicates: FloatArray, weights: FloatArray, place: FloatArray
) -> FloatArray:
    """Return the weight of new values below each one seen, and of a part of those that equal it.

    Parameters
    ----------
    seen : ndarray, shape (n, columns)
        NaN where missing.
    replicates : ndarray, shape (draws, n, columns)
        New values in their place.
    weights : ndarray, shape (draws, n)
        They sum to 1 for each participant.
    place : ndarray, shape (n, columns)
        The part, uniform in (0, 1).

    Returns
    -------
    ndarray, shape (n, columns)
        NaN where missing. So many draws cannot tell a probability from one within half a draw of 0 or 1: they are
        kept that far away.
    """
    below = np.einsum("dnc,dn->nc", replicates < seen, weights)
    equal = np.einsum("dnc,dn->nc", replicates == seen, weights)
    half = 0.5 / len(weights)
    return np.where(np.isnan(seen), np.nan, np.clip(below + place * equal, half, 1 - half))


def _p_value(values: FloatArray) -> float:
    present = values[~np.isnan(values)]
    return uniformity_p(present) if len(present) else np.nan
