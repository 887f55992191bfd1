"""Fitting a study: every analysis of the study file, from the outcomes table to the results store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.bayes_plan import BAYES_METHODS
from neurotrial.errors import InputError
from neurotrial.executors import SerialExecutor
from neurotrial.method_names import METHODS, scale_of
from neurotrial.models.bayes_study.study_posteriors import BayesRows, fit_posteriors
from neurotrial.models.bayes_study.study_tasks import count_fits, family_cell
from neurotrial.models.cells import cell_participants, study_cells
from neurotrial.models.compare import agreement
from neurotrial.models.connectivity import summarise_connectivity
from neurotrial.models.descriptives import describe_study
from neurotrial.models.flow import count_flow
from neurotrial.models.harmonisation.study_harmonisation import harmonised_study
from neurotrial.models.harms import summarise_harms
from neurotrial.models.sensitivity_variations.asked_or_kept import sensitivity_table
from neurotrial.models.sensitivity_variations.sensitivity_set import sensitivity_steps
from neurotrial.models.sensitivity_variations.sentences_of_changes import change_statements
from neurotrial.models.specifications.study_multiverse import multiverse_of_fit, multiverse_steps
from neurotrial.models.study_associations import association_rows
from neurotrial.models.study_families import adjust_families
from neurotrial.models.study_methods import estimate_cell
from neurotrial.models.study_planning import planning_rows
from neurotrial.models.study_sensitivity import study_sensitivity
from neurotrial.models.study_subgroups import study_subgroups
from neurotrial.models.tidy import failed_row
from neurotrial.models.timing import describe_timing
from neurotrial.provenance import provenance
from neurotrial.registration import registered_plans
from neurotrial.results import RESULT_TABLES, Results, estimate_key
from neurotrial.tables import TABLES
from neurotrial.tabular import empty_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell
    from neurotrial.study import Study

__all__ = ["count_steps", "fit_study", "framed"]

_COPIED = ("features", "quality", "decisions", "status")
"""Input tables that the reports show scan by scan."""

Progress = Callable[[str], None]
"""Told the name of each cell before it is fitted."""


def count_steps(study: Study, *, sensitivity: bool = False) -> int:
    """Return how often `fit_study` tells of its progress."""
    cells = study_cells(study)
    fits = count_fits(study)
    return (
        len(cells)
        + fits
        + bool(fits)
        + (sensitivity_steps(study) + multiverse_steps(study) if sensitivity else 0)
    )


def fit_study(
    data: StudyData,
    progress: Progress = lambda _: None,
    executor: Executor | None = None,
    *,
    sensitivity: bool = False,
    stored: Results | None = None,
) -> Results:
    """Fit every analysis of a study.

    Parameters
    ----------
    data : StudyData
        A checked study folder. Posteriors are written to ``results/posteriors/`` in it.
    progress : callable
        Told what is at work: the name of each posterior, then of each cell.
    executor : Executor, optional
        Samples the posteriors; in this process by default.
    sensitivity : bool
        Whether the standard sensitivity set and the declared multiverse are computed.
    stored : Results, optional
        Those of an earlier fit, whose standard sensitivity set is kept where nothing has changed since.

    Returns
    -------
    Results
        Estimates, adjusted p-values, statements, descriptives, flow and harms. A cell that cannot be fitted is a
        row with status ``failed`` and the reason.
    """
    data, harmonised = harmonised_study(data)
    study, cells = data.study, study_cells(data.study)
    posteriors = fit_posteriors(data, executor or SerialExecutor(), progress)
    estimates, statements = [], []
    for cell in cells:
        progress(cell.name)
        rows, statement = _fit_cell(study, cell, data, _posteriors(posteriors, cell))
        estimates.append(rows)
        statements.append(statement)
    estimates += _families(study, cells, posteriors)
    declared = study_sensitivity(data, cells)
    moderated = study_subgroups(data)
    table = pd.concat([rows for rows in estimates if not rows.empty], ignore_index=True)
    varied, left = sensitivity_table(data, table, progress, asked=sensitivity, stored=stored)
    tables = {
        "estimates": table,
        "adjusted": adjust_families(data, cells, table),
        "statements": pd.DataFrame(
            [*statements, *declared.statements, *moderated.statements, *change_statements(study, varied)]
        ),
        "descriptives": pd.concat(
            [
                describe_study(study, data.tables["participants"], data.outcomes),
                describe_timing(study, data.tables),
            ],
            ignore_index=True,
        ),
        "flow": count_flow(study, data.tables, data.outcomes),
        "harms_summary": summarise_harms(study, data.tables),
        "connectivity": summarise_connectivity(study, data.tables),
        "diagnostics": framed("diagnostics", posteriors.diagnostics),
        "evidence": framed("evidence", posteriors.evidence),
        "predictive": framed("predictive", posteriors.predictive),
        "influence": framed("influence", declared.influence),
        "tipping": framed("tipping", declared.tipping),
        "sensitivity": varied,
        "missingness": framed("missingness", declared.missingness),
        "associations": framed("associations", [*association_rows(data), *posteriors.associations]),
        "subgroups": framed("subgroups", moderated.subgroups),
        "planning": framed("planning", planning_rows(study)),
        "outcomes": data.outcomes,
    }
    copies = {name: data.tables.get(name, empty_table(TABLES[name])) for name in _COPIED}
    tables |= copies
    several, also_left = multiverse_of_fit(data, executor, progress, asked=sensitivity, stored=stored)
    tables |= several
    decisions = [*harmonised, *left, *also_left, *_decisions(table, tables["diagnostics"])]
    record = {**provenance(data, decisions), "registered": registered_plans(data.folder)}
    return Results(tables, study.model_dump(mode="json"), record)


def _posteriors(rows: BayesRows, cell: Cell) -> list[pd.DataFrame]:
    return rows.estimates.get((cell.analysis.name, cell.outcome.name), [])


def _families(study: Study, cells: Sequence[Cell], rows: BayesRows) -> Iterator[pd.DataFrame]:
    """Yield the effects that the outcomes of an analysis are pooled towards."""
    for analysis in study.analyses:
        family = family_cell([cell for cell in cells if cell.analysis.name == analysis.name])
        found = _posteriors(rows, family)
        if found:
            yield _identified(study, family, pd.concat(found, ignore_index=True))


def framed(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Put rows into a table of the results, in the order of its contract."""
    table = RESULT_TABLES[name]
    return pd.DataFrame(rows)[[column.name for column in table.columns]] if rows else empty_table(table)


def _fit_cell(
    study: Study, cell: Cell, data: StudyData, bayes: Sequence[pd.DataFrame]
) -> tuple[pd.DataFrame, dict[str, str]]:
    wide = cell_participants(cell, data)
    methods = [method for method in cell.analysis.methods if method not in BAYES_METHODS]
    parts = [_frequentist(cell, data, methods)] if methods else []
    rows = pd.concat([*parts, *bayes], ignore_index=True)
    statement = agreement(
        _labelled(study, rows, "contrast"),
        _labelled(study, wide, "arm"),
        main=cell.analysis.main_method,
        direction=cell.outcome.direction,
        conf_level=study.conf_level,
    )
    key = f"{cell.analysis.name}/{cell.outcome.name}/{cell.population}/agreement"
    return _identified(study, cell, rows), {"key": key, "statement": statement}


def _frequentist(cell: Cell, data: StudyData, methods: Sequence[str]) -> pd.DataFrame:
    try:
        return estimate_cell(cell, data, methods)
    except InputError as error:
        main = cell.analysis.main_method
        slug = METHODS[methods[0]][0] if main.startswith(tuple(BAYES_METHODS)) else main
        return failed_row(slug, "; ".join(f"{p.where}: {p.rule}" for p in error.problems))


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
        "spec_hash": study.spec_hash,
    }
    full = rows.assign(**shared)
    full["unit"] = [scale_of(method).unit or cell.outcome.unit for method in full["method"]]
    full["key"] = [
        estimate_key(**cell.place, method=method, contrast=contrast, visit=cell.visit)
        for method, contrast in zip(full["method"], full["contrast"], strict=True)
    ]
    return full[[column.name for column in RESULT_TABLES["estimates"].columns]]


def _decisions(estimates: pd.DataFrame, diagnostics: pd.DataFrame) -> list[str]:
    return [*_failures(estimates), *_retries(diagnostics)] or ["every analysis was fitted as planned"]


def _failures(estimates: pd.DataFrame) -> Iterator[str]:
    for row in estimates[estimates["status"] == "failed"].itertuples():
        yield f"{row.key}: failed, {row.reason}"


def _retries(diagnostics: pd.DataFrame) -> Iterator[str]:
    again = diagnostics[(diagnostics["status"] == "ok") & (diagnostics["attempts"] > 1)]
    for row in again.to_dict("records"):
        yield (
            f"{row['key']}: sampled again, {row['attempts']} attempts in all, the last with an acceptance rate of "
            f"{row['target_accept']:g}"
        )
