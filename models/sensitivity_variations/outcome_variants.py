"""A study in which one imaging outcome is measured otherwise: other rows of the table `features`, all else as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from neurotrial.errors import InputError
from neurotrial.models.harmonisation.study_harmonisation import harmonised_study
from neurotrial.outcomes import build_outcomes

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell

__all__ = ["alternatives", "fitting_rows", "measured_otherwise"]

Where = Mapping[str, Any]


def fitting_rows(features: pd.DataFrame, where: Where) -> pd.DataFrame:
    """Return the rows of `features` whose columns have these values."""
    rows = features
    for name, wanted in where.items():
        rows = rows[rows[name] == wanted]
    return rows


def alternatives(features: pd.DataFrame, where: Where, column: str) -> list[Any]:
    """Return the other values of a column among the rows that fit `where` but for that column, in order."""
    own = fitting_rows(features, where)[column].dropna().unique()
    rest = {name: wanted for name, wanted in where.items() if name != column}
    found = fitting_rows(features, rest)[column].dropna().unique()
    return sorted(value for value in found if value not in own)


def measured_otherwise(
    cell: Cell, data: StudyData, where: Where, *, bounded: bool = True
) -> tuple[Cell, StudyData]:
    """Return a cell and its study with other rows of `features` as the outcome.

    Parameters
    ----------
    cell : Cell
        An analysis of an imaging outcome.
    data : StudyData
        The study.
    where : mapping
        Column of `features` to value: the rows of the outcome.
    bounded : bool
        Whether the outcome keeps its range.

    Returns
    -------
    tuple of Cell and StudyData
        The study has only what the cell needs; its outcomes are harmonised where the study file asks for it.

    Raises
    ------
    InputError
        If no row fits or several fit a participant and visit, or the outcomes cannot be harmonised.
    """
    source = cell.outcome.source.model_copy(update={"where": dict(where)})
    update = {"source": source} | ({} if bounded else {"range": None})
    outcome = cell.outcome.model_copy(update=update)
    names = _needed(cell, data)
    kept = [outcome if own.name == outcome.name else own for own in data.study.outcomes if own.name in names]
    study = data.study.model_copy(update={"outcomes": kept})
    long, problems = build_outcomes(study, data.tables)
    if problems:
        raise InputError(problems)
    made = replace(data, study=study, outcomes=long)
    if _is_harmonised(cell, data):
        made, _ = harmonised_study(made)
    return replace(cell, outcome=outcome), made


def _is_harmonised(cell: Cell, data: StudyData) -> bool:
    plan = data.study.harmonisation
    return plan is not None and cell.outcome.name in plan.outcomes


def _needed(cell: Cell, data: StudyData) -> Sequence[str]:
    """Return the outcomes that are harmonised with that of the cell, which learn from each other; else only that."""
    plan = data.study.harmonisation
    return plan.outcomes if plan is not None and _is_harmonised(cell, data) else [cell.outcome.name]
