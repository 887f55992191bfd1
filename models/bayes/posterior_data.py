"""A posterior as the data sets that ArviZ's functions ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.models.bayes.sampling import flattened

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from neurotrial.models.bayes.model import BayesModel, FloatArray, Target
    from neurotrial.models.bayes.sampling import Draws

__all__ = ["dataset", "posterior_groups", "target_labels"]

_SAMPLE = ("chain", "draw")


def target_labels(targets: list[Target]) -> list[str]:
    """Return a label for each number: outcome, contrast and visit, as far as they tell it apart."""
    return [
        ", ".join(part for part in (target.outcome, target.contrast, target.visit) if part)
        for target in targets
    ]


def dataset(values: Mapping[str, FloatArray], dims: Mapping[str, tuple[str, ...]], coords: Mapping[str, Any]) -> xr.Dataset:  # fmt: skip
    """Return draws of shape (chains, draws, ...) as a data set.

    Parameters
    ----------
    values : mapping of str to ndarray
        By variable.
    dims : mapping of str to tuple of str
        Names of the dimensions behind chain and draw; numbered ones where a variable has none here.
    coords : mapping of str to sequence
        Labels of the dimensions.
    """
    import xarray as xr

    variables = {}
    for name, array in values.items():
        behind = dims.get(name) or tuple(f"{name}_dim_{i}" for i in range(array.ndim - 2))
        variables[name] = ([*_SAMPLE, *behind], array)
    chains, draws = next(iter(values.values())).shape[:2]
    used = {dim for own, _ in variables.values() for dim in own}
    labels = {"chain": np.arange(chains), "draw": np.arange(draws)}
    return xr.Dataset(variables, labels | {dim: list(label) for dim, label in coords.items() if dim in used})


def posterior_groups(model: BayesModel, draws: Draws, n_predictive: int, seed: int) -> dict[str, xr.Dataset]:
    """Return the groups of a posterior.

    Parameters
    ----------
    model : BayesModel
        Data and priors.
    draws : Draws
        From the posterior.
    n_predictive : int
        Draws of each chain of prior and predictive distributions.
    seed : int
        Root of their random streams.

    Returns
    -------
    dict of str to Dataset
        By name of the group.
    """
    import xarray as xr

    observed, chains = model.observed, draws.n_chains
    prior_seed, prior_noise, noise = np.random.SeedSequence(seed).spawn(3)
    coords = {"participant": observed.participants, "column": observed.columns}
    coords["number"] = tuple(target_labels(model.targets(draws.flat)))
    dims = {"values": ("participant", "column"), "log_likelihood": ("participant",), "target": ("number",)}

    def shaped(flat: FloatArray) -> FloatArray:
        return flat.reshape(chains, len(flat) // chains, *flat.shape[1:])

    def told(parameters: Mapping[str, FloatArray]) -> xr.Dataset:
        asked = np.column_stack([target.draws for target in model.targets(parameters)])
        return dataset(
            {name: shaped(a) for name, a in [*parameters.items(), ("target", asked)] if a.size}, dims, coords
        )

    few = np.linspace(0, draws.energy.shape[1] - 1, min(n_predictive, draws.energy.shape[1])).astype(int)
    thinned = {name: flattened(values[:, few]) for name, values in draws.variables.items()}
    prior = model.draw_prior(np.random.default_rng(prior_seed), chains * n_predictive)
    statistics: dict[str, Any] = {
        "energy": draws.energy,
        "diverging": draws.diverging,
        "tree_depth": draws.depth,
        "reached_max_treedepth": draws.deepest,
    }
    return {
        "posterior": told(draws.flat),
        "sample_stats": dataset(statistics, {}, {}),
        "log_likelihood": dataset({"log_likelihood": shaped(model.log_likelihood(draws.flat))}, dims, coords),
        "prior": told(prior),
        "posterior_predictive": dataset(
            {"values": shaped(model.replicate(thinned, np.random.default_rng(noise)))}, dims, coords
        ),
        "prior_predictive": dataset(
            {"values": shaped(model.replicate(prior, np.random.default_rng(prior_noise)))}, dims, coords
        ),
        "observed_data": xr.Dataset(
            {"values": (("participant", "column"), observed.values)},
            {"participant": list(observed.participants), "column": list(observed.columns)},
        ),
    }
