"""Sampling of a compiled model: nutpie, or PyMC's own NUTS where nutpie is not installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.models.bayes.generations import read_trace
from neurotrial.models.bayes.two_visits import build_model

if TYPE_CHECKING:
    import pymc as pm

    from neurotrial.bayes_plan import SamplingPlan
    from neurotrial.models.bayes.two_visits import Shape

__all__ = ["NUTPIE", "PYMC", "Draws", "Sampler", "compiled", "sampler_name"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

NUTPIE, PYMC = "nutpie", "PyMC NUTS"


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws from a posterior.

    Attributes
    ----------
    variables : mapping of str to ndarray, shape (chains, draws, ...)
        Of each variable.
    energy : ndarray, shape (chains, draws)
        Energy of the Hamiltonian.
    diverging : ndarray of bool, shape (chains, draws)
        Transitions that diverged.
    """

    variables: Mapping[str, FloatArray]
    energy: FloatArray
    diverging: np.ndarray[Any, np.dtype[np.bool_]]


def sampler_name() -> str:
    """Return what draws on this machine."""
    return NUTPIE if find_spec("nutpie") else PYMC


class Sampler:
    """A model that is compiled once; its data can be swapped.

    Parameters
    ----------
    model : pymc.Model
        As `neurotrial.models.bayes.two_visits.build_model` gives it.
    name : {"nutpie", "PyMC NUTS"}
        What draws.
    """

    def __init__(self, model: pm.Model, name: str) -> None:
        self._model = model
        self._compiled: Any = None
        if name == NUTPIE:
            import nutpie

            self._compiled = nutpie.compile_pymc_model(model)

    def sample(self, data: Mapping[str, Any], plan: SamplingPlan, seed: int) -> Draws:
        """Draw from the posterior given data.

        Parameters
        ----------
        data : mapping
            As `neurotrial.models.bayes.two_visits.model_data` gives it.
        plan : SamplingPlan
            Chains, draws, warm-up and acceptance rate.
        seed : int
            Root of the random streams.

        Returns
        -------
        Draws
            One chain after the other: which draws come does not depend on the machine's processors.
        """
        trace = (
            self._by_pymc(data, plan, seed) if self._compiled is None else self._by_nutpie(data, plan, seed)
        )
        values, stats = read_trace(trace)
        return Draws(values, stats["energy"], stats["diverging"].astype(bool))

    def _by_nutpie(self, data: Mapping[str, Any], plan: SamplingPlan, seed: int) -> Any:
        import nutpie

        return nutpie.sample(
            self._compiled.with_data(**data), **plan.model_dump(), cores=1, seed=seed, progress_bar=False
        )

    def _by_pymc(self, data: Mapping[str, Any], plan: SamplingPlan, seed: int) -> Any:
        import pymc as pm

        with self._model:
            pm.set_data(dict(data))
            return pm.sample(
                **plan.model_dump(),
                nuts_sampler="pymc",
                compile_kwargs={"mode": "NUMBA"},
                cores=1,
                random_seed=seed,
                progressbar=False,
                quiet=True,
                compute_convergence_checks=False,
            )


@lru_cache(maxsize=8)
def compiled(shape: Shape, name: str) -> Sampler:
    """Return the compiled model of a shape; each shape is compiled once a process, which takes seconds to a minute."""
    return Sampler(build_model(shape), name)
