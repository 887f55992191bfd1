"""The likelihood of the beta-binomial: points out of a maximum, with more variation than a binomial has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bounded_scores.maximum_likelihood import Likelihood, Maximum, maximise

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["beta_binomial_fit"]

_START = 2.0


def beta_binomial_fit(points: FloatArray, size: int, x: FloatArray) -> Maximum:
    """Fit by maximum likelihood, alpha = mu phi, beta = (1 - mu) phi, logit mu = x b.

    Parameters
    ----------
    points : array of float, shape (n,)
        Whole numbers from 0 to `size`.
    size : int
        Highest possible number of points.
    x : array of float, shape (n, q)
        Model matrix with intercept.

    Returns
    -------
    Maximum
        Parameters: coefficients, then log phi.

    Raises
    ------
    InputError
        If the likelihood has no maximum.
    """
    share = (points.sum() + 0.5) / (size * points.size + 1)
    level = np.full(points.size, np.log(share / (1 - share)))
    start = np.concatenate([np.linalg.lstsq(x, level, rcond=None)[0], [_START]])
    return maximise(lambda theta: _likelihood(theta, points, size, x), start, "beta-binomial")


def _likelihood(theta: FloatArray, points: FloatArray, size: int, x: FloatArray) -> Likelihood:
    from scipy.special import expit, gammaln, polygamma, psi

    eta, phi = np.clip(x @ theta[:-1], -30, 30), float(np.exp(np.clip(theta[-1], -30, 30)))
    mu = expit(eta)
    a, b, y, rest = mu * phi, (1 - mu) * phi, points, size - points
    value = gammaln(size + 1) - gammaln(y + 1) - gammaln(rest + 1)
    value = (
        value
        + gammaln(y + a)
        - gammaln(a)
        + gammaln(rest + b)
        - gammaln(b)
        + gammaln(phi)
        - gammaln(size + phi)
    )
    by_a, by_b, by_phi = psi(y + a) - psi(a), psi(rest + b) - psi(b), psi(phi) - psi(size + phi)
    second = [
        polygamma(1, top) - polygamma(1, low) for top, low in ((y + a, a), (rest + b, b), (phi, size + phi))
    ]
    slope = mu * (1 - mu)
    mu_first, phi_first = phi * (by_a - by_b), mu * by_a + (1 - mu) * by_b + by_phi
    mu_mu = phi**2 * (second[0] + second[1])
    mu_phi = by_a - by_b + phi * (mu * second[0] - (1 - mu) * second[1])
    phi_phi = mu**2 * second[0] + (1 - mu) ** 2 * second[1] + second[2]
    eta_eta = mu_mu * slope**2 + mu_first * slope * (1 - 2 * mu)
    cross = x.T @ (mu_phi * slope * phi)
    corner = float((phi_phi * phi**2 + phi_first * phi).sum())
    hessian = np.block([[x.T @ (x * eta_eta[:, None]), cross[:, None]], [cross[None], np.array([[corner]])]])
    gradient = np.append(x.T @ (mu_first * slope), (phi_first * phi).sum())
    return Likelihood(float(value.sum()), gradient, hessian)
