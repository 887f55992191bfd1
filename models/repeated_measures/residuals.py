"""Residuals of a fitted model, and the random effects that they predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.repeated_measures.named import RANDOM
from neurotrial.models.repeated_measures.robust import whitened_rows

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.result import Mmrm

__all__ = ["predicted_effects", "residual_table"]


def residual_table(fit: Mmrm) -> pd.DataFrame:
    """Return the residuals of each row.

    Parameters
    ----------
    fit : Mmrm
        A fitted model.

    Returns
    -------
    DataFrame
        Participant, visit, outcome, ``fitted``, ``residual`` (units of the outcome), ``pearson`` (over its standard
        deviation) and ``normalised`` (times the inverse Cholesky root of the participant's covariance: uncorrelated,
        of unit variance).
    """
    frame = fit.long.frame[[fit.roles.subject, fit.roles.visit, fit.roles.outcome]].copy()
    frame["fitted"] = fit.design.matrix @ fit.coefficients.to_numpy()
    frame["residual"] = frame[fit.roles.outcome] - frame["fitted"]
    sd = np.sqrt(np.diag(fit.covariance))[fit.long.level]
    if fit.roles.weights:
        sd = sd / np.sqrt(fit.long.column(fit.roles.weights))
    frame["pearson"] = frame["residual"] / sd
    frame["normalised"] = whitened_rows(fit)[1]
    return frame


def predicted_effects(fit: Mmrm) -> pd.DataFrame:
    """Return the random effects of each participant; see `Mmrm.random_effects`."""
    if fit.structure not in RANDOM:
        rule = f"{fit.structure!r} is no covariance of random effects"
        raise refuse("random_effects", rule, 'fit covariance="ri", "rs" or "rs_uncorrelated"')
    whole = fit.covariance.to_numpy()
    times = np.zeros(len(fit.long.levels)) if fit.long.times is None else fit.long.times
    columns = {"intercept": np.ones_like(times)} | ({"slope": times} if fit.structure != "ri" else {})
    design = np.column_stack(list(columns.values()))
    n_groups = max(len(fit.long.groups), 1)
    residual = fit.residuals()["residual"].to_numpy()
    predicted = []
    for number in range(fit.n_participants):
        at = np.flatnonzero(fit.long.participant == number)
        level = fit.long.level[at]
        group, within = divmod(level, len(times))
        spread = _effects_covariance(fit, int(group[0]) if n_groups > 1 else None)
        z = design[within]
        predicted.append(spread @ z.T @ np.linalg.solve(whole[np.ix_(level, level)], residual[at]))
    index = pd.Index(fit.long.participants, name=fit.roles.subject)
    return pd.DataFrame(predicted, index=index, columns=list(columns))


def _effects_covariance(fit: Mmrm, group: int | None) -> np.ndarray:
    """Return the covariance of intercept and slope."""
    prefix = "" if group is None else f"{fit.long.groups[group]}: "
    theta = fit.theta
    intercept = theta[f"{prefix}var(intercept)"]
    if fit.structure == "ri":
        return np.array([[intercept]])
    between = theta.get(f"{prefix}cov(intercept, slope)", 0.0)
    return np.array([[intercept, between], [between, theta[f"{prefix}var(slope)"]]])
