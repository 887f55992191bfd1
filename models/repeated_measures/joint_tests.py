"""F tests of several linear functions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.repeated_measures.small_sample import kenward_roger_f, pooled_df, satterthwaite_f_df

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.inference import Inference
    from neurotrial.models.repeated_measures.sandwich import Sandwich
    from neurotrial.models.student import FloatArray

__all__ = ["joint_test"]


def joint_test(
    inference: Inference, weights: FloatArray, robust: Sandwich | None = None
) -> dict[str, float | str]:
    """Test that linear functions of the coefficients of the first cell are all zero.

    Parameters
    ----------
    inference : Inference
        The fit and its method.
    weights : array of float, shape (m, p)
        Linear functions.
    robust : Sandwich, optional
        On the working scale; its covariance and degrees of freedom are used in place of the method's.

    Returns
    -------
    dict
        num_df, den_df, f, p_value, scaling (Kenward and Roger's factor, which is in f), method.

    Raises
    ------
    InputError
        If the functions are not linearly independent.
    """
    from scipy import stats

    if np.linalg.matrix_rank(weights) < len(weights):
        rule = f"the {len(weights)} linear functions are not independent"
        raise refuse("joint_test", rule, "leave out those that follow from the others")
    if len(weights) == 1 and robust is None:
        return _single(inference, weights)
    found = _robust(inference, weights, robust) if robust else _several(inference, weights)
    p_value = float(stats.f.sf(found.f, len(weights), found.den_df))
    return {
        "num_df": len(weights),
        "den_df": found.den_df,
        "f": found.f,
        "p_value": p_value,
        "scaling": found.scaling,
        "method": found.method,
    }


@dataclass(frozen=True, slots=True)
class _F:
    """A statistic with its denominator df, and the factor of Kenward and Roger that it holds."""

    f: float
    den_df: float
    method: str
    scaling: float = 1.0


def _single(inference: Inference, weights: FloatArray) -> dict[str, float | str]:
    from scipy import stats

    estimate, std_error, df, methods = inference.functions(weights)
    t = float(estimate[0, 0] / std_error[0, 0])
    p_value = 2 * float(stats.t.sf(abs(t), df[0, 0]))
    single = {"num_df": 1, "den_df": float(df[0, 0]), "f": t**2, "p_value": p_value}
    return {**single, "scaling": 1.0, "method": str(methods[0, 0])}


def _several(inference: Inference, weights: FloatArray) -> _F:
    work, found = inference.solution.working, inference.solution.evaluation
    turned = weights @ work.basis
    estimate = (inference.solution.estimates(weights)[0] / work.scale[0])[:, None]
    hypothesis = np.hstack([turned, estimate])
    vcov, slopes, theta_vcov = found.point.vcov[0], found.precision_slopes[0], inference.theta_vcov[0]
    if inference.approximation == "kenward-roger":
        f, df, scaling = kenward_roger_f(hypothesis, vcov, inference.vcov[0], slopes, theta_vcov)
        return _F(f, df, inference.words, scaling)
    if inference.approximation == "satterthwaite":
        f, df = satterthwaite_f_df(hypothesis, vcov, slopes, theta_vcov)
        return _F(f, df, f"{inference.words}, pooled after Fai and Cornelius")
    f = float(estimate[:, 0] @ np.linalg.solve(turned @ vcov @ turned.T, estimate[:, 0])) / len(weights)
    return _F(f, float(inference.plain_df(weights).min()), inference.words)


def _robust(inference: Inference, weights: FloatArray, robust: Sandwich) -> _F:
    work = inference.solution.working
    turned = weights @ work.basis
    estimate = inference.solution.estimates(weights)[0] / work.scale[0]
    values, vectors = np.linalg.eigh(turned @ robust.vcov @ turned.T)
    squares = (vectors.T @ estimate) ** 2 / values
    df = robust.functions(vectors.T @ turned)[1]
    return _F(float(squares.mean()), pooled_df(df), "cluster-robust, df pooled after Fai and Cornelius")
