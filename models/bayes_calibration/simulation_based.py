"""Simulation-based calibration: where the parameter is drawn from the prior, its rank in the posterior is uniform."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.executors import SerialExecutor
from neurotrial.models.bayes.generations import array_statistics
from neurotrial.models.bayes.sampling import flattened
from neurotrial.models.bayes_calibration.quantities import distinct_quantities, scalars
from neurotrial.models.bayes_calibration.uniformity import IntArray, rank, uniformity
from neurotrial.models.multiplicity import adjust

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel, FloatArray, Parameters

__all__ = ["Fitted", "Ranking", "Sampling", "Simulated", "SimulationBased", "calibrate", "collected"]

_QUANTITIES_KEY = (0,)
"""Key of the stream that finds the distinct quantities; simulation i has (1, i)."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Draws from the posterior of a model.

    Attributes
    ----------
    parameters : mapping of str to ndarray, shape (chains, draws, ...)
        The model's named parameters.
    divergences : int
        Transitions that diverged.
    independent : bool
        Whether the draws are exact, so that no effective number need be estimated.
    """

    parameters: Parameters
    divergences: int = 0
    independent: bool = False


Sampling = Callable[["BayesModel", int], Fitted]
"""Draws from the posterior of a model, given a seed; must be picklable where an executor has processes."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the ranks depend on, besides model and sampler.

    Attributes
    ----------
    seed : int
        Root of the random streams; simulation i has its own, whatever else is simulated.
    n_draws : int
        Draws among which a true value is ranked, spread evenly over the chains.
    """

    seed: int = 0
    n_draws: int = 99


@dataclass(frozen=True, slots=True)
class Simulated:
    """One simulation.

    Attributes
    ----------
    number : int
        From 0.
    ranks : mapping of str to int
        From 0 to the number of draws, of each quantity.
    divergences : int
        Transitions that diverged.
    effective : float
        Fewest effective draws of any of the quantities.
    """

    number: int
    ranks: Mapping[str, int]
    divergences: int
    effective: float


@dataclass(frozen=True, slots=True)
class SimulationBased:
    """Whether the posteriors of a model are calibrated.

    Attributes
    ----------
    quantities : tuple of str
        What was ranked.
    n_draws : int
        Draws among which the true value was ranked.
    ranks : ndarray of int, shape (n_simulations, quantities)
        From 0 to `n_draws`.
    divergences : ndarray of int, shape (n_simulations,)
        Transitions that diverged in each fit; such fits are in the ranks as any other.
    effective : ndarray, shape (n_simulations,)
        Fewest effective draws of any quantity in each fit.
    """

    quantities: tuple[str, ...]
    n_draws: int
    ranks: IntArray
    divergences: IntArray
    effective: FloatArray

    @property
    def divergent(self) -> int:
        """Fits with divergent transitions."""
        return int((self.divergences > 0).sum())

    @property
    def short(self) -> int:
        """Fits with fewer effective draws than are ranked against: these are not independent, ranks too extreme."""
        return int((self.effective < self.n_draws).sum())

    def tidy(self) -> pd.DataFrame:
        """Return a row for each quantity.

        Returns
        -------
        DataFrame
            quantity, n_simulations, statistic (Pearson's chi-square), df, p, p_holm (over all quantities), counts (of
            simulations in bins of ranks, separated by blanks), divergent and short (fits, the same in every row).
        """
        tests = [uniformity(column, self.n_draws) for column in self.ranks.T]
        return pd.DataFrame(
            {
                "quantity": list(self.quantities),
                "n_simulations": len(self.ranks),
                "statistic": [test.statistic for test in tests],
                "df": [test.df for test in tests],
                "p": [test.p for test in tests],
                "p_holm": adjust([test.p for test in tests], "holm"),
                "counts": [" ".join(str(count) for count in test.counts) for test in tests],
                "divergent": self.divergent,
                "short": self.short,
            }
        )


def calibrate(
    model: BayesModel,
    sampling: Sampling,
    numbers: Sequence[int],
    *,
    ranking: Ranking | None = None,
    executor: Executor | None = None,
    chunk: int = 5,
) -> Iterator[list[Simulated]]:
    """Simulate from the model, fit, and rank the true values.

    Parameters draw the data that they are then estimated from; over repetitions the rank of the truth among draws
    from the right posterior is uniform [1]_.

    Parameters
    ----------
    model : BayesModel
        Design, missing values and priors; its own values do not matter.
    sampling : callable
        Draws from the posterior of a model, given a seed.
    numbers : sequence of int
        Which simulations to do.
    ranking : Ranking, optional
        Seed and number of draws.
    executor : Executor, optional
        What works on the chunks; one after the other by default.
    chunk : int
        Simulations that are given out, and come back, together; which numbers come does not depend on it.

    Yields
    ------
    list of Simulated
        Each chunk as it is done, in any order; `collected` makes a result of them.

    Raises
    ------
    InputError
        If a sampler gives fewer draws than are ranked against, or a quantity is not a number.

    References
    ----------
    .. [1] Talts S et al. 2018. https://doi.org/10.48550/arXiv.1804.06788
    """
    settings, at_work = ranking or Ranking(), executor or SerialExecutor()
    stream = np.random.SeedSequence(settings.seed, spawn_key=_QUANTITIES_KEY)
    names = distinct_quantities(model, np.random.default_rng(stream))
    pending: set[Future[list[Simulated]]] = set()
    for start in range(0, len(numbers), chunk):
        own = tuple(numbers[start : start + chunk])
        pending.add(at_work.submit(_simulate_chunk, model, sampling, settings, names, own))
        done = {future for future in pending if future.done()}
        pending -= done
        yield from (future.result() for future in done)
    for future in as_completed(pending):
        yield future.result()


def collected(simulations: Iterable[Simulated], ranking: Ranking | None = None) -> SimulationBased:
    """Return the result of simulations.

    Parameters
    ----------
    simulations : iterable of Simulated
        One or more, in any order.
    ranking : Ranking, optional
        As they were made with.

    Returns
    -------
    SimulationBased
        By the number of the simulations.

    Raises
    ------
    InputError
        If there is none.
    """
    ordered = sorted(simulations, key=lambda one: one.number)
    if not ordered:
        raise refuse("simulation-based calibration", "no simulation was done", "ask for one or more")
    names = tuple(ordered[0].ranks)
    return SimulationBased(
        quantities=names,
        n_draws=(ranking or Ranking()).n_draws,
        ranks=np.array([[one.ranks[name] for name in names] for one in ordered], dtype="int64"),
        divergences=np.array([one.divergences for one in ordered], dtype="int64"),
        effective=np.array([one.effective for one in ordered], dtype="float64"),
    )


def _simulate_chunk(
    model: BayesModel, sampling: Sampling, ranking: Ranking, names: Sequence[str], numbers: Sequence[int]
) -> list[Simulated]:
    return [_simulate(model, sampling, ranking, names, number) for number in numbers]


def _simulate(
    model: BayesModel, sampling: Sampling, ranking: Ranking, names: Sequence[str], number: int
) -> Simulated:
    of_data, of_sampler, of_ties = np.random.SeedSequence(ranking.seed, spawn_key=(1, number)).spawn(3)
    rng = np.random.default_rng(of_data)
    truth = model.draw_prior(rng, 1)
    simulated = model.with_values(model.replicate(truth, rng)[0])
    fitted = sampling(simulated, int(of_sampler.generate_state(1)[0]))
    size = next(iter(fitted.parameters.values())).shape[:2]
    drawn = scalars(simulated, {name: flattened(values) for name, values in fitted.parameters.items()})
    true = scalars(simulated, truth)
    chosen = _spread_evenly(int(np.prod(size)), ranking.n_draws)
    ties = np.random.default_rng(of_ties)
    return Simulated(
        number,
        {
            name: rank(_a_number(name, true[name])[0], _a_number(name, drawn[name])[chosen], ties)
            for name in names
        },
        fitted.divergences,
        float(np.prod(size)) if fitted.independent else _fewest_effective([drawn[n] for n in names], size),
    )


def _spread_evenly(total: int, n_draws: int) -> IntArray:
    if total < n_draws:
        rule = f"gives {total} draws, but {n_draws} are ranked against"
        raise refuse("sampler", rule, "sample longer, or rank against fewer draws")
    return np.linspace(0, total - 1, n_draws).astype("int64")


def _a_number(name: str, values: FloatArray) -> FloatArray:
    if np.isnan(values).any():
        raise refuse(f"quantity {name!r}", "is not a number in some draws", "look at the model's code")
    return values


def _fewest_effective(quantities: Sequence[FloatArray], size: tuple[int, ...]) -> float:
    ess = array_statistics().ess
    each = [ess(values.reshape(size), method="bulk", chain_axis=0, draw_axis=1) for values in quantities]
    return float(np.min(each))
