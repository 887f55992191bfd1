"""Cluster-robust inference of a fitted model."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.repeated_measures.functions import Tested
from neurotrial.models.repeated_measures.roles import check_choice
from neurotrial.models.repeated_measures.sandwich import ROBUST, sandwich
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.result import Mmrm
    from neurotrial.models.repeated_measures.sandwich import ClusterRobust, Sandwich
    from neurotrial.models.student import FloatArray

__all__ = ["robust_sandwich", "robust_tested", "whitened_rows"]


def robust_sandwich(fit: Mmrm, kind: ClusterRobust, cluster: str | pd.Series | None) -> Sandwich:
    """Return the robust covariance of a fit on its working scale; arguments as in `Mmrm.vcov_robust`."""
    kind = check_choice("kind", kind, ROBUST)
    matrix, residual = whitened_rows(fit)
    found = sandwich(matrix, residual, _clusters(fit, cluster), kind)
    if kind == "CR3" and found.undefined:
        rule = f"{found.undefined} clusters determine a coefficient alone, where CR3 is not defined"
        raise refuse("kind", rule, 'use "CR2", or leave out the terms of which one cluster alone knows')
    return found


def robust_tested(fit: Mmrm, robust: Sandwich, kind: str, weights: FloatArray) -> Tested:
    """Return estimates with robust standard errors and df."""
    work = fit.inference.solution.working
    std_error, df = robust.functions(weights @ work.basis)
    words = f"{kind} cluster-robust standard error, Bell-McCaffrey degrees of freedom"
    estimate = fit.inference.solution.estimates(weights)[0]
    return Tested(estimate, std_error * work.scale[0], df, [words] * len(weights))


def whitened_rows(fit: Mmrm) -> tuple[FloatArray, FloatArray]:
    """Return model matrix and residuals on the working scale, times the inverse root of each participant's covariance."""
    work = fit.inference.solution.working
    root = np.sqrt(fit.long.column(fit.roles.weights)) if fit.roles.weights else np.ones(fit.n_observations)
    fitted = fit.design.matrix @ fit.coefficients.to_numpy()
    residual = (fit.long.column(fit.roles.outcome) - fitted) / work.scale[0] * root
    stacked = np.column_stack([fit.design.matrix @ work.basis * root[:, None], residual])
    covariance = fit.inference.solution.evaluation.covariance.matrix[0]
    starts = np.flatnonzero(np.r_[True, np.diff(fit.long.participant) > 0, True])
    for begin, end in itertools.pairwise(starts):
        level = fit.long.level[begin:end]
        lower = np.linalg.cholesky(covariance[level[:, None], level])
        stacked[begin:end] = np.linalg.solve(lower, stacked[begin:end])
    return stacked[:, :-1], stacked[:, -1]


def _clusters(fit: Mmrm, cluster: str | pd.Series | None) -> np.ndarray:
    if cluster is None:
        return fit.long.participant
    values = _cluster_values(fit, cluster)
    where = f"cluster {cluster!r}" if isinstance(cluster, str) else "cluster"
    frame = pd.DataFrame({fit.roles.subject: fit.long.frame[fit.roles.subject], "cluster": values})
    shown = (fit.roles.subject, "cluster")
    lacking = frame.index[frame["cluster"].isna()]
    if len(lacking):
        raise refuse(
            where, "is missing", "give a cluster for every participant", describe_rows(frame, lacking, shown)
        )
    per_person = frame.groupby(fit.roles.subject, sort=False)["cluster"].nunique()
    several = frame.index[frame[fit.roles.subject].isin(per_person.index[per_person > 1])]
    if len(several):
        rule = "a participant is in one cluster: visits of one participant are correlated"
        raise refuse(where, rule, "give clusters of whole participants", describe_rows(frame, several, shown))
    return pd.factorize(frame["cluster"])[0]


def _cluster_values(fit: Mmrm, cluster: str | pd.Series) -> FloatArray:
    people = fit.long.frame[fit.roles.subject]
    if not isinstance(cluster, str):
        return np.asarray(people.map(cluster), dtype="object")
    if cluster not in fit.long.frame:
        rule = f"column {cluster!r} is not among the columns of the fit"
        raise refuse(
            "cluster", rule, "give values indexed by participant, e.g. data.groupby(subject)[cluster].first()"
        )
    return np.asarray(fit.long.frame[cluster], dtype="object")
