"""Missing outcomes given the observed ones: conditional means, or draws around them, for many fits at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.missing_data.strategies import Moments, Strategy, moments

if TYPE_CHECKING:
    from neurotrial.models.missing_data.gaussian import Gaussian, Parameters
    from neurotrial.models.student import FloatArray

__all__ = ["completed"]


@dataclass(frozen=True, slots=True)
class _Group:
    """Participants who miss the same levels, have the same covariance and the same first affected level."""

    people: np.ndarray
    seen: np.ndarray
    missing: np.ndarray
    covariance: int
    first: int


def completed(
    model: Gaussian, found: Parameters, strategy: Strategy, noise: FloatArray | None = None
) -> FloatArray:
    """Fill in what is missing.

    Parameters
    ----------
    model : Gaussian
        The imputation model.
    found : Parameters
        Its parameters, in n_cells cells.
    strategy : {"MAR", "J2R", "CR", "CIR", "LMCF"}
        What is assumed after an event.
    noise : array of float, shape (n_cells, n, L), optional
        Standard normal numbers for draws; without them missing values get their conditional mean.

    Returns
    -------
    array of float, shape (n_cells, n, L)
        Observed values stay. Outcomes observed after an event whose strategy is not MAR stay too, but tell nothing
        about the missing ones.
    """
    cells = len(found.coefficients)
    filled = np.repeat(model.y[None], cells, axis=0)
    own = np.einsum("nlp,cp->cnl", model.x, found.coefficients)
    reference = np.einsum("nlp,cp->cnl", model.x_reference, found.coefficients)
    carried = _carried(model, found) if strategy == "LMCF" else own
    for group in _groups(model, strategy):
        who = group.people
        assumed = moments(
            strategy,
            Moments(own[:, who], found.covariance[:, group.covariance]),
            Moments(reference[:, who], found.covariance[:, 0]),
            group.first,
            carried[:, who],
        )
        drawn = None if noise is None else noise[:, who]
        filled[:, who[:, None], group.missing] = _fill(model.y[who], group, assumed, drawn)
    return filled


def _groups(model: Gaussian, strategy: Strategy) -> Iterator[_Group]:
    n, L = model.y.shape
    missing = np.isnan(model.y)
    first = model.affected if strategy != "MAR" else np.full(n, L)
    code = np.column_stack([missing, first, model.group])
    for row in np.unique(code[missing.any(axis=1)], axis=0):
        lacking, level = row[:L].astype(bool), int(row[L])
        told = ~lacking & (np.arange(L) < level)
        people = np.flatnonzero((code == row).all(axis=1))
        yield _Group(people, np.flatnonzero(told), np.flatnonzero(lacking), int(row[L + 1]), level)


def _fill(y: FloatArray, group: _Group, assumed: Moments, noise: FloatArray | None) -> FloatArray:
    """Return the values of the missing levels, shape (n_cells, m, n_missing)."""
    o, m = group.seen, group.missing
    values = assumed.mean[:, :, m]
    spread = assumed.covariance[:, m[:, None], m]
    if o.size:
        slope = np.linalg.solve(assumed.covariance[:, o[:, None], o], assumed.covariance[:, o[:, None], m])
        values = values + (y[:, o] - assumed.mean[:, :, o]) @ slope
        spread = spread - assumed.covariance[:, m[:, None], o] @ slope
    if noise is None:
        return np.asarray(values)
    root = np.linalg.cholesky(0.5 * (spread + np.swapaxes(spread, 1, 2)))
    return np.asarray(values + noise[:, :, m] @ np.swapaxes(root, 1, 2))


def _carried(model: Gaussian, found: Parameters) -> FloatArray:
    """Return the baseline's mean at every level, given the baseline: what LMCF carries from before the first visit."""
    if model.baseline_slopes is None:
        return np.asarray(np.einsum("nlp,cp->cnl", model.x, found.coefficients))
    baseline = model.x[:, 0, model.baseline_slopes[0]]
    slopes = found.coefficients[:, model.baseline_slopes]
    centre = baseline.mean()
    return np.asarray(centre + (baseline - centre)[None, :, None] * slopes[:, None, :])
