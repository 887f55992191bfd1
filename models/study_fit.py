"""Fitting a study: every analysis of the study file, from the outcomes table to the results store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError
from neurotrial.models.compare import agreement, estimate_methods
from neurotrial.models.connectivity import summarise_connectivity
from neurotrial.models.descriptives import describe_study, population_members
from neurotrial.models.flow import count_flow
from neurotrial.models.harms import summarise_harms
from neurotrial.models.multiplicity import adjust
from neurotrial.models.tidy import failed_row
from neurotrial.provenance import provenance
from neurotrial.results import RESULT_TABLES, Results, estimate_key
from neurotrial.tables import TABLES
from neurotrial.tabular import empty_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neurotrial.loading import StudyData
    from neurotrial.study import Analysis, Outcome, Study

__all__ = ["fit_study"]

_COPIED = ("features", "quality", "decisions", "status")
"""Input tables that the reports show scan by scan."""

Progress = Callable[[str], None]
"""Told the name of each cell before it is fitted."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One analysis of one outcome."""

    analysis: Analysis
    outcome: Outcome
    estimand: str
    population: str
    visit: str

    @property
    def name(self) -> str:
        """Analysis and outcome, for messages and seeds."""
        return f"{self.analysis.name}/{self.outcome.name}"


def study_cells(study: Study) -> list[Cell]:
    """Return the analyses of a study file, one cell for each analysis and outcome."""
    cells = []
    for analysis in study.analyses:
        estimand = study.estimand_of(analysis)
        population = study.population_of(analysis).name
        cells += [
            Cell(analysis, study.outcome(name), estimand.name, population, estimand.visit)
            for name in estimand.outcomes
        ]
    return cells


def fit_study(data: StudyData, progress: Progress = lambda _: None) -> Results:
    """Fit every analysis of a study.

    Parameters
    ----------
    data : StudyData
        A checked study folder.
    progress : callable
        Told the name of each cell before it is fitted.

    Returns
    -------
    Results
        Estimates, adjusted p-values, statements, descriptives, flow and harms. A cell that cannot be fitted is a
        row with status ``failed`` and the reason.
    """
    study = data.study
    estimates, statements = [], []
    for cell in study_cells(study):
        progress(cell.name)
        rows, statement = _fit_cell(study, cell, data)
        estimates.append(rows)
        statements.append(statement)
    table = pd.concat([rows for rows in estimates if not rows.empty], ignore_index=True)
    tables = {
        "estimates": table,
        "adjusted": _families(study, table),
        "statements": pd.DataFrame(statements),
        "descriptives": describe_study(study, data.tables["participants"], data.outcomes),
        "flow": count_flow(study, data.tables, data.outcomes),
        "harms_summary": summarise_harms(study, data.tables),
        "connectivity": summarise_connectivity(study, data.tables),
        "outcomes": data.outcomes,
    }
    copies = {name: data.tables.get(name, empty_table(TABLES[name])) for name in _COPIED}
    tables |= copies
    return Results(tables, study.model_dump(mode="json"), provenance(data, _decisions(table)))


def cell_seed(study: Study, cell: Cell) -> np.random.SeedSequence:
    """Return the seed of a cell: the study's seed and the cell's name, so that no other cell moves it."""
    return np.random.SeedSequence([study.seed, *cell.name.encode()])


def _fit_cell(study: Study, cell: Cell, data: StudyData) -> tuple[pd.DataFrame, dict[str, str]]:
    wide = _wide(study, cell, data)
    try:
        rows = estimate_methods(
            wide,
            methods=cell.analysis.methods,
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
    except InputError as error:
        rows = failed_row(
            cell.analysis.main_method, "; ".join(f"{p.where}: {p.rule}" for p in error.problems)
        )
    statement = agreement(
        _labelled(study, rows, "contrast"),
        _labelled(study, wide, "arm"),
        main=cell.analysis.main_method,
        direction=cell.outcome.direction,
        conf_level=study.conf_level,
    )
    key = f"{cell.analysis.name}/{cell.outcome.name}/{cell.population}/agreement"
    return _identified(study, cell, rows), {"key": key, "statement": statement}


def _wide(study: Study, cell: Cell, data: StudyData) -> pd.DataFrame:
    """Return one row for each member of the population: arm, baseline, follow-up and covariates."""
    members = population_members(study, data.tables["participants"], cell.population)["participant_id"]
    long = data.outcomes
    wanted = (long["outcome"] == cell.outcome.name) & (long["visit"] == cell.visit)
    rows = long[wanted & long["participant_id"].isin(members)]
    return (
        rows.drop(columns=["visit", "outcome"]).rename(columns={"value": "follow_up"}).reset_index(drop=True)
    )


def _labelled(study: Study, frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Put the arms' labels where their names stand, for a sentence that readers see."""
    names = {arm.name: arm.label for arm in study.arms}
    contrasts = {f"{one} - {two}": f"{names[one]} - {names[two]}" for one in names for two in names}
    return frame.assign(**{column: frame[column].replace(names | contrasts)})


def _identified(study: Study, cell: Cell, rows: pd.DataFrame) -> pd.DataFrame:
    """Put the identity of the cell before its estimates, in the order of the contract."""
    shared: dict[str, Any] = {
        "analysis": cell.analysis.name,
        "outcome": cell.outcome.name,
        "estimand": cell.estimand,
        "population": cell.population,
        "visit": cell.visit,
        "reference_arm": study.reference_arm.name,
        "probability_benefit": np.nan,
        "spec_hash": study.spec_hash,
    }
    full = rows.assign(**shared)
    full["unit"] = [
        "ratio" if method.startswith("ratio_") else cell.outcome.unit for method in full["method"]
    ]
    place = {"analysis": cell.analysis.name, "outcome": cell.outcome.name, "population": cell.population}
    full["key"] = [
        estimate_key(**place, method=method, contrast=contrast, visit=cell.visit)
        for method, contrast in zip(full["method"], full["contrast"], strict=True)
    ]
    return full[[column.name for column in RESULT_TABLES["estimates"].columns]]


def _families(study: Study, estimates: pd.DataFrame) -> pd.DataFrame:
    """Adjust the p-values of each declared family; a missing p-value keeps its place in the family's size."""
    parts = [pd.DataFrame(columns=["family", "procedure", "key", "p_raw", "p_adjusted"])]
    for family in study.families:
        chosen = estimates["analysis"].isin(family.analyses) & (estimates["term"] == "arm")
        rows = estimates[chosen & (estimates["method"] == family.method)]
        adjusted = adjust(rows["p_value"].to_numpy(), family.procedure)
        named = {"family": family.name, "procedure": family.procedure}
        parts.append(
            pd.DataFrame({**named, "key": rows["key"], "p_raw": rows["p_value"], "p_adjusted": adjusted})
        )
    return pd.concat([part for part in parts if not part.empty] or parts[:1], ignore_index=True)


def _decisions(estimates: pd.DataFrame) -> list[str]:
    return list(_failures(estimates)) or ["every analysis was fitted as planned"]


def _failures(estimates: pd.DataFrame) -> Iterator[str]:
    for row in estimates[estimates["status"] == "failed"].itertuples():
        yield f"{row.key}: failed, {row.reason}"
