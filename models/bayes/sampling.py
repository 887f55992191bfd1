"""Sampling of a compiled model: nutpie, or PyMC's own NUTS where nutpie is not installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from neurotrial.models.bayes.generations import read_trace

if TYPE_CHECKING:
    import numpy as np
    import pymc as pm

    from neurotrial.bayes_plan import SamplingPlan
    from neurotrial.models.bayes.model import BayesModel, FloatArray

__all__ = ["NUTPIE", "PYMC", "Draws", "Sampler", "compiled", "flattened", "sampler_name"]

NUTPIE, PYMC = "nutpie", "PyMC NUTS"
_MOST_COMPILED = 16


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws from a posterior.

    Attributes
    ----------
    variables : mapping of str to ndarray, shape (chains, draws, ...)
        Of each named parameter.
    energy : ndarray, shape (chains, draws)
        Energy of the Hamiltonian.
    diverging : ndarray of bool, shape (chains, draws)
        Transitions that diverged.
    depth : ndarray, shape (chains, draws)
        Depth of the tree of each transition.
    deepest : ndarray of bool, shape (chains, draws)
        Transitions that were cut off at the largest depth.
    """

    variables: Mapping[str, FloatArray]
    energy: FloatArray
    diverging: np.ndarray[Any, np.dtype[np.bool_]]
    depth: FloatArray
    deepest: np.ndarray[Any, np.dtype[np.bool_]]

    @property
    def flat(self) -> dict[str, FloatArray]:
        """The parameters with all chains one after the other, shape (chains * draws, ...)."""
        return {name: flattened(values) for name, values in self.variables.items()}

    @property
    def statistics(self) -> dict[str, Any]:
        """Energy, divergences and transitions that were cut off, as the evidence takes them."""
        return {"energy": self.energy, "diverging": self.diverging, "depth_reached": self.deepest}

    @property
    def n_chains(self) -> int:
        """Chains."""
        return len(self.energy)


def flattened(values: FloatArray) -> FloatArray:
    """Put all chains one after the other; -1 would not do where a parameter has no elements."""
    return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])


def sampler_name() -> str:
    """Return what draws on this machine."""
    return NUTPIE if find_spec("nutpie") else PYMC


class Sampler:
    """A model that is compiled once; its data can be swapped.

    Parameters
    ----------
    model : pymc.Model
        As `BayesModel.build` gives it.
    name : {"nutpie", "PyMC NUTS"}
        What draws.
    """

    def __init__(self, model: pm.Model, name: str) -> None:
        self._model = model
        self._compiled: Any = None
        if name == NUTPIE:
            import nutpie

            self._compiled = nutpie.compile_pymc_model(model)

    def sample(self, model: BayesModel, plan: SamplingPlan, seed: int, *, progress: bool = False) -> Draws:
        """Draw from the posterior of a model of the compiled shape.

        Parameters
        ----------
        model : BayesModel
            Data and priors.
        plan : SamplingPlan
            Chains, draws, warm-up and acceptance rate.
        seed : int
            Root of the random streams.
        progress : bool
            Show the sampler's own progress, chain by chain.

        Returns
        -------
        Draws
            One chain after the other: which draws come does not depend on the machine's processors.
        """
        way = self._by_pymc if self._compiled is None else self._by_nutpie
        values, stats = read_trace(way(model.data(), plan, seed, progress=progress))
        leading = stats["energy"].shape
        flat = {name: flattened(array) for name, array in values.items()}
        named = {
            name: array.reshape(*leading, *array.shape[1:]) for name, array in model.parameters(flat).items()
        }
        flags = {name: stats[name].astype(bool) for name in ("diverging", "deepest")}
        return Draws(named, stats["energy"], flags["diverging"], stats["depth"], flags["deepest"])

    def _by_nutpie(self, data: Mapping[str, Any], plan: SamplingPlan, seed: int, *, progress: bool) -> Any:
        import nutpie

        return nutpie.sample(
            self._compiled.with_data(**data), **plan.model_dump(), cores=1, seed=seed, progress_bar=progress
        )

    def _by_pymc(self, data: Mapping[str, Any], plan: SamplingPlan, seed: int, *, progress: bool) -> Any:
        import pymc as pm

        with self._model:
            pm.set_data(dict(data))
            return pm.sample(
                **plan.model_dump(),
                nuts_sampler="pymc",
                compile_kwargs={"mode": "NUMBA"},
                cores=1,
                random_seed=seed,
                progressbar=progress,
                quiet=not progress,
                compute_convergence_checks=False,
            )


_COMPILED: dict[tuple[Any, ...], Sampler] = {}


def compiled(model: BayesModel, name: str) -> Sampler:
    """Return the compiled model of a shape; each shape is compiled once a process, which takes seconds to a minute."""
    key = (type(model), model.shape, name)
    if key not in _COMPILED:
        if len(_COMPILED) >= _MOST_COMPILED:
            _COMPILED.pop(next(iter(_COMPILED)))
        _COMPILED[key] = Sampler(model.build(), name)
    return _COMPILED[key]
