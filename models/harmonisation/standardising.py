"""Values in standard deviations about what is expected of them without their batch, with a random intercept where people come again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotrial.errors import InputError

__all__ = ["Standardised", "standardised_values"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Standardised:
    """Standardised values of one outcome.

    Attributes
    ----------
    z : ndarray, shape (scans,)
        Value less what is expected without the batch, over the SD.
    expected : ndarray, shape (scans,)
        By covariates and, where people come again, their own level.
    sd : float
        Of the residuals.
    """

    z: FloatArray
    expected: FloatArray
    sd: float


def standardised_values(
    values: FloatArray, batches: FloatArray, preserved: FloatArray, subjects: Any
) -> Standardised:
    """Standardise the values of one outcome.

    Parameters
    ----------
    values : ndarray, shape (scans,)
        The outcome.
    batches : ndarray, shape (scans, batches)
        A one for the batch of each scan.
    preserved : ndarray, shape (scans, columns)
        What is preserved; no column is a combination of the others and the batches.
    subjects : array, shape (scans,)
        Whose scans they are. Where nobody has two, the fit is that of least squares, with the SD of the residuals divided by
        their number, as ComBat has it; else a random intercept is fitted by restricted maximum likelihood.
    """
    if len(set(subjects)) == len(values):
        design = np.column_stack([batches, preserved])
        coefficients = np.linalg.lstsq(design, values, rcond=None)[0]
        residuals = values - design @ coefficients
        own_level, sd = np.zeros(len(values)), float(np.sqrt(np.mean(residuals**2)))
    else:
        coefficients, own_level, sd = _random_intercept(values, batches, preserved, subjects)
    sizes = batches.sum(axis=0)
    effects = coefficients[: len(sizes)]
    grand = float(sizes @ effects / sizes.sum())
    expected = grand + preserved @ coefficients[len(sizes) :] + own_level
    return Standardised((values - expected) / sd, expected, sd)


def _random_intercept(
    values: FloatArray, batches: FloatArray, preserved: FloatArray, subjects: Any
) -> tuple[FloatArray, FloatArray, float]:
    """Return coefficients of batches and covariates, the predicted level of each scan's participant, and the residual SD."""
    import pandas as pd

    from neurotrial.models.repeated_measures.mmrm_fit import mmrm

    columns = np.column_stack([batches[:, 1:], preserved])
    names = [f"c{place}" for place in range(columns.shape[1])]
    data = pd.DataFrame(columns, columns=names).assign(
        value=values, subject=np.asarray(subjects).astype("str")
    )
    data["time"] = data.groupby("subject").cumcount().astype("str")
    try:
        fit = mmrm(f"value ~ {' + '.join(names)}", data, subject="subject", visit="time", covariance="ri")
    except InputError:  # the likelihood is highest where the variance of the intercept is 0
        design = np.column_stack([batches, preserved])
        least: FloatArray = np.asarray(np.linalg.lstsq(design, values, rcond=None)[0], dtype="float64")
        squares = ((values - design @ least) ** 2).sum()
        return least, np.zeros(len(values)), float(np.sqrt(squares / (len(values) - design.shape[1])))
    found = fit.coefficients.to_numpy()
    matrix = np.asarray(fit.covariance)
    between = float(matrix[0, 1])
    within = float(matrix[0, 0] - between)
    residuals = pd.Series(values - found[0] - columns @ found[1:])
    groups = residuals.groupby(data["subject"].to_numpy())
    count = groups.transform("size").to_numpy()
    level = groups.transform("mean").to_numpy() * between / (between + within / count)
    coefficients: FloatArray = np.concatenate(
        [[found[0]], found[0] + found[1 : batches.shape[1]], found[batches.shape[1] :]]
    )
    return coefficients, level, float(np.sqrt(within))
