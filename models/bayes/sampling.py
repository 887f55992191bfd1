"""Sampling of a compiled model: nutpie, or PyMC's own NUTS where nutpie is not there; and what the draws are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["Diagnostics", "Draws", "Sampler", "diagnose"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws from a posterior.

    Attributes
    ----------
    values : mapping of str to ndarray, shape (chains, draws, ...)
        Of each variable.
    energy : ndarray, shape (chains, draws)
        Energy of the Hamiltonian.
    divergences : int
        Transitions that diverged.
    sampler : str
        What drew them.
    """

    values: Mapping[str, FloatArray]
    energy: FloatArray
    divergences: int
    sampler: str


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What the draws of one number are worth.

    Attributes
    ----------
    rhat, ess_bulk, ess_tail, mcse_mean : float
        Rank-normalised R-hat, effective draws for the centre and for the tails, Monte Carlo error of the mean.
    bfmi : float
        Smallest estimated Bayesian fraction of missing information of a chain.
    divergences : int
        Transitions that diverged.

    References
    ----------
    Vehtari A et al. Bayesian Anal 2021;16:667-718. https://doi.org/10.1214/20-BA1221
    """

    rhat: float
    ess_bulk: float
    ess_tail: float
    mcse_mean: float
    bfmi: float
    divergences: int


class Sampler:
    """A compiled model; its data can be swapped."""

    def __init__(self, model: pm.Model) -> None:
        self._model = model
        self._compiled: Any = None
        if find_spec("nutpie"):
            import nutpie

            self._compiled = nutpie.compile_pymc_model(model)

    def sample(
        self, data: Mapping[str, Any], *, draws: int, tune: int, chains: int, seed: int, target_accept: float
    ) -> Draws:
        """Draw from the posterior given data.

        Parameters
        ----------
        data : mapping
            As `neurotrial.models.bayes.models.model_data` gives it.
        draws, tune, chains : int
            Kept draws and warm-up of each chain; chains.
        seed : int
            Root of the random streams.
        target_accept : float
            In (0, 1).
        """
        if self._compiled is None:
            return self._by_pymc(data, draws, tune, chains, seed, target_accept)
        import nutpie

        trace = nutpie.sample(
            self._compiled.with_data(**data),
            draws=draws,
            tune=tune,
            chains=chains,
            cores=1,
            seed=seed,
            target_accept=target_accept,
            progress_bar=False,
        )
        return _read(trace, "nutpie")

    def _by_pymc(
        self, data: Mapping[str, Any], draws: int, tune: int, chains: int, seed: int, target_accept: float
    ) -> Draws:
        import pymc as pm

        with self._model:
            pm.set_data(dict(data))
            trace = pm.sample(
                draws=draws,
                tune=tune,
                chains=chains,
                cores=1,
                random_seed=seed,
                target_accept=target_accept,
                progressbar=False,
                compute_convergence_checks=False,
            )
        return _read(trace, "PyMC NUTS")


def _read(trace: Any, sampler: str) -> Draws:
    posterior = {name: np.asarray(trace["posterior"][name]) for name in trace["posterior"].data_vars}
    stats = trace["sample_stats"]
    return Draws(posterior, np.asarray(stats["energy"]), int(np.asarray(stats["diverging"]).sum()), sampler)


def diagnose(values: FloatArray, draws: Draws) -> Diagnostics:
    """Return what the draws of one number are worth.

    Parameters
    ----------
    values : ndarray, shape (chains, draws)
        The number in each draw.
    draws : Draws
        The fit that it comes from.
    """
    from arviz_stats.base import array_stats

    axes = {"chain_axis": 0, "draw_axis": 1}
    return Diagnostics(
        rhat=float(array_stats.rhat(values, **axes)),
        ess_bulk=float(array_stats.ess(values, method="bulk", **axes)),
        ess_tail=float(array_stats.ess(values, method="tail", prob=(0.05, 0.95), **axes)),
        mcse_mean=float(array_stats.mcse(values, method="mean", **axes)),
        bfmi=float(np.min(array_stats.bfmi(draws.energy, **axes))),
        divergences=draws.divergences,
    )
