"""What every Bayesian model of a trial can do, so that sampling, evidence, calibration and tables know one kind only."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    import pymc as pm

    from neurotrial.models.tidy import Term

__all__ = ["BayesModel", "FloatArray", "Observed", "Parameters", "Target"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Parameters = Mapping[str, FloatArray]
"""Draws of each named parameter, shape (draws, ...)."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen: one row a participant, one column a visit (or an outcome).

    Attributes
    ----------
    values : ndarray, shape (n, columns)
        In the unit of the outcome; NaN where a value is missing.
    columns : tuple of str
        Names of the visits, or of the outcomes.
    participants : tuple of str, length n
        Who.
    arms : tuple of str, length n
        The arm of each.
    bounds : sequence of (float, float) or None, length columns
        The declared range of each column.
    """

    values: FloatArray
    columns: tuple[str, ...]
    participants: tuple[str, ...]
    arms: tuple[str, ...]
    bounds: tuple[tuple[float, float] | None, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A number that is asked of a posterior, with its place in a tidy table.

    Attributes
    ----------
    draws : ndarray, shape (draws,)
        In the unit of the outcome, unless `unit` names another.
    term, contrast, visit : str
        As in `neurotrial.models.tidy.Estimate`.
    outcome : str
        Which outcome, where a model has several.
    unit : str
        Empty for that of the outcome.
    sign : {1, -1, 0}
        Sign of a benefit; 0 where a difference is neither good nor bad, as a correlation.
    scale : float
        One baseline SD in the unit of the number; NaN where there is none.
    """

    draws: FloatArray
    term: Term
    contrast: str
    visit: str = ""
    outcome: str = ""
    unit: str = ""
    sign: int = 1
    scale: float = np.nan


class BayesModel(Protocol):
    """A model with its data and its priors; immutable.

    Whatever may change without compiling again is data of the PyMC model: the values, the design, and every number of
    every prior. What must be the same is the shape.
    """

    @property
    def kind(self) -> str:
        """Slug of the model, e.g. ``"bayes_ancova"``."""

    @property
    def shape(self) -> Hashable:
        """What must be the same for a compiled model to serve; models of equal shape build equal PyMC models."""

    @property
    def observed(self) -> Observed:
        """The values that the likelihood is about."""

    def build(self) -> pm.Model:
        """Return the PyMC model, which holds no data worth the name until those of `data` are set."""

    def data(self) -> dict[str, Any]:
        """Return the data of the PyMC model by name, all of them."""

    def parameters(self, drawn: Parameters) -> dict[str, FloatArray]:
        """Return named parameters from the variables of the PyMC model, both shape (draws, ...)."""

    def draw_prior(self, rng: np.random.Generator, size: int) -> dict[str, FloatArray]:
        """Draw the named parameters from their priors, shape (size, ...)."""

    def log_prior(self, parameters: Parameters) -> dict[str, FloatArray]:
        """Return the log prior density, shape (draws,), in two parts: ``effect`` and ``others``; constants may lack."""

    def log_likelihood(self, parameters: Parameters) -> FloatArray:
        """Return the log likelihood of each participant, shape (draws, n), with all constants."""

    def replicate(self, parameters: Parameters, rng: np.random.Generator) -> FloatArray:
        """Draw new values in the place of those observed, shape (draws, n, columns); NaN where they are missing."""

    def without(self, participants: Sequence[int]) -> Self:
        """Return the model without some participants (their row numbers), its scale and priors as they are."""

    def with_values(self, values: FloatArray) -> Self:
        """Return the model with other values in the place of those observed, shape (n, columns), all else as it is."""

    def targets(self, parameters: Parameters) -> list[Target]:
        """Return the numbers that are asked of the posterior."""
