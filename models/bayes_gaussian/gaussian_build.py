"""The PyMC model of every multivariate linear model: one shape for each size, all data and priors to be swapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.models.bayes_gaussian.covariance_prior import FEWEST_DOF

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["GaussianShape", "build_gaussian"]


@dataclass(frozen=True, slots=True)
class GaussianShape:
    """What must be the same for data to be swapped in a compiled model.

    Attributes
    ----------
    n_values : int
        Values of a participant: visits, or outcomes.
    n_coefficients : int
        Coefficients with normal priors.
    n_deviations, n_pooled : int
        Deviations of effects from those that they are pooled towards, and how many of the latter there are; 0 without.
    heavy_tails : bool
        Student's distribution in place of the normal one.
    n_components : int
        Normal components of the prior of the reference arm's mean.
    """

    n_values: int
    n_coefficients: int
    n_deviations: int = 0
    n_pooled: int = 0
    heavy_tails: bool = False
    n_components: int = 1


def build_gaussian(shape: GaussianShape) -> pm.Model:
    """Build the model of a shape; it holds no data worth the name until they are set.

    Parameters
    ----------
    shape : GaussianShape
        Sizes.

    Returns
    -------
    pymc.Model
        Variables ``z`` (coefficients on the axes of `neurotrial.models.bayes.coefficients.turned`), ``sd``,
        ``half_partial`` (canonical partial correlations, from 0 to 1), ``dof_above`` (degrees of freedom above 2),
        ``tau`` and ``eta`` (spread of the pooled effects, and deviations in its units).
    """
    import pymc as pm
    import pytensor.tensor as pt

    from neurotrial.models.bayes.likelihood_op import CompiledLikelihood
    from neurotrial.models.bayes_gaussian.multivariate_likelihood import value_and_gradient

    with pm.Model() as model:
        given = {name: pm.Data(name, value) for name, value in _nobody(shape).items()}
        z = pm.Normal("z", 0, 1, shape=shape.n_coefficients)
        sd = pm.HalfNormal("sd", given["sd_scale"], shape=shape.n_values)
        partial = pt.zeros(0)
        if shape.n_values > 1:
            both = given["concentration"]
            partial = (
                2 * pm.Beta("half_partial", both, both, shape=shape.n_values * (shape.n_values - 1) // 2) - 1
            )
        dof = pt.zeros(1)
        if shape.heavy_tails:
            dof = FEWEST_DOF + pm.Gamma("dof_above", given["tail"][:1], given["tail"][1:], shape=1)
        means = [z]
        if shape.n_deviations:
            tau = pm.HalfNormal("tau", given["tau_scale"], shape=shape.n_pooled)
            means.append(tau[given["pooled"]] * pm.Normal("eta", 0, 1, shape=shape.n_deviations))
        if shape.n_components > 1:
            pm.Potential("reference", _tilt(given, z))
        likelihood = CompiledLikelihood(value_and_gradient, 4)
        data = [given[name] for name in ("values", "design", "pattern", "patterns")]
        values: Any = likelihood(pt.concatenate(means), sd, partial, dof, *data)
        pm.Potential("likelihood", values[0])
    return model


def _tilt(given: dict[str, Any], z: Any) -> Any:
    """Return what makes of the normal prior of the reference arm's mean a mixture of normal ones."""
    import pytensor.tensor

    pt: Any = pytensor.tensor
    mean = given["reference_shift"][0] + (given["reference_row"] * z).sum()
    base = (mean - given["reference_base"][0]) / given["reference_base"][1]
    distance = (mean - given["mixture_mean"]) / given["mixture_sd"]
    parts = pt.log(given["mixture_weight"]) - pt.log(given["mixture_sd"]) - 0.5 * distance**2
    return pt.logsumexp(parts) + 0.5 * base**2


def _nobody(shape: GaussianShape) -> dict[str, Any]:
    """Return data of the right sizes."""
    n_means = shape.n_coefficients + shape.n_deviations
    data: dict[str, Any] = {
        "values": np.zeros((1, shape.n_values)),
        "design": np.zeros((1, shape.n_values, n_means)),
        "pattern": np.zeros(1, dtype="int64"),
        "patterns": np.ones((1, shape.n_values)),
        "sd_scale": np.ones(shape.n_values),
    }
    if shape.n_values > 1:
        data["concentration"] = np.ones(shape.n_values * (shape.n_values - 1) // 2)
    if shape.heavy_tails:
        data["tail"] = np.ones(2)
    if shape.n_deviations:
        data |= {"tau_scale": np.ones(shape.n_pooled), "pooled": np.zeros(shape.n_deviations, dtype="int64")}
    if shape.n_components > 1:
        data |= {"reference_row": np.zeros(shape.n_coefficients), "reference_shift": np.zeros(1)}
        data |= {"reference_base": np.array([0.0, 1.0]), "mixture_weight": np.full(shape.n_components, 0.5)}
        data |= {"mixture_mean": np.zeros(shape.n_components), "mixture_sd": np.ones(shape.n_components)}
    return data
