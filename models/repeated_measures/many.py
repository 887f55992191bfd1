"""Many repeated-measures models at once: outcomes, bootstrap weights, jackknife masks; one batched fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.checks import check_level, missing_columns
from neurotrial.models.repeated_measures.batches import Batches
from neurotrial.models.repeated_measures.design_matrix import DesignMatrix, design_matrix
from neurotrial.models.repeated_measures.fitting import fit_cells, out_of_range
from neurotrial.models.repeated_measures.inference import (
    DegreesOfFreedom,
    Inference,
    KenwardRoger,
    check_inference,
)
from neurotrial.models.repeated_measures.long_data import LongData, long_data
from neurotrial.models.repeated_measures.mmrm_fit import Estimation, inference_of, rows_of
from neurotrial.models.repeated_measures.roles import Roles, check_choice, roles_of
from neurotrial.models.repeated_measures.trial_functions import trial_functions

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.functions import Label
    from neurotrial.models.repeated_measures.named import Covariance
    from neurotrial.models.student import FloatArray

__all__ = ["ManyMmrm", "mmrm_many"]

_BATCH = 1000
_STATEFUL = ("poly(", "bs(", "center(")


@dataclass(frozen=True)
class ManyMmrm:
    """Fitted cells: each outcome with each set of replicate weights.

    Attributes
    ----------
    cells : DataFrame, shape (n_cells, 5)
        outcome, replicate (0 where there are none), status, reason, iterations.
    names : tuple of str
        Names of the coefficients.
    design : DesignMatrix
        Model matrix of all rows.
    roles : Roles
        Terms and columns.
    long : LongData
        All rows.
    parts : tuple of (array of int, Inference)
        The batches: which cells, and their fits.
    """

    cells: pd.DataFrame
    names: tuple[str, ...]
    design: DesignMatrix
    roles: Roles
    long: LongData
    parts: tuple[tuple[np.ndarray, Inference], ...]

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return every coefficient of every cell; columns as in `contrast`."""
        return self.contrast({name: {name: 1.0} for name in self.names}, conf_level)

    def effects(self, arm: str, conf_level: float = 0.95) -> pd.DataFrame:
        """Return the differences between arms, the changes within arms, and group x time of every cell.

        Parameters
        ----------
        arm : str
            The factor with the arms.
        conf_level : float
            In (0, 1).
        """
        weights, labels = trial_functions(self.design, self.long.frame, arm, self.roles.visit)
        names = [
            f"{label.contrast} @ {label.visit}" if label.term == "arm" else label.contrast for label in labels
        ]
        return self._table(weights, names, conf_level, labels)

    def contrast(self, weights: Mapping[str, Mapping[str, float]], conf_level: float = 0.95) -> pd.DataFrame:
        """Return linear functions of the coefficients of every cell.

        Parameters
        ----------
        weights : mapping
            For each name a mapping from names of coefficients to weights.
        conf_level : float
            In (0, 1).

        Returns
        -------
        DataFrame
            A row for each cell and function: outcome, replicate, term, contrast, visit, estimate, std_error, df,
            statistic, p_value, conf_low, conf_high, status, reason (why it failed, or how it was tested).
        """
        unknown = [key for given in weights.values() for key in given if key not in self.names]
        if unknown:
            raise refuse("contrast", f"{unknown[0]!r} is no coefficient", f"use: {', '.join(self.names)}")
        rows = np.array([[given.get(name, 0.0) for name in self.names] for given in weights.values()])
        return self._table(rows, list(weights), conf_level, None)

    def functions(self, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, np.ndarray]:
        """Return estimates, standard errors, df and methods, shape (n_cells, m) each; NaN for cells that failed.

        Parameters
        ----------
        weights : array of float, shape (m, p)
            Linear functions of the coefficients.
        """
        shape = (len(self.cells), len(weights))
        estimate, std_error, df = (np.full(shape, np.nan) for _ in range(3))
        methods = np.full(shape, "", dtype=object)
        for chosen, inference in self.parts:
            found = inference.functions(weights)
            for whole, own in zip((estimate, std_error, df, methods), found, strict=True):
                whole[chosen] = own
        failed = (self.cells["status"] == "failed").to_numpy()
        for whole in (estimate, std_error, df):
            whole[failed] = np.nan
        return estimate, std_error, df, methods

    def _table(
        self, weights: FloatArray, names: Sequence[str], conf_level: float, labels: Sequence[Label] | None
    ) -> pd.DataFrame:
        from scipy import stats

        check_level(conf_level)
        estimate, std_error, df, methods = self.functions(weights)
        m = len(names)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = estimate / std_error
        half = stats.t.isf((1 - conf_level) / 2, df) * std_error
        status = np.repeat(self.cells["status"].to_numpy(), m)
        reason = np.where(status == "failed", np.repeat(self.cells["reason"].to_numpy(), m), methods.ravel())
        return pd.DataFrame(
            {
                "outcome": np.repeat(self.cells["outcome"].to_numpy(), m),
                "replicate": np.repeat(self.cells["replicate"].to_numpy(), m),
                "term": [label.term for label in labels or ()] * len(self.cells) or "contrast",
                "contrast": list(names) * len(self.cells),
                "visit": [label.visit for label in labels or ()] * len(self.cells) or "",
                "estimate": estimate.ravel(),
                "std_error": std_error.ravel(),
                "df": df.ravel(),
                "statistic": statistic.ravel(),
                "p_value": (2 * stats.t.sf(np.abs(statistic), df)).ravel(),
                "conf_low": (estimate - half).ravel(),
                "conf_high": (estimate + half).ravel(),
                "status": status,
                "reason": reason,
            }
        )


def mmrm_many(
    formula: str,
    data: pd.DataFrame,
    *,
    subject: str,
    visit: str,
    outcomes: Sequence[str] | pd.DataFrame | None = None,
    replicates: FloatArray | None = None,
    time: str | None = None,
    covariance: Covariance = "us",
    df: DegreesOfFreedom = "auto",
    kr: KenwardRoger = "linear",
    method: Estimation = "reml",
    weights: str | None = None,
    by_arm: str | None = None,
    batch: int = _BATCH,
) -> ManyMmrm:
    """Fit the same model to many outcomes, many sets of replicate weights, or both, in batches.

    Each cell has the numbers that `mmrm` gives for it alone, to 1e-10, whatever the batch. A cell that cannot be
    fitted is a row with its reason; the others go on.

    Parameters
    ----------
    formula : str
        As in `mmrm`; with several outcomes what stands before the ~ is their placeholder, e.g. ``"y ~ arm * visit"``.
    data : DataFrame
        One row per participant and visit.
    subject, visit, time, covariance, df, kr, method, weights, by_arm
        As in `mmrm`.
    outcomes : sequence of str, or DataFrame with the rows of `data`, optional
        Columns of `data`, or the outcomes themselves; each may miss other rows. The formula's outcome by default.
    replicates : array of float, shape (n_participants, n_replicates), optional
        How often each participant counts, in order of first appearance in `data`: bootstrap counts, 0 and 1 for
        subsets and the jackknife. Columns of 0 and 1 are treated as missing data, so that an exact t is found where
        there is one.
    batch : int
        Cells that are fitted together; changes memory and speed, not numbers.

    Returns
    -------
    ManyMmrm
        ``tidy()``, ``effects(arm)`` and ``contrast(...)`` are tables with a row for each cell and function.

    Raises
    ------
    InputError
        As `mmrm`; if replicates do not fit the participants or are negative; or if a term such as ``poly`` depends on
        which rows are there while outcomes miss different rows.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> long = pd.DataFrame({"who": list("abcdefabcdef"), "visit": ["baseline"] * 6 + ["day90"] * 6,
    ...                      "arm": ["control"] * 3 + ["treated"] * 3 + ["control"] * 3 + ["treated"] * 3,
    ...                      "score": [20.0, 31, 45, 22, 30, 47, 28, 40, 52, 35, 41, 60]})
    >>> jackknife = 1 - np.eye(6)
    >>> fits = mmrm_many("score ~ arm * visit", long, subject="who", visit="visit", replicates=jackknife)
    >>> fits.effects("arm").query("term == 'group_by_time'")["estimate"].round(2).tolist()
    [4.33, 4.83, 3.83, 4.33, 5.33, 3.33]
    """
    check_choice("method", method, ("reml", "ml"))
    reml = method == "reml"
    frame, names = _with_outcomes(formula, data, outcomes)
    placed = f"{names[0]} ~ {formula.partition('~')[2]}"
    roles = roles_of(
        placed,
        frame,
        subject=subject,
        visit=visit,
        time=time,
        weights=weights,
        by_arm=by_arm,
        covariance=covariance,
    )
    check_inference(df, kr, roles.covariance, reml=reml)
    counts = _replicates(replicates, data[subject].nunique())
    long = long_data(frame, roles, names)
    design = design_matrix(long, roles)
    rows = rows_of(long, roles, design)
    y = long.frame[list(names)].to_numpy(dtype="float64")
    _check_stateful(roles, y, counts)
    appearance = pd.Index(pd.unique(frame[subject])).get_indexer(pd.Index(long.frame[subject].unique()))
    plan = Batches(rows, y, None if counts is None else counts[appearance], batch)
    parts = []
    for chosen, values, weighting in plan.pieces():
        fitted = fit_cells(rows, values, long, roles.covariance, reml=reml, replicates=weighting)
        parts.append((chosen, inference_of(long, design, fitted, df, kr)))
    cells = _cells(names, plan.n_replicates, parts, roles.covariance)
    return ManyMmrm(cells, design.names, design, roles, long, tuple(parts))


def _with_outcomes(
    formula: str, data: pd.DataFrame, outcomes: Sequence[str] | pd.DataFrame | None
) -> tuple[pd.DataFrame, list[str]]:
    if outcomes is None:
        return data, [formula.partition("~")[0].strip()]
    if isinstance(outcomes, pd.DataFrame):
        if len(outcomes) != len(data):
            rule = f"there are {len(outcomes)} rows of outcomes for {len(data)} rows of data"
            raise refuse("outcomes", rule, "give one row of outcomes for each row of data, in the same order")
        stem = "outcome_"
        while any(str(name).startswith(stem) for name in data.columns):
            stem += "_"
        made = outcomes.set_axis([f"{stem}{number}" for number in range(outcomes.shape[1])], axis=1)
        joined = pd.concat([data.reset_index(drop=True), made.reset_index(drop=True)], axis=1)
        return joined, [str(name) for name in made.columns]
    if not len(outcomes):
        raise refuse("outcomes", "there are none", "name at least one column")
    problems = missing_columns(data, outcomes)
    if problems:
        raise InputError(problems)
    return data, list(outcomes)


def _replicates(replicates: FloatArray | None, n: int) -> FloatArray | None:
    if replicates is None:
        return None
    counts = np.asarray(replicates, dtype="float64")
    if counts.ndim != 2 or counts.shape[0] != n or counts.shape[1] == 0:  # noqa: PLR2004
        rule = f"has shape {counts.shape} for {n} participants"
        raise refuse("replicates", rule, "give one row for each participant and a column for each replicate")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise refuse(
            "replicates", "holds negative or infinite numbers", "a participant counts 0 times or more"
        )
    return counts


def _check_stateful(roles: Roles, y: FloatArray, counts: FloatArray | None) -> None:
    terms = [term.rstrip("(") for term in _STATEFUL if term in roles.terms.replace(" ", "")]
    missing = not np.isfinite(y).all() or (counts is not None and (counts == 0).any())
    if terms and missing:
        rule = f"{', '.join(terms)} depends on which rows are there, and cells miss different rows"
        raise InputError([Problem("formula", rule, "put the transformed columns into the data first")])


def _cells(
    names: Sequence[str],
    n_replicates: int,
    parts: Sequence[tuple[np.ndarray, Inference]],
    covariance: Covariance,
) -> pd.DataFrame:
    total = len(names) * n_replicates
    reason, iterations = np.full(total, "", dtype=object), np.zeros(total, dtype=np.int64)
    for chosen, inference in parts:
        solution = inference.solution
        reason[chosen] = [
            why or out_of_range(solution, covariance, cell) for cell, why in enumerate(solution.reasons)
        ]
        iterations[chosen] = solution.optimum.iterations
    return pd.DataFrame(
        {
            "outcome": np.repeat(np.array(names, dtype=object), n_replicates),
            "replicate": np.tile(np.arange(n_replicates), len(names)),
            "status": np.where(reason == "", "ok", "failed"),
            "reason": reason,
            "iterations": iterations,
        }
    )
