"""The mixed model for repeated measures, from a formula and a long table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.repeated_measures.design_matrix import DesignMatrix, design_matrix
from neurotrial.models.repeated_measures.fitting import FALLBACK, fit_structure
from neurotrial.models.repeated_measures.inference import (
    DegreesOfFreedom,
    Inference,
    KenwardRoger,
    check_inference,
)
from neurotrial.models.repeated_measures.long_data import LongData, long_data
from neurotrial.models.repeated_measures.named import STRUCTURES, Covariance
from neurotrial.models.repeated_measures.result import Mmrm
from neurotrial.models.repeated_measures.roles import Roles, check_choice, roles_of
from neurotrial.models.repeated_measures.working import Rows

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.repeated_measures.fitting import Fitted

__all__ = ["Estimation", "fallback_chain", "fit_design", "inference_of", "mmrm", "rows_of"]

Estimation = Literal["reml", "ml"]


def mmrm(
    formula: str,
    data: pd.DataFrame,
    *,
    subject: str,
    visit: str,
    time: str | None = None,
    covariance: Covariance = "us",
    df: DegreesOfFreedom = "auto",
    kr: KenwardRoger = "linear",
    method: Estimation = "reml",
    weights: str | None = None,
    by_arm: str | None = None,
    fallback: Sequence[Covariance] | Literal["default"] | None = None,
) -> Mmrm:
    """Fit a mixed model for repeated measures: a Gaussian model of all visits with a covariance between them.

    Parameters
    ----------
    formula : str
        ``"outcome ~ terms"``, e.g. ``"fa ~ arm * visit + age"``. Terms are made of columns, ``+ - * : ( )``, numbers
        and ``log poly bs C center``; nothing else is evaluated.
    data : DataFrame
        One row per participant and visit, in any order. Rows that miss the outcome or a column of the model are left
        out and counted. A categorical column gives the order of visits (and of arms, the first being the reference).
    subject, visit : str
        Columns with participant and visit. The visit is a factor, unless it is also the `time`.
    time : str, optional
        Column with times, for ``sp_exp``, ``rs`` and ``rs_uncorrelated``; they may differ between participants.
    covariance : str
        ``us`` unstructured, ``cs`` and ``csh`` compound symmetry, ``ar1`` and ``ar1h`` autoregressive, ``toep`` and
        ``toeph`` Toeplitz, ``ad`` and ``adh`` ante-dependence (an ``h`` at the end: a variance for each visit),
        ``sp_exp`` exponential in time, ``ri`` random intercept, ``rs`` random intercept and slope,
        ``rs_uncorrelated``, ``id`` independence.
    df : {"auto", "exact", "kenward-roger", "satterthwaite", "between-within", "residual", "normal"}
        ``auto``: an exact t wherever one exists, else Kenward-Roger (Satterthwaite where `method` is ``ml``).
    kr : {"linear", "sas", "mmrm", "pbkrtest"}
        ``linear`` leaves out the second-order term, as SAS kr(linear), and holds its level in small trials; ``sas``
        and ``mmrm`` keep it in the parameters of these programs, ``pbkrtest`` takes the expected information.
    method : {"reml", "ml"}
        Restricted or full likelihood.
    weights : str, optional
        Column with precision weights: the variance of a row is divided by its weight.
    by_arm : str, optional
        Column with arms that each have a covariance of their own.
    fallback : sequence of str or "default", optional
        Structures to try in turn where `covariance` cannot be fitted; ``"default"`` is us, toeph, ar1h, csh, cs. What
        was fitted stands in ``structure`` and ``decisions``.

    Returns
    -------
    Mmrm
        Coefficients, covariance, least-squares means, contrasts, tests.

    Raises
    ------
    InputError
        If an argument, the formula or a column is wrong, coefficients are aliased, or the covariance cannot be
        estimated from these data. A fit that does not converge is an error, never a result.

    References
    ----------
    .. [1] Kenward MG, Roger JH. Biometrics 1997;53:983-997. https://doi.org/10.2307/2533558
    .. [2] Mallinckrodt CH et al. Drug Inf J 2008;42:303-319. https://doi.org/10.1177/009286150804200402

    Examples
    --------
    >>> import pandas as pd
    >>> long = pd.DataFrame({"who": list("abcdefabcdef"), "visit": ["baseline"] * 6 + ["day90"] * 6,
    ...                      "arm": ["control"] * 3 + ["cells"] * 3 + ["control"] * 3 + ["cells"] * 3,
    ...                      "score": [20.0, 31, 45, 22, 30, 47, 28, 40, 52, 35, 41, 60]})
    >>> long["arm"] = pd.Categorical(long["arm"], ["control", "cells"])
    >>> fit = mmrm("score ~ arm * visit", long, subject="who", visit="visit")
    >>> fit.effects("arm").query("term == 'group_by_time'")[["contrast", "estimate", "df"]].round(2).to_dict("records")
    [{'contrast': 'cells - control @ day90 - baseline', 'estimate': 4.33, 'df': 4.0}]
    """
    check_choice("method", method, ("reml", "ml"))
    roles = roles_of(
        formula,
        data,
        subject=subject,
        visit=visit,
        time=time,
        weights=weights,
        by_arm=by_arm,
        covariance=covariance,
    )
    check_inference(df, kr, roles.covariance, reml=method == "reml")
    long = long_data(data, roles)
    design = design_matrix(long, roles)
    return fit_design(roles, long, design, df=df, kr=kr, method=method, fallback=fallback, arm=by_arm or "")


def fit_design(
    roles: Roles,
    long: LongData,
    design: DesignMatrix,
    *,
    df: DegreesOfFreedom,
    kr: KenwardRoger,
    method: Estimation,
    fallback: Sequence[Covariance] | Literal["default"] | None,
    arm: str,
) -> Mmrm:
    """Fit a model whose rows and columns are made; arguments as in `mmrm`."""
    rows, reml = rows_of(long, roles, design), method == "reml"
    y = long.column(roles.outcome)[:, None]
    fitted = fit_structure(rows, y, long, roles.covariance, fallback_chain(fallback), reml=reml)
    check_inference(df, kr, fitted.covariance, reml=reml)
    inference = inference_of(long, design, fitted, df, kr)
    decisions = (*long.decisions, *fitted.decisions, _applies(inference))
    return Mmrm(roles, long, design, inference, fitted.covariance, arm, decisions)


def _applies(inference: Inference) -> str:
    """Say which inference applies, and why."""
    if inference.df not in {"auto", "exact"}:
        return f"inference: {inference.words}"
    if inference.covariance == "id":
        return "inference: an exact t, since errors are independent and of one variance"
    if inference.exact_parts:
        where = "complete data, or a contrast that vanishes at a baseline that everybody has"
        return f"inference: an exact t wherever one exists ({where}), else {inference.words}"
    why = "no exact t is known for a restricted covariance, one for each arm, weights, or the full likelihood"
    return f"inference: {inference.words}; {why}"


def fallback_chain(
    fallback: Sequence[Covariance] | Literal["default"] | None,
) -> tuple[Covariance, ...]:
    """Return the structures to try in turn."""
    if fallback is None:
        return ()
    if isinstance(fallback, str):
        if fallback == "default":
            return FALLBACK
        raise refuse("fallback", f"{fallback!r} is not a chain", 'use "default", or a list of structures')
    return tuple(check_choice("fallback", name, STRUCTURES) for name in fallback)


def rows_of(long: LongData, roles: Roles, design: DesignMatrix) -> Rows:
    """Return the rows of a fit as arrays."""
    precision = long.column(roles.weights) if roles.weights else None
    n_levels = len(long.levels) * max(len(long.groups), 1)
    return Rows(design.matrix, long.participant, long.level, n_levels, precision)


def inference_of(
    long: LongData, design: DesignMatrix, fitted: Fitted, df: DegreesOfFreedom, kr: KenwardRoger
) -> Inference:
    """Put together how the linear functions of a fit are tested."""
    changes = np.diff(long.participant) == 0
    steps = np.abs(np.diff(design.matrix, axis=0)).T * changes
    return Inference(
        solution=fitted.solution,
        df=df,
        kr=kr,
        covariance=fitted.covariance,
        levels=long.levels,
        groups=long.groups,
        times=long.times,
        exact_parts=fitted.exact_parts,
        between=steps.max(axis=1) == 0,
        intercept=np.array([term == "1" for term in design.terms]),
    )
