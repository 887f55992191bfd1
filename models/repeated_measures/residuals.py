"""Residuals of a fitted model: raw, in standard deviations, and decorrelated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.models.repeated_measures.robust import whitened_rows

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.result import Mmrm

__all__ = ["residual_table"]


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
