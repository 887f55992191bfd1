"""Maximum likelihood by Newton's method with exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import InputError, refuse

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["Likelihood", "Maximum", "maximise", "unbounded"]

_ITERATIONS = 200
_STEP = 1e-12
_SINGULAR = 1e-12


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A log likelihood at a point.

    Attributes
    ----------
    value : float
        Log likelihood; -inf where the point is not allowed.
    gradient : array of float, shape (p,)
        First derivatives.
    hessian : array of float, shape (p, p)
        Second derivatives.
    """

    value: float
    gradient: FloatArray
    hessian: FloatArray


@dataclass(frozen=True, slots=True)
class Maximum:
    """A maximum of the likelihood.

    Attributes
    ----------
    theta : array of float, shape (p,)
        Parameters.
    vcov : array of float, shape (p, p)
        Inverse of the observed information.
    loglik : float
        Log likelihood.
    """

    theta: FloatArray
    vcov: FloatArray
    loglik: float


def maximise(likelihood: Callable[[FloatArray], Likelihood], start: FloatArray, name: str) -> Maximum:
    """Search the maximum.

    Parameters
    ----------
    likelihood : callable
        From parameters, shape (p,), to the log likelihood with its derivatives.
    start : array of float, shape (p,)
        Where the search begins.
    name : str
        Of the model, for messages.

    Raises
    ------
    InputError
        If the likelihood has no maximum inside: an outcome is told exactly by a term (separation).
    """
    theta, found = start, likelihood(start)
    for _ in range(_ITERATIONS):
        step = _uphill(found)
        theta, found, taken = _halved(likelihood, theta, found, step)
        if np.abs(taken).max() <= _STEP * (1 + np.abs(theta).max()):
            break
        if np.abs(theta).max() > 1 / _STEP or not np.isfinite(theta).all():
            raise unbounded(name)
    else:
        raise unbounded(name)
    information = -found.hessian
    scale = np.sqrt(np.maximum(np.diag(information), 0.0))
    if not (scale > 0).all() or np.linalg.eigvalsh(information / np.outer(scale, scale))[0] < _SINGULAR:
        raise unbounded(name)
    return Maximum(theta, np.asarray(np.linalg.inv(information)), found.value)


def _uphill(found: Likelihood) -> FloatArray:
    """Return Newton's step, with the information made positive definite where it is not."""
    information = -found.hessian
    values, vectors = np.linalg.eigh(information)
    floor = 1e-10 * max(float(np.abs(values).max()), 1e-300)
    return np.asarray(vectors @ ((vectors.T @ found.gradient) / np.maximum(np.abs(values), floor)))


def _halved(
    likelihood: Callable[[FloatArray], Likelihood], theta: FloatArray, found: Likelihood, step: FloatArray
) -> tuple[FloatArray, Likelihood, FloatArray]:
    """Take the step, or the first half of it that does not go down beyond rounding."""
    rounding = 1e-12 * (1 + abs(found.value))
    for _ in range(60):
        tried = likelihood(theta + step)
        if tried.value >= found.value - rounding:
            return theta + step, tried, step
        step = step / 2
    return theta, found, np.zeros_like(step)


def unbounded(name: str) -> InputError:
    """Return the error of a likelihood without a maximum."""
    rule = "the likelihood has no maximum: a term tells exactly who has which outcome (separation)"
    return refuse(name, rule, "leave out terms, or use rank tests or re-randomisation")
