"""The scalar quantities of a model whose ranks are looked at: what is asked, the log likelihood, every parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neurotrial.models.bayes.model import BayesModel, FloatArray, Parameters, Target

__all__ = ["LOG_LIKELIHOOD", "distinct_quantities", "scalars"]

LOG_LIKELIHOOD = "log_likelihood"

_PRIOR_DRAWS = 400


def scalars(model: BayesModel, parameters: Parameters) -> dict[str, FloatArray]:
    """Return every scalar quantity in each draw.

    Parameters
    ----------
    model : BayesModel
        With the data that the log likelihood is of.
    parameters : mapping of str to ndarray, shape (draws, ...)
        Draws.

    Returns
    -------
    dict of str to ndarray, shape (draws,)
        Targets first, then the joint log likelihood of the data, which sees mistakes that no parameter alone shows [1]_, then
        each element of each parameter.

    References
    ----------
    .. [1] Modrák M et al. Bayesian Anal 2023. https://doi.org/10.1214/23-BA1404
    """
    found: dict[str, FloatArray] = {}
    for target in model.targets(parameters):
        found[_unused(_name(target), found)] = np.asarray(target.draws, dtype="float64")
    found[LOG_LIKELIHOOD] = np.asarray(model.log_likelihood(parameters)).sum(axis=1)
    for name, values in parameters.items():
        found |= dict(_elements(name, np.asarray(values, dtype="float64")))
    return found


def distinct_quantities(model: BayesModel, rng: np.random.Generator) -> tuple[str, ...]:
    """Return the names of the quantities that are worth a test of their own.

    Parameters
    ----------
    model : BayesModel
        The model.
    rng : Generator
        For draws from its prior.

    Returns
    -------
    tuple of str
        Without constants (the diagonal of a correlation matrix), and without those that order draws from the prior as
        an earlier one does, or reversed (a parameter that is a target in another unit): their ranks say the same.
    """
    found = scalars(model, model.draw_prior(rng, _PRIOR_DRAWS))
    seen: set[bytes] = set()
    kept = []
    for name, draws in found.items():
        order = np.unique(draws, return_inverse=True)[1].astype("int64").ravel()
        orders = {order.tobytes(), (order.max() - order).tobytes()}
        if order.max() > 0 and not orders & seen:
            kept.append(name)
            seen |= orders
    return tuple(kept)


def _name(target: Target) -> str:
    parts = (target.term, target.contrast, target.visit, target.outcome, target.unit)
    return ": ".join(part for part in parts if part)


def _unused(name: str, taken: dict[str, FloatArray]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def _elements(name: str, values: FloatArray) -> Iterator[tuple[str, FloatArray]]:
    """Yield each element of a parameter, shape (draws,)."""
    for place in np.ndindex(values.shape[1:]):
        index = ",".join(str(i) for i in place)
        yield f"{name}[{index}]" if index else name, values[(slice(None), *place)]
