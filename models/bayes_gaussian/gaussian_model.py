"""The multivariate linear model behind every Gaussian analysis: its data, its priors, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from scipy import special

from neurotrial.models.bayes.coefficients import turned
from neurotrial.models.bayes.model import Observed
from neurotrial.models.bayes_gaussian.covariance_prior import FEWEST_DOF
from neurotrial.models.bayes_gaussian.gaussian_build import GaussianShape, build_gaussian
from neurotrial.models.bayes_gaussian.information import rough_information
from neurotrial.models.bayes_gaussian.multivariate_likelihood import correlation_factors, log_likelihood_draws

if TYPE_CHECKING:
    import pymc as pm

    from neurotrial.models.bayes.coefficients import CoefficientPrior, Turned
    from neurotrial.models.bayes.model import FloatArray, Parameters, Target
    from neurotrial.models.bayes_gaussian.covariance_prior import CovariancePrior
    from neurotrial.models.bayes_gaussian.gaussian_targets import TargetRule
    from neurotrial.models.bayes_priors.mixture_prior import MixturePrior

__all__ = ["GaussianKind", "GaussianModel", "Pooling", "Scaling"]

GaussianKind = Literal[
    "bayes_ancova", "bayes_group_time", "bayes_mmrm", "bayes_outcomes", "bayes_joint_change"
]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """How values become standardised, and whose they are.

    Attributes
    ----------
    centre, unit : ndarray, shape (T,)
        A value of the model is the value less its centre, over its unit.
    participants, arms : tuple of str, length n
        Who, and the arm of each.
    columns : tuple of str, length T
        Visits, or outcomes.
    bounds : tuple, length T
        Declared range of each column, or None.
    """

    centre: FloatArray
    unit: FloatArray
    participants: tuple[str, ...]
    arms: tuple[str, ...]
    columns: tuple[str, ...]
    bounds: tuple[tuple[float, float] | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pooling:
    """Deviations of effects from those that they are pooled towards.

    Attributes
    ----------
    design : ndarray, shape (n, T, deviations)
        What each deviation adds to each value.
    of : ndarray of int, shape (deviations,)
        Which pooled effect each belongs to.
    sd : ndarray, shape (pooled effects,)
        Scales of the half-normal priors of the spread.
    """

    design: FloatArray
    of: np.ndarray[Any, np.dtype[np.int64]]
    sd: FloatArray


@dataclass(frozen=True, eq=False)
class GaussianModel:
    """A multivariate linear model with missing values; implements `neurotrial.models.bayes.model.BayesModel`.

    Attributes
    ----------
    kind : str
        Slug.
    values : ndarray, shape (n, T)
        Standardised; NaN where a value is missing.
    design : ndarray, shape (n, T, p)
        0 where a value is missing.
    prior : CoefficientPrior
        Of the p coefficients.
    covariance : CovariancePrior
        Of everything else.
    effects : tuple of int
        Which functions of `prior` are effects of arms.
    scaling : Scaling
        Units and names.
    asked : tuple of TargetRule
        What is asked of the posterior.
    pooling : Pooling or None
        Partial pooling of effects.
    reference : MixturePrior or None
        Prior of the reference arm's mean as a mixture, in place of the normal one of function `reference_place`.
    reference_place : int
        Function of `prior` that is the mean of the reference arm.
    """

    kind: GaussianKind
    values: FloatArray
    design: FloatArray
    prior: CoefficientPrior
    covariance: CovariancePrior
    effects: tuple[int, ...]
    scaling: Scaling
    asked: tuple[TargetRule, ...]
    pooling: Pooling | None = None
    reference: MixturePrior | None = None
    reference_place: int = 0

    @property
    def shape(self) -> GaussianShape:
        """What must be the same for a compiled model to serve."""
        pooling = self.pooling
        return GaussianShape(
            n_values=self.values.shape[1],
            n_coefficients=self.design.shape[2],
            n_deviations=0 if pooling is None else len(pooling.of),
            n_pooled=0 if pooling is None else len(pooling.sd),
            heavy_tails=self.covariance.tail is not None,
            n_components=1 if self.reference is None else len(self.reference.weights),
        )

    @property
    def observed(self) -> Observed:
        """The values in the unit of the outcome."""
        scaling = self.scaling
        values = scaling.centre + scaling.unit * self.values
        return Observed(values, scaling.columns, scaling.participants, scaling.arms, scaling.bounds)

    def build(self) -> pm.Model:
        """Return the PyMC model of the shape."""
        return build_gaussian(self.shape)

    @cached_property
    def seen(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each value is there, shape (n, T)."""
        return np.isfinite(self.values)

    @cached_property
    def _patterns(self) -> tuple[np.ndarray[Any, np.dtype[np.int64]], FloatArray]:
        patterns, pattern = np.unique(self.seen, axis=0, return_inverse=True)
        return pattern.ravel().astype("int64"), patterns.astype("float64")

    @cached_property
    def _known(self) -> FloatArray:
        return np.ascontiguousarray(np.where(self.seen, self.values, 0.0))

    @cached_property
    def _whole_design(self) -> FloatArray:
        """Coefficients first, then deviations; in the one memory order that the likelihood is compiled for."""
        parts = [self.design] if self.pooling is None else [self.design, self.pooling.design]
        return np.ascontiguousarray(np.concatenate(parts, axis=2))

    @cached_property
    def _turned(self) -> Turned:
        return turned(self.prior, rough_information(self._known, self.design, self.seen, self.covariance.sd))

    @cached_property
    def _pooled_axes(self) -> FloatArray:
        """Axes of the deviations of each pooled effect, orthogonal, so that their prior is as it was; (m, m)."""
        pooling = self.pooling
        if pooling is None:
            return np.empty((0, 0))
        axes = np.zeros((len(pooling.of), len(pooling.of)))
        for group in range(len(pooling.sd)):
            own = np.flatnonzero(pooling.of == group)
            design = pooling.design[:, :, own]
            known = rough_information(self._known, design, self.seen, self.covariance.sd)
            axes[np.ix_(own, own)] = np.linalg.eigh(known)[1]
        return axes

    def data(self) -> dict[str, Any]:
        """Return the data of the PyMC model."""
        pattern, patterns = self._patterns
        location, root = self._turned.location, self._turned.root
        design = self.design @ root
        if self.pooling is not None:
            design = np.concatenate([design, self.pooling.design @ self._pooled_axes], axis=2)
        data: dict[str, Any] = {
            "values": np.where(self.seen, self._known - self.design @ location, 0.0),
            "design": np.ascontiguousarray(design),
            "pattern": pattern,
            "patterns": patterns,
            "sd_scale": self.covariance.sd,
        }
        if self.values.shape[1] > 1:
            data["concentration"] = self.covariance.concentrations
        if self.covariance.tail is not None:
            data["tail"] = np.array(self.covariance.tail)
        if self.pooling is not None:
            data |= {"tau_scale": self.pooling.sd, "pooled": self.pooling.of}
        return data | self._reference_data()

    def _reference_data(self) -> dict[str, FloatArray]:
        if self.reference is None:
            return {}
        row = self.prior.functions[self.reference_place]
        base = np.array([self.prior.mean[self.reference_place], self.prior.sd[self.reference_place]])
        return {
            "reference_row": row @ self._turned.root,
            "reference_shift": np.array([row @ self._turned.location]),
            "reference_base": base,
            "mixture_weight": self.reference.weights,
            "mixture_mean": self.reference.means,
            "mixture_sd": self.reference.sds,
        }

    def parameters(self, drawn: Parameters) -> dict[str, FloatArray]:
        """Return coefficients, standard deviations, partial correlations, and what else the model has."""
        found = {"coefficients": self._turned.coefficients(drawn["z"]), "sd": drawn["sd"]}
        half = drawn.get("half_partial", np.full((len(drawn["z"]), 0), 0.5))
        found["partial"] = 2 * half - 1
        if "dof_above" in drawn:
            found["dof"] = FEWEST_DOF + drawn["dof_above"]
        if self.pooling is not None:
            found["tau"] = drawn["tau"]
            found["deviation"] = drawn["tau"][:, self.pooling.of] * (drawn["eta"] @ self._pooled_axes.T)
        return found

    def draw_prior(self, rng: np.random.Generator, size: int) -> dict[str, FloatArray]:
        """Draw the parameters from their priors."""
        found = {"coefficients": self.prior.draw(rng, size), **self.covariance.draw(rng, size)}
        if self.reference is not None:
            found["coefficients"] = self._with_reference(found["coefficients"], rng)
        if self.pooling is not None:
            found["tau"] = np.abs(rng.normal(size=(size, len(self.pooling.sd)))) * self.pooling.sd
            found["deviation"] = found["tau"][:, self.pooling.of] * rng.normal(
                size=(size, len(self.pooling.of))
            )
        return found

    def _with_reference(self, coefficients: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Put draws of the mixture in the place of the reference arm's mean."""
        mixture = self.reference
        assert mixture is not None  # noqa: S101
        chosen = rng.choice(len(mixture.weights), size=len(coefficients), p=mixture.weights)
        functions = coefficients @ self.prior.functions.T
        functions[:, self.reference_place] = rng.normal(mixture.means[chosen], mixture.sds[chosen])
        return np.asarray(np.linalg.solve(self.prior.functions, functions.T).T)

    def log_prior(self, parameters: Parameters) -> dict[str, FloatArray]:
        """Return the log prior density of the arms' effects and their spread, and of everything else.

        Deviations of pooled effects are left out: given their spread they are no prior that somebody chose.
        """
        squares = -0.5 * self.prior.standardised(parameters["coefficients"]) ** 2
        own = np.isin(np.arange(squares.shape[1]), self.effects)
        effect = squares[:, own].sum(axis=1)
        others = squares[:, ~own].sum(axis=1) + self.covariance.log_density(parameters)
        if self.pooling is not None:
            effect = effect - 0.5 * ((parameters["tau"] / self.pooling.sd) ** 2).sum(axis=1)
        if self.reference is not None:
            mean = parameters["coefficients"] @ self.prior.functions[self.reference_place]
            distance = (mean[:, None] - self.reference.means) / self.reference.sds
            parts = np.log(self.reference.weights / self.reference.sds) - 0.5 * distance**2
            others = others - squares[:, self.reference_place] + special.logsumexp(parts, axis=1)
        return {"effect": effect, "others": others}

    def log_likelihood(self, parameters: Parameters) -> FloatArray:
        """Return the log likelihood of each participant, shape (draws, n)."""
        means, sd, partial, dof = (
            np.ascontiguousarray(one) for one in self._likelihood_parameters(parameters)
        )
        pattern, patterns = self._patterns
        return log_likelihood_draws(
            means, sd, partial, dof, self._known, self._whole_design, pattern, patterns
        )

    def _likelihood_parameters(self, parameters: Parameters) -> tuple[FloatArray, ...]:
        means = parameters["coefficients"]
        if self.pooling is not None:
            means = np.hstack([means, parameters["deviation"]])
        dof = parameters.get("dof", np.zeros((len(means), 1)))
        return means, parameters["sd"], parameters["partial"], dof

    def replicate(self, parameters: Parameters, rng: np.random.Generator) -> FloatArray:
        """Draw new values in the place of those observed, in the unit of the outcome."""
        means, sd, partial, dof = self._likelihood_parameters(parameters)
        centres = np.einsum("ntp,dp->dnt", self._whole_design, means)
        roots = sd[:, :, None] * correlation_factors(np.ascontiguousarray(partial), sd.shape[1])
        noise = rng.normal(size=centres.shape) @ np.swapaxes(roots, 1, 2)
        if self.covariance.tail is not None:
            spread = dof / rng.chisquare(dof, size=(len(dof), centres.shape[1]))
            noise = noise * np.sqrt(spread)[:, :, None]
        drawn = self.scaling.centre + self.scaling.unit * (centres + noise)
        return np.where(self.seen, drawn, np.nan)

    def without(self, participants: Sequence[int]) -> Self:
        """Return the model without some participants."""
        kept = np.setdiff1d(np.arange(len(self.values)), np.asarray(participants, dtype="int64"))
        scaling = replace(
            self.scaling,
            participants=tuple(self.scaling.participants[i] for i in kept),
            arms=tuple(self.scaling.arms[i] for i in kept),
        )
        pooling = self.pooling
        if pooling is not None:
            pooling = replace(pooling, design=pooling.design[kept])
        return replace(
            self, values=self.values[kept], design=self.design[kept], scaling=scaling, pooling=pooling
        )

    def with_values(self, values: FloatArray) -> Self:
        """Return the model with other values, in the unit of the outcome; what is missing stays so."""
        standardised = (np.asarray(values) - self.scaling.centre) / self.scaling.unit
        return replace(self, values=np.where(self.seen, standardised, np.nan))

    def targets(self, parameters: Parameters) -> list[Target]:
        """Return the numbers that are asked of the posterior."""
        return [rule.of(parameters) for rule in self.asked]
