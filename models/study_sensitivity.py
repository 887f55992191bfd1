"""Sensitivity analyses that the study file asks for: without each participant, tipping points, who is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.errors import InputError, refuse
from neurotrial.method_names import BEYOND, IMPUTATIONS, METHODS
from neurotrial.models.cells import cell_participants
from neurotrial.models.influence.leave_out import Influence, leave_one_out
from neurotrial.models.missing_data.tipping import TippingPoint, tipping_point
from neurotrial.models.missing_data.who_is_missing import missingness
from neurotrial.models.randomised_table import visits_table
from neurotrial.models.study_methods import Rows, one_method
from neurotrial.results import estimate_key

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell

__all__ = ["Sensitivity", "left_out", "study_sensitivity", "tipped"]


@dataclass
class Sensitivity:
    """Rows of the results tables.

    Attributes
    ----------
    influence, tipping, missingness, statements : list of dict
        Rows of the tables of these names.
    """

    influence: list[dict[str, Any]] = field(default_factory=list)
    tipping: list[dict[str, Any]] = field(default_factory=list)
    missingness: list[dict[str, Any]] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)


def study_sensitivity(data: StudyData, cells: Sequence[Cell]) -> Sensitivity:
    """Return the sensitivity analyses of a study.

    Parameters
    ----------
    data : StudyData
        The study.
    cells : sequence of Cell
        Its cells.

    Returns
    -------
    Sensitivity
        What cannot be computed is a statement that says why.
    """
    found = Sensitivity()
    calls: dict[str, Callable[[Cell, StudyData], Any]] = {
        "leave_one_out": left_out,
        "tipping_point": tipped,
    }
    for cell in cells:
        for name in cell.analysis.sensitivity:
            key = "/".join((*cell.place.values(), name))
            try:
                made = calls[name](cell, data)
            except InputError as error:
                reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
                found.statements.append({"key": key, "statement": f"Not computed ({reason})."})
                continue
            if isinstance(made, Influence):
                statement = made.sentence()
                found.influence += _influence_rows(cell, made)
            else:
                labels = {arm.name: arm.label for arm in data.study.arms}
                statement = made.sentence(label=labels[made.compared])
                found.tipping += _tipping_rows(cell, data, made)
            found.statements.append({"key": key, "statement": statement})
    for cell in _once(cells):
        found.missingness += _missing_rows(cell, data)
    return found


def left_out(cell: Cell, data: StudyData) -> Influence:
    """Return the main comparison of a cell without each participant.

    Raises
    ------
    InputError
        If the main method is more than one fit, or the participants cannot be compared.
    """
    analysis, study = cell.analysis, data.study
    main = analysis.main_method
    wide = cell_participants(cell, data)
    if main.startswith("ancova_"):
        return leave_one_out(
            wide,
            outcome="follow_up",
            baseline="baseline",
            arm="arm",
            subject="participant_id",
            covariates=analysis.covariates,
            reference=study.reference_arm.name,
            errors="HC3" if main == "ancova_hc3" else "OLS",
            conf_level=study.conf_level,
        )
    method = next(name for name in analysis.methods if main in METHODS[name])
    if method in BEYOND:
        raise refuse(
            "leave_one_out", f"{main!r} is more than one fit", "ask for it beside another main method"
        )

    def repeated(rest: pd.DataFrame) -> Rows:
        rows = one_method(cell, data, method, rest)
        return Rows(rows[rows["method"] == main])

    found = leave_one_out(wide, subject="participant_id", analysis=repeated, conf_level=study.conf_level)
    arms = wide.set_index("participant_id")["arm"].astype("str")
    return replace(found, table=found.table.assign(arm=found.table["participant"].map(arms)))


def _influence_rows(cell: Cell, found: Influence) -> list[dict[str, Any]]:
    rows = found.table.rename(columns={"participant": "participant_id"}).to_dict("records")
    place: dict[str, Any] = dict(cell.place)
    made = []
    for record in rows:
        row = _named(record)
        key = estimate_key(
            **place, method=str(row["method"]), contrast=str(row["contrast"]), visit=cell.visit
        )
        shared = {"key": f"{key}/without/{row['participant_id']}", "turned": "yes" if row["turned"] else "no"}
        made.append({**row, **place, **shared, "visit": cell.visit})
    return made


def tipped(
    cell: Cell, data: StudyData, strategy: str | None = None, compared: str | None = None
) -> TippingPoint:
    """Return the comparison of a cell with deltas added to the imputed values.

    Parameters
    ----------
    cell : Cell
        An analysis of an outcome.
    data : StudyData
        The study.
    strategy : str, optional
        As in `neurotrial.models.impute`; that of the first imputation which the analysis names by default, else MAR.
    compared : str, optional
        The arm that is compared with the reference; the first other arm by default.

    Raises
    ------
    InputError
        If nobody misses the outcome, or it cannot be imputed.
    """
    study = data.study
    named = [name for name in cell.analysis.methods if name in IMPUTATIONS]
    assumed = strategy or (named[0].removeprefix("impute_").upper() if named else "MAR")
    long, events = visits_table(cell, data)
    return tipping_point(
        long,
        outcome="value",
        subject="participant_id",
        visit="visit",
        arm="arm",
        covariates=cell.analysis.covariates,
        events=events,
        strategy=assumed,
        compared=compared,
        reference=study.reference_arm.name,
        baseline_visit=study.baseline_visit.name,
        conf_level=study.conf_level,
        alpha=round(1 - study.conf_level, 12),
    )


def _tipping_rows(cell: Cell, data: StudyData, found: TippingPoint) -> list[dict[str, Any]]:
    grid = found.grid[found.grid["visit"] == cell.visit]
    contrast = f"{found.compared} - {found.reference}"
    method = f"impute_{found.imputation.strategy.lower()}_cm"
    key = estimate_key(**cell.place, method=method, contrast=contrast, visit=cell.visit)
    shared = {**cell.place, "method": method, "contrast": contrast, "conf_level": data.study.conf_level}
    return [
        {**shared, **row, "key": f"{key}/delta/{row['delta']:.6g}/{row['delta_reference']:.6g}"}
        for row in map(_named, grid.to_dict("records"))
    ]


def _named(record: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in record.items()}


def _once(cells: Sequence[Cell]) -> list[Cell]:
    """Return a cell for each outcome and population."""
    return list({(cell.outcome.name, cell.population): cell for cell in reversed(cells)}.values())[::-1]


def _missing_rows(cell: Cell, data: StudyData) -> list[dict[str, Any]]:
    members = cell_participants(cell, data)["participant_id"]
    rows = data.outcomes
    own = rows[(rows["outcome"] == cell.outcome.name) & rows["participant_id"].isin(members)]
    order = pd.CategoricalDtype([visit.name for visit in data.study.visits], ordered=True)
    arms = pd.CategoricalDtype([arm.name for arm in data.study.arms])
    typed = own.assign(
        visit=own["visit"].astype("str").astype(order), arm=own["arm"].astype("str").astype(arms)
    )
    found = missingness(typed, outcome="value", subject="participant_id", visit="visit", arm="arm").tidy()
    place = {"outcome": cell.outcome.name, "population": cell.population}
    return [
        {**place, **row, "key": f"missing/{'/'.join(place.values())}/{row['visit']}/{row['arm']}"}
        for row in map(_named, found.to_dict("records"))
    ]
