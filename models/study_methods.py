"""The methods of an analysis in one cell of a study: each called with what the study file declares."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.method_names import BOUNDED, IMPUTATIONS, METHODS
from neurotrial.models.bounded_scores import scores
from neurotrial.models.bounded_scores.responders_test import responders
from neurotrial.models.cells import cell_participants, cell_seed
from neurotrial.models.compare import CLASSICAL, computed, estimate_methods
from neurotrial.models.missing_data.imputation import impute
from neurotrial.models.missing_data.selection import selection_weights
from neurotrial.models.randomisation.freedman_lane_test import freedman_lane
from neurotrial.models.randomisation.rerandomisation import rerandomise
from neurotrial.models.randomised_table import allocation_of, allocation_seed, randomised_table, visits_table
from neurotrial.models.robust.rank_tests import rank_comparison
from neurotrial.models.robust.regression import quantile_regression, robust_regression
from neurotrial.models.tidy import Estimate, tidy_frame
from neurotrial.models.unitless_effects import standardised_effects

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell
    from neurotrial.models.missing_data.imputation import Imputation

__all__ = ["Rows", "estimate_cell", "imputed_cell", "one_method"]

_N_IMPUTATIONS = 200


@dataclass(frozen=True)
class _Context:
    """A cell with its participants, and the arguments that its methods share."""

    cell: Cell
    data: StudyData
    wide: pd.DataFrame

    @property
    def shared(self) -> dict[str, Any]:
        study = self.data.study
        return {
            "arm": "arm",
            "reference": study.reference_arm.name,
            "conf_level": study.conf_level,
            "visit": self.cell.visit,
        }

    @property
    def adjusted(self) -> dict[str, Any]:
        covariates = self.cell.analysis.covariates
        return {"outcome": "follow_up", "baseline": "baseline", "covariates": covariates, **self.shared}

    def seed(self, name: str) -> np.random.SeedSequence:
        root = cell_seed(self.data.study, self.cell)
        return np.random.SeedSequence([*np.atleast_1d(root.entropy).tolist(), *name.encode()])  # type: ignore[arg-type]


def estimate_cell(cell: Cell, data: StudyData, methods: Sequence[str]) -> pd.DataFrame:
    """Estimate the effect in a cell by each of its frequentist methods.

    Parameters
    ----------
    cell : Cell
        An analysis of an outcome.
    data : StudyData
        The study.
    methods : sequence of str
        Names of `neurotrial.method_names.METHODS`, but for Bayesian ones.

    Returns
    -------
    DataFrame
        Columns of `neurotrial.models.tidy`. A method that cannot be computed is a row with status ``failed``.

    Raises
    ------
    InputError
        If the participants cannot be compared by any method.
    """
    study = data.study
    wide = cell_participants(cell, data)
    order = [arm.name for arm in study.arms]
    context = _Context(cell, data, wide.assign(arm=pd.Categorical(wide["arm"].astype("str"), order)))
    classical = [name for name in methods if name in CLASSICAL]
    parts = [_classical(context, classical)] if classical else []
    calls = _calls(context)
    contrasts = [f"{name} - {study.reference_arm.name}" for name in order if name != study.reference_arm.name]
    parts += [
        computed(calls[name], METHODS[name], contrasts, cell.visit)
        for name in dict.fromkeys(methods)
        if name in calls
    ]
    rows = pd.concat([part for part in parts if not part.empty], ignore_index=True)
    return rows.drop_duplicates(["method", "contrast"], ignore_index=True)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of estimates that are handed on as a result.

    Attributes
    ----------
    frame : DataFrame
        Columns of `neurotrial.models.tidy`.
    """

    frame: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the rows."""
        return self.frame


def one_method(cell: Cell, data: StudyData, method: str, wide: pd.DataFrame) -> pd.DataFrame:
    """Estimate the effect by one method that needs no more than the two values, among some of the participants.

    Parameters
    ----------
    cell : Cell
        An analysis of an outcome.
    data : StudyData
        The study.
    method : str
        A method that compares the participants of the population.
    wide : DataFrame
        Participants, as `neurotrial.models.cells.cell_participants` gives them.
    """
    order = [arm.name for arm in data.study.arms]
    context = _Context(cell, data, wide.assign(arm=pd.Categorical(wide["arm"].astype("str"), order)))
    return _classical(context, [method]) if method in CLASSICAL else _calls(context)[method]()


def _classical(context: _Context, methods: Sequence[str]) -> pd.DataFrame:
    study, cell = context.data.study, context.cell
    return estimate_methods(
        context.wide,
        methods=methods,
        arm_order=[arm.name for arm in study.arms],
        reference=study.reference_arm.name,
        covariates=cell.analysis.covariates,
        maximum=cell.outcome.range[1] if cell.outcome.range else None,
        follow_up=cell.visit,
        baseline_visit=study.baseline_visit.name,
        conf_level=study.conf_level,
        n_resamples=study.n_resamples,
        seed=cell_seed(study, cell),
    )


def _calls(context: _Context) -> Mapping[str, Callable[[], pd.DataFrame]]:
    wide, adjusted = context.wide, context.adjusted
    plain = {key: value for key, value in adjusted.items() if key != "covariates"}
    calls: dict[str, Callable[[], pd.DataFrame]] = {
        "rerandomisation": functools.partial(_rerandomised, context),
        "freedman_lane": functools.partial(_freedman_lane, context),
        "robust": lambda: pd.concat(
            [robust_regression(wide, **adjusted, estimator=kind).tidy() for kind in ("MM", "M")]
        ),
        "median": lambda: quantile_regression(wide, **adjusted).tidy(),
        "ranks": lambda: rank_comparison(wide, **plain).tidy(),
        "responders": lambda: responders(wide, **plain, **_scale(context), **_mcid(context)).tidy(),
        "responders_imputed": functools.partial(_responders_imputed, context),
        "effect_sizes": lambda: standardised_effects(wide, **plain).tidy(),
        "selection_weights": functools.partial(_weighted, context),
    }
    for name in BOUNDED:
        calls[name] = functools.partial(_bounded, context, name)
    for name in IMPUTATIONS:
        calls[name] = functools.partial(_imputed, context, name)
    return calls


def _scale(context: _Context) -> dict[str, Any]:
    low, high = context.cell.outcome.range or (None, None)
    return {} if low is None or high is None else {"minimum": low, "maximum": high}


def _mcid(context: _Context) -> dict[str, Any]:
    outcome = context.cell.outcome
    return {"mcid": outcome.mcid.value if outcome.mcid else 0.0, "direction": outcome.direction}


def _bounded(context: _Context, name: str) -> pd.DataFrame:
    fit = getattr(scores, name)
    rows: pd.DataFrame = fit(context.wide, **context.adjusted, **_scale(context)).tidy()
    return rows


def _rerandomised(context: _Context) -> pd.DataFrame:
    data, cell = context.data, context.cell
    found = rerandomise(
        randomised_table(cell, data),
        outcome="follow_up",
        baseline="baseline",
        arm="arm",
        reference=data.study.reference_arm.name,
        covariates=cell.analysis.covariates,
        allocation=allocation_of(data),
        conf_level=data.study.conf_level,
        n_resamples=data.study.n_resamples,
        seed=allocation_seed(data.study),
    )
    return found.tidy().assign(visit=cell.visit)


def _freedman_lane(context: _Context) -> pd.DataFrame:
    data, cell = context.data, context.cell
    found = freedman_lane(
        context.wide,
        outcomes=["follow_up"],
        baseline="baseline",
        arm="arm",
        reference=data.study.reference_arm.name,
        covariates=cell.analysis.covariates,
        n_resamples=data.study.n_resamples,
        seed=context.seed("freedman_lane"),
    )
    (row,) = found.table.to_dict("records")
    reference = data.study.reference_arm.name
    (treated,) = (arm.name for arm in data.study.arms if arm.name != reference)
    seen = context.wide.dropna(subset=["follow_up", "baseline"])["arm"].value_counts()
    label = Estimate(
        "freedman_lane",
        "arm",
        f"{treated} - {reference}",
        {str(name): int(count) for name, count in seen.items()},
        visit=cell.visit,
        estimate=row["estimate"],
        statistic=row["statistic"],
        p_value=row["p_value"],
        reason=f"approximate: {found.n_permutations} permutations of residuals, which know no blocks",
    )
    return tidy_frame([label])


def imputed_cell(cell: Cell, data: StudyData, strategy: str, method: str, **more: Any) -> Imputation:
    """Impute the outcome of a cell over the visits up to the estimand's.

    Parameters
    ----------
    cell : Cell
        An analysis of an outcome.
    data : StudyData
        The study.
    strategy, method : str
        As in `neurotrial.models.impute`.
    **more
        Further arguments of it.
    """
    study = data.study
    long, events = visits_table(cell, data)
    return impute(
        long,
        outcome="value",
        subject="participant_id",
        visit="visit",
        arm="arm",
        covariates=cell.analysis.covariates,
        events=events,
        strategy=strategy,  # type: ignore[arg-type]
        method=method,  # type: ignore[arg-type]
        reference=study.reference_arm.name,
        baseline_visit=study.baseline_visit.name,
        conf_level=study.conf_level,
        n_imputations=_N_IMPUTATIONS,
        **more,
    )


def _imputed(context: _Context, name: str) -> pd.DataFrame:
    strategy = name.removeprefix("impute_").upper()
    kinds = {"conditional-mean": {}, "bayes": {"seed": context.seed(name)}}
    parts = [
        imputed_cell(context.cell, context.data, strategy, method, **more).tidy()
        for method, more in kinds.items()
    ]
    rows = pd.concat(parts)
    return rows[rows["visit"] == context.cell.visit]


def _responders_imputed(context: _Context) -> pd.DataFrame:
    found = imputed_cell(context.cell, context.data, "MAR", "bayes", seed=context.seed("responders"))
    outcome = context.cell.outcome
    compared = responders(
        found,
        mcid=outcome.mcid.value if outcome.mcid else 0.0,
        direction=outcome.direction,
        conf_level=context.data.study.conf_level,
        visit=context.cell.visit,
    )
    named = [
        replace(row, method=row.method.replace("responders", "responders_imputed"))
        for row in compared.estimates
    ]
    return tidy_frame(named)


def _weighted(context: _Context) -> pd.DataFrame:
    data, analysis = context.data, context.cell.analysis
    found = selection_weights(
        randomised_table(context.cell, data),
        outcome="follow_up",
        baseline="baseline",
        arm="arm",
        predictors=analysis.selection_predictors,
        covariates=analysis.covariates,
        reference=data.study.reference_arm.name,
        conf_level=data.study.conf_level,
        visit=context.cell.visit,
        seed=context.seed("selection_weights"),
    )
    return found.tidy()
