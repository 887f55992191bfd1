"""Inverse probability weights for selection into those observed, with standard errors that know they are estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.checks import arm_order, arm_problems, check_level, missing_columns, number_problems
from neurotrial.models.design import aliased_columns, covariate_matrix, covariate_problems, term_columns
from neurotrial.models.missing_data.weighting import Weighted, bootstrap_estimates, weighted_fit
from neurotrial.models.tidy import Estimate, tidy_frame
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from neurotrial.models.permutation import Seed
    from neurotrial.models.student import FloatArray

__all__ = ["SelectionWeights", "selection_weights"]

_EXTREME = 20.0


@dataclass(frozen=True)
class SelectionWeights:
    """An analysis weighted for selection.

    Attributes
    ----------
    estimates : tuple of Estimate
        In the order of `tidy`.
    selection : DataFrame
        Model of being observed: coefficient, estimate, std_error (log odds; predictors in SDs from their mean).
    weights : Series
        1 over the probability of being observed, indexed as the data; NaN for those who were not.
    n_effective : dict of str to float
        Effective number of participants by arm: squared sum of weights over sum of squared weights.
    n_bootstrap : int
        Bootstrap samples that were used.
    note : str
        What should be known.
    """

    estimates: tuple[Estimate, ...]
    selection: pd.DataFrame
    weights: pd.Series[float]
    n_effective: dict[str, float]
    n_bootstrap: int
    note: str

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(self.estimates)


def selection_weights(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    predictors: Sequence[str],
    baseline: str | None = None,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    by_arm: bool = True,
    n_resamples: int = 2000,
    conf_level: float = 0.95,
    visit: str = "",
    seed: Seed = 0,
) -> SelectionWeights:
    """Compare arms among those observed, weighted to stand for all randomised.

    Parameters
    ----------
    data : DataFrame
        One row for each randomised participant; who has an outcome (and a baseline, if named) was observed.
    outcome, arm : str
        Columns with the value and the arm.
    predictors : sequence of str
        Columns or formula terms, complete for all randomised, by which being observed is modelled (logistic).
    baseline : str, optional
        Column with the baseline of the outcome, for which the comparison is adjusted.
    covariates : sequence of str
        Further terms of the comparison.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    by_arm : bool
        Whether the arm is a predictor too.
    n_resamples : int
        Bootstrap samples, stratified by arm; 0 for none.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the visit, for the table only.
    seed : int or SeedSequence
        Of the bootstrap.

    Returns
    -------
    SelectionWeights
        For each arm against the reference a row ``ipw_stacked``, the sandwich of the stacked estimating equations of
        weights and comparison [1]_, with t on the residual degrees of freedom of those observed, and a row
        ``ipw_bootstrap``, percentiles of the whole procedure.

    Raises
    ------
    InputError
        If a column breaks its rule, a predictor is missing, everybody was observed, some predictors tell exactly who was
        not (separation), or somebody has an outcome but no baseline.

    Notes
    -----
    With the few participants of a small trial both intervals are too short; the reason of each row says so, and the
    guide shows by how much.

    References
    ----------
    .. [1] Robins JM, Rotnitzky A, Zhao LP. J Am Stat Assoc 1994;89:846-866.
       https://doi.org/10.1080/01621459.1994.10476818

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 6 + ["cells"] * 6, "age": [50, 61, 58, 70, 66, 49] * 2,
    ...                        "fa": [0.41, None, 0.45, 0.38, None, 0.44, 0.46, 0.43, 0.49, None, 0.45, None]})
    >>> found = selection_weights(scores, outcome="fa", arm="arm", predictors=["age"], reference="control",
    ...                           by_arm=False, n_resamples=0)
    >>> found.tidy()["estimate"].round(3).tolist()
    [0.041]
    """
    check_level(conf_level)
    frame = _checked(data, outcome, arm, baseline, covariates, predictors, reference)
    order = arm_order(frame[arm], reference)
    first = str(reference) if reference is not None else order[0]
    arms = (first, *(name for name in order if name != first))
    code = pd.Index(arms).get_indexer(pd.Index(frame[arm].astype("str")))
    seen = frame[outcome].notna().to_numpy()
    z = _selection_matrix(frame, predictors, code, arms, by_arm=by_arm)
    x = _comparison_matrix(frame, covariates, baseline, code, arms)
    y = np.where(seen, frame[outcome].to_numpy(dtype="float64", na_value=np.nan), 0.0)
    _check_sizes(frame, seen, code, arms, arm, x)
    found = weighted_fit(z.to_numpy(), x, y, seen)
    if not found.converged:
        raise _separated(predictors)
    drawn = bootstrap_estimates(z.to_numpy(), x, y, seen, code, n_resamples, seed)
    usable = drawn[np.isfinite(drawn).all(axis=1)]
    counts = {name: int((seen & (code == number)).sum()) for number, name in enumerate(arms)}
    note = _note(found, len(drawn) - len(usable))
    df = float(seen.sum() - x.shape[1])
    rows = [
        row
        for number in range(1, len(arms))
        for row in _rows(
            Estimate("", "arm", f"{arms[number]} - {first}", counts, visit=visit, conf_level=conf_level),
            found, number, df, usable[:, number], n_resamples, note,
        )
    ]  # fmt: skip
    return SelectionWeights(
        estimates=tuple(rows),
        selection=pd.DataFrame(
            {
                "coefficient": list(z.columns),
                "estimate": found.selection,
                "std_error": np.sqrt(np.diag(found.selection_vcov)),
            }
        ),
        weights=pd.Series(np.where(seen, found.weights, np.nan), index=data.index, name="weight"),
        n_effective=_effective(found, seen, code, arms),
        n_bootstrap=len(usable),
        note=note,
    )


def _checked(
    data: pd.DataFrame,
    outcome: str,
    arm: str,
    baseline: str | None,
    covariates: Sequence[str],
    predictors: Sequence[str],
    reference: str | None,
) -> pd.DataFrame:
    numeric = [outcome, *([baseline] if baseline else [])]
    columns = [name for term in (*covariates, *predictors) for name in term_columns(term, data)]
    problems = [
        *missing_columns(data, dict.fromkeys([arm, *numeric, *columns])),
        *covariate_problems(covariates, data, [*numeric, arm]),
        *covariate_problems(predictors, data, [outcome, arm]),
    ]
    if problems:
        raise InputError(problems)
    frame = data.reset_index(drop=True)
    frame.index.name = "row"
    problems = [problem for name in numeric for problem in number_problems(frame, name)]
    problems += list(arm_problems(frame, arm, arm_order(frame[arm], reference), reference))
    if not problems and baseline:
        lacking = frame.index[frame[outcome].notna() & frame[baseline].isna()]
        if len(lacking):
            rule = "is missing for some who have an outcome; the weights need a monotone pattern"
            rows = describe_rows(frame, lacking, (arm, baseline, outcome))
            problems.append(
                Problem(f"column {baseline!r}", rule, "set the outcome to missing, or impute instead", rows)
            )
    if not problems and frame[outcome].notna().all():
        problems.append(Problem(f"column {outcome!r}", "nobody misses it", "compare without weights"))
    if problems:
        raise InputError(problems)
    return frame


def _selection_matrix(
    frame: pd.DataFrame, predictors: Sequence[str], code: np.ndarray, arms: Sequence[str], *, by_arm: bool
) -> pd.DataFrame:
    made = covariate_matrix(frame, predictors)
    lacking = frame.index[~np.isfinite(made.to_numpy()).all(axis=1)]
    if len(lacking):
        names = [name for term in predictors for name in term_columns(term, frame)]
        rows = describe_rows(frame, lacking, dict.fromkeys(names))
        raise refuse(
            "predictors", "must be there for all randomised", "fill in, or leave the predictor out", rows
        )
    parts = pd.DataFrame({"1": np.ones(len(frame))})
    if by_arm:
        for number in range(1, len(arms)):
            parts[f"arm {arms[number]}"] = (code == number).astype("float64")
    for name in made:
        values = made[name].to_numpy()
        parts[str(name)] = (values - values.mean()) / (values.std() or 1.0)
    aliased = aliased_columns(parts)
    if aliased:
        raise refuse("predictors", f"combinations of others: {', '.join(aliased)}", "leave them out")
    return parts


def _comparison_matrix(
    frame: pd.DataFrame,
    covariates: Sequence[str],
    baseline: str | None,
    code: np.ndarray,
    arms: Sequence[str],
) -> FloatArray:
    """Return intercept, arms, baseline and covariates; 0 where somebody who was not observed misses them."""
    dummies = (code[:, None] == np.arange(1, len(arms))).astype("float64")
    parts = [np.ones((len(frame), 1)), dummies]
    parts += [frame[[baseline]].to_numpy(dtype="float64", na_value=np.nan)] if baseline else []
    parts.append(covariate_matrix(frame, covariates).to_numpy())
    return np.asarray(np.nan_to_num(np.hstack(parts)), dtype="float64")


def _check_sizes(
    frame: pd.DataFrame, seen: np.ndarray, code: np.ndarray, arms: Sequence[str], arm: str, x: FloatArray
) -> None:
    few = [name for number, name in enumerate(arms) if (seen & (code == number)).sum() < 2]  # noqa: PLR2004
    if few:
        rule = f"arm {few[0]!r} has fewer than two participants with an outcome"
        raise refuse(f"column {arm!r}", rule, "leave the arm out")
    names = [str(number) for number in range(x.shape[1])]
    if seen.sum() <= x.shape[1] or aliased_columns(pd.DataFrame(x[seen], columns=names)):
        rule = f"{int(seen.sum())} observed of {len(frame)} cannot tell {x.shape[1]} coefficients apart"
        raise refuse("covariates", rule, "leave out covariates")


def _separated(predictors: Sequence[str]) -> InputError:
    rule = "tell exactly who was not observed (separation): nobody who was observed can stand for them"
    return refuse(f"predictors {', '.join(predictors)}", rule, "use fewer predictors")


def _rows(
    template: Estimate,
    found: Weighted,
    number: int,
    df: float,
    drawn: FloatArray,
    n_resamples: int,
    note: str,
) -> list[Estimate]:
    from dataclasses import replace

    from neurotrial.models.student import t_test

    level = template.conf_level
    value, error = float(found.coefficients[number]), float(np.sqrt(found.vcov[number, number]))
    test = t_test(value, error, df, level, 0.0)
    stacked = replace(
        template, method="ipw_stacked", estimate=value, std_error=error, df=df, statistic=test.statistic,
        conf_low=test.conf_low, conf_high=test.conf_high, interval_kind="t", p_value=test.p_value, reason=note,
    )  # fmt: skip
    if not n_resamples:
        return [stacked]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    said = f"percentiles of {len(drawn)} bootstrap samples; {note}"
    return [stacked, replace(
        template, method="ipw_bootstrap", estimate=value, std_error=float(drawn.std(ddof=1)), conf_low=float(low),
        conf_high=float(high), interval_kind="percentile", reason=said,
    )]  # fmt: skip


def _note(found: Weighted, lost: int) -> str:
    parts = ["weighted for selection; intervals are too short in small samples"]
    largest = float(found.weights[found.seen].max())
    parts += [f"the largest weight is {largest:.0f}"] if largest > _EXTREME else []
    parts += [f"{lost} bootstrap samples with separation left out"] if lost else []
    return "; ".join(parts)


def _effective(found: Weighted, seen: np.ndarray, code: np.ndarray, arms: Sequence[str]) -> dict[str, float]:
    weights = {name: found.weights[seen & (code == number)] for number, name in enumerate(arms)}
    return {name: float(own.sum() ** 2 / (own**2).sum()) for name, own in weights.items()}
