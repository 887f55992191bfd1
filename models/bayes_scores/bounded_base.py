"""What the Bayesian models of a bounded score have in common: linear log odds, and parameters in (0, 1)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import stats

from neurotrial.models.bayes.coefficients import turned
from neurotrial.models.bayes.model import Target

if TYPE_CHECKING:
    import pymc as pm

    from neurotrial.models.bayes.coefficients import CoefficientPrior, Turned
    from neurotrial.models.bayes.model import FloatArray, Observed, Parameters
    from neurotrial.models.bayes_scores.bounded_data import BoundedScores, IntArray

__all__ = ["BoundedModel"]


@dataclass(frozen=True, slots=True)
class BoundedModel(ABC):
    """A model of the follow-up score with linear log odds; as `neurotrial.models.bayes.model.BayesModel`.

    Attributes
    ----------
    scores : BoundedScores
        The data.
    prior : CoefficientPrior
        Of the coefficients of the log odds.
    share_priors : tuple of (float, float)
        Beta priors of the parameters in (0, 1), in the order of the likelihood's `shares`.
    per_sd : float
        Log odds of one baseline SD.
    """

    scores: BoundedScores
    prior: CoefficientPrior
    share_priors: tuple[tuple[float, float], ...]
    per_sd: float

    @property
    @abstractmethod
    def kind(self) -> str:
        """Slug of the model."""

    @property
    @abstractmethod
    def likelihood(self) -> Callable[..., tuple[FloatArray, FloatArray, FloatArray]]:
        """The compiled likelihood with its gradient, of z, shares, offset, design and `values`."""

    @property
    @abstractmethod
    def values(self) -> dict[str, FloatArray]:
        """What the likelihood needs after offset and design, by name, in its order."""

    @abstractmethod
    def design(self, codes: IntArray) -> FloatArray:
        """Return the model matrix of the log odds if the arms were `codes`, shape (n, p)."""

    @abstractmethod
    def information_weights(self) -> FloatArray:
        """Return the information about the log odds of each participant, a rough guess, shape (n,)."""

    @abstractmethod
    def named(self, shares: FloatArray) -> dict[str, FloatArray]:
        """Return the named parameters that shares, shape (draws, m), stand for."""

    @abstractmethod
    def shares(self, parameters: Parameters) -> FloatArray:
        """Return the shares of named parameters, shape (draws, m)."""

    @abstractmethod
    def expected(self, parameters: Parameters, codes: IntArray) -> FloatArray:
        """Return the expected scores if the arms were `codes`, shape (draws, n), in points."""

    @abstractmethod
    def log_likelihood(self, parameters: Parameters) -> FloatArray:
        """Return the log likelihood of each participant, shape (draws, n)."""

    @abstractmethod
    def replicate(self, parameters: Parameters, rng: np.random.Generator) -> FloatArray:
        """Draw new scores in the place of those observed, shape (draws, n, 1), in points."""

    @property
    def first_arm(self) -> int:
        """Place of the first arm effect among the coefficients."""
        return 2

    @property
    def shape(self) -> Hashable:
        """What must be the same for a compiled model to serve: kind and number of coefficients."""
        return self.kind, len(self.prior.mean)

    @property
    def observed(self) -> Observed:
        """The follow-up scores."""
        return self.scores.observed

    @property
    def turned(self) -> Turned:
        """The coefficients by the variable z of the PyMC model."""
        x = self.design(self.scores.codes)
        return turned(self.prior, x.T @ (self.information_weights()[:, None] * x))

    def build(self) -> pm.Model:
        """Return the PyMC model: z has standard normal priors, shares have beta priors."""
        import pymc as pm

        from neurotrial.models.bayes.likelihood_op import CompiledLikelihood

        p, m = len(self.prior.mean), len(self.share_priors)
        with pm.Model() as model:
            alpha, beta = pm.Data("alpha", np.ones(m)), pm.Data("beta", np.ones(m))
            z = pm.Normal("z", 0, 1, shape=p)
            shares = pm.Beta("shares", alpha, beta, shape=m)
            given = [pm.Data("offset", np.zeros(1)), pm.Data("design", np.zeros((1, p)))]
            given += [pm.Data(name, np.zeros(1)) for name in self.values]
            found: Any = CompiledLikelihood(self.likelihood, 2)(z, shares, *given)
            pm.Potential("log_likelihood", found[0])
        return model

    def data(self) -> dict[str, Any]:
        """Return the data of the PyMC model by name."""
        x, turn = self.design(self.scores.codes), self.turned
        alpha, beta = np.array(self.share_priors).T
        linear = {"offset": x @ turn.location, "design": x @ turn.root}
        return {"alpha": alpha.copy(), "beta": beta.copy(), **linear, **self.values}

    def parameters(self, drawn: Parameters) -> dict[str, FloatArray]:
        """Return coefficients and the other named parameters from z and shares."""
        return {"coefficients": self.turned.coefficients(drawn["z"]), **self.named(drawn["shares"])}

    def draw_prior(self, rng: np.random.Generator, size: int) -> dict[str, FloatArray]:
        """Draw the named parameters from their priors, shape (size, ...)."""
        coefficients = self.prior.draw(rng, size)
        alpha, beta = np.array(self.share_priors).T
        shares = rng.beta(alpha, beta, (size, len(alpha)))
        return {"coefficients": coefficients, **self.named(shares)}

    def log_prior(self, parameters: Parameters) -> dict[str, FloatArray]:
        """Return the log prior density of the arm effects, and of the rest: coefficients and the variables `shares`."""
        z = self.prior.standardised(parameters["coefficients"])
        alpha, beta = np.array(self.share_priors).T
        shares = stats.beta.logpdf(self.shares(parameters), alpha, beta).sum(axis=1)
        arms = slice(self.first_arm, self.first_arm + len(self.scores.compared))
        effect = -0.5 * (z[:, arms] ** 2).sum(axis=1)
        return {"effect": effect, "others": shares - 0.5 * (z**2).sum(axis=1) - effect}

    def log_odds(self, parameters: Parameters, codes: IntArray) -> FloatArray:
        """Return the log odds if the arms were `codes`, shape (draws, n)."""
        return np.asarray(parameters["coefficients"] @ self.design(codes).T)

    def without(self, participants: Sequence[int]) -> Self:
        """Return the model without some participants; scale and priors stay."""
        return replace(self, scores=self.scores.without(participants))

    def with_values(self, values: FloatArray) -> Self:
        """Return the model with other scores, shape (n, 1), which must keep to the rules of the scale."""
        return replace(self, scores=self.scores.with_values(values))

    def everybody(self, arm: int) -> IntArray:
        """Return the codes if everybody were in one arm."""
        return np.full(len(self.scores.participants), arm, dtype="int64")

    def targets(self, parameters: Parameters) -> list[Target]:
        """Return for each compared arm the difference in points and the coefficient.

        The difference is that of the mean expected scores of all participants, with their baselines and covariates,
        everybody once in the arm and once in the reference.
        """
        scores = self.scores
        means = [self.expected(parameters, self.everybody(a)).mean(axis=1) for a in range(len(scores.arms))]
        out = []
        for place, arm in enumerate(scores.compared):
            contrast = f"{arm} - {scores.arms[0]}"
            points = means[place + 1] - means[0]
            out.append(Target(points, "arm", contrast, scores.visit, sign=scores.sign, scale=scores.sd))
            out.append(self._coefficient(parameters, place, contrast))
        return out

    @property
    def coefficient_sign(self) -> int:
        """Sign of a coefficient that is a benefit."""
        return self.scores.sign

    def _coefficient(self, parameters: Parameters, place: int, contrast: str) -> Target:
        return Target(
            parameters["coefficients"][:, self.first_arm + place],
            "coefficient",
            contrast,
            self.scores.visit,
            unit="log odds",
            sign=self.coefficient_sign,
            scale=self.per_sd,
        )
