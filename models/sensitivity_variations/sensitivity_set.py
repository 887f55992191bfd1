"""Every variation of the main comparisons of a study, and whether it changes the conclusion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, refuse
from neurotrial.loading import study_of_tables
from neurotrial.method_names import scale_of
from neurotrial.models.cells import Cell, study_cells
from neurotrial.models.harmonisation.study_harmonisation import harmonised_study
from neurotrial.models.sensitivity_variations.association_e_values import confounded, e_value_rows
from neurotrial.models.sensitivity_variations.conclusion import changed, repeats
from neurotrial.models.sensitivity_variations.estimators import covariate_variations, model_variations
from neurotrial.models.sensitivity_variations.imaging_choices import imaging_variations, is_imaging
from neurotrial.models.sensitivity_variations.missing_outcomes import missing_variations
from neurotrial.models.sensitivity_variations.populations import population_variations
from neurotrial.models.sensitivity_variations.prior_sets import prior_variations
from neurotrial.models.sensitivity_variations.single_participants import participant_variations
from neurotrial.models.sensitivity_variations.variation import Variation, rows_of
from neurotrial.models.tidy import failed_row
from neurotrial.results import RESULT_TABLES, estimate_key
from neurotrial.tabular import empty_table

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.study import Study

__all__ = ["StandardSensitivity", "sensitivity_steps", "standard_sensitivity", "varied_study"]

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StandardSensitivity:
    """The standard sensitivity set of a study.

    Attributes
    ----------
    table : DataFrame
        Columns of the results table `sensitivity`: for each main comparison the row ``main``, then a row for each
        variation. ``status``: ``ok``; ``repeats`` (the very numbers of the main analysis); ``not_applicable`` or
        ``failed`` with the reason. ``conclusion``: same, significance, direction or not_estimable, missing for E-values.
        ``change_in_se``: change of the estimate in standard errors of the main one. ``delta``: shift of imputed values, in
        the unit of the outcome.
    """

    table: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def standard_sensitivity(
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    *,
    estimates: pd.DataFrame | None = None,
    progress: Progress = lambda _: None,
) -> StandardSensitivity:
    """Vary the main comparison of every primary analysis, and of every imaging outcome of primary and secondary ones.

    Nothing need be declared: populations, single participants, models, covariates, missing outcomes, priors, and for
    imaging outcomes statistic, lesion policy, motion and threshold are varied as far as study file and tables allow.

    Parameters
    ----------
    study : Study
        The plan, as `neurotrial.study_file.read_study` gives it.
    tables : mapping of str to DataFrame
        Input tables by name; `participants` and those that the outcomes name.
    estimates : DataFrame, optional
        The results table of that name, for the posteriors under each prior: none is sampled here.
    progress : callable
        Told the name of each comparison before it is varied.

    Returns
    -------
    StandardSensitivity
        What cannot be computed is a row with the reason.

    Raises
    ------
    InputError
        If study file and tables do not fit.
    """
    data, _ = harmonised_study(study_of_tables(study, tables))
    return varied_study(data, estimates, progress)


def varied_study(
    data: StudyData, estimates: pd.DataFrame | None, progress: Progress = lambda _: None
) -> StandardSensitivity:
    """Return the standard sensitivity set of a study whose outcomes are harmonised; arguments as `standard_sensitivity`."""
    rows = []
    for cell in _varied_cells(data.study):
        progress(f"sensitivity of {cell.name}")
        rows += list(_cell_rows(cell, data, estimates))
    for part in confounded(data.study):
        rows += e_value_rows(part, data)
    return StandardSensitivity(_framed(rows))


def sensitivity_steps(study: Study) -> int:
    """Return how often `varied_study` tells of its progress."""
    return len(_varied_cells(study))


def _varied_cells(study: Study) -> list[Cell]:
    imaging = ("primary", "secondary")
    return [
        cell
        for cell in study_cells(study)
        if cell.analysis.role == "primary" or (cell.analysis.role in imaging and is_imaging(cell))
    ]


def _variations(
    cell: Cell, data: StudyData, estimates: pd.DataFrame | None, main: pd.DataFrame
) -> Iterator[Variation]:
    yield from population_variations(cell, data)
    yield from participant_variations(cell, data, main)
    yield from model_variations(cell, data)
    yield from covariate_variations(cell, data)
    yield from missing_variations(cell, data)
    yield from prior_variations(cell, estimates)
    if is_imaging(cell):
        yield from imaging_variations(cell, data)


def _cell_rows(cell: Cell, data: StudyData, estimates: pd.DataFrame | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a cell, contrast by contrast, the main comparison first."""
    reference = data.study.reference_arm.name
    contrasts = [f"{arm.name} - {reference}" for arm in data.study.arms if arm.name != reference]
    first = Variation("main", "main", "main analysis", cell.population, lambda: _main(cell, data, estimates))
    main = _computed(first, cell, contrasts)
    made = [(first, main)]
    made += [(item, _computed(item, cell, contrasts)) for item in _variations(cell, data, estimates, main)]
    wholes = {row["contrast"]: row for row in main.to_dict("records")}
    for contrast in contrasts:
        for variation, rows in made:
            for row in rows[rows["contrast"] == contrast].to_dict("records"):
                yield _judged(cell, data.study, variation, wholes[contrast], row)


def _main(cell: Cell, data: StudyData, estimates: pd.DataFrame | None) -> pd.DataFrame:
    main = cell.analysis.main_method
    if not main.startswith("bayes_"):
        return rows_of(cell, data, main)
    stored = {item.name: item.compute for item in prior_variations(cell, estimates)}
    compute = stored.get(main)
    if compute is None:
        raise refuse(
            f"main_method {main!r}", "is a posterior, which is not sampled here", "give `estimates` of a fit"
        )
    return compute()


def _computed(variation: Variation, cell: Cell, contrasts: list[str]) -> pd.DataFrame:
    """Return the rows of a variation; those that say why there are none where it cannot be computed."""
    method = cell.analysis.main_method
    if variation.compute is None:
        rows = pd.concat([failed_row(method, variation.reason, name, cell.visit) for name in contrasts])
        return rows.assign(status="not_applicable")
    try:
        found = variation.compute()
    except InputError as error:
        reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
        return pd.concat([failed_row(method, reason, name, cell.visit) for name in contrasts])
    absent = [name for name in contrasts if name not in set(found["contrast"])]
    lost = [failed_row(method, "the method gives no such comparison", name, cell.visit) for name in absent]
    return pd.concat([found, *lost], ignore_index=True) if lost else found


def _judged(
    cell: Cell, study: Study, variation: Variation, main: Mapping[Any, Any], row: Mapping[Any, Any]
) -> dict[str, Any]:
    unit = variation.unit or _unit(cell, row)
    made = {
        **row,
        "analysis": cell.analysis.name,
        "outcome": cell.outcome.name,
        "population": variation.population,
        "visit": cell.visit,
        "variation": row.get("variation", variation.name),
        "group": variation.group,
        "description": row.get("description", variation.description),
        "unit": unit,
        "change_in_se": np.nan,
    }
    if row["status"] != "ok":
        return {**made, "conclusion": "not_estimable"}
    if unit == _unit(cell, main) and float(main["std_error"]) > 0:
        made["change_in_se"] = (row["estimate"] - main["estimate"]) / main["std_error"]
    if variation.group == "tipping":
        return {**made, "conclusion": "significance" if np.isfinite(row["delta"]) else "same"}
    alpha = round(1 - study.conf_level, 12)
    lower = cell.outcome.direction == "lower_is_better"
    made["conclusion"] = changed(main, row, alpha, lower_is_better=lower, flipped=variation.flipped)
    if variation.group != "main" and repeats(main, row):
        made |= {"status": "repeats", "reason": "the very numbers of the main analysis"}
    return made


def _unit(cell: Cell, row: Mapping[Any, Any]) -> str:
    return scale_of(str(row["method"])).unit or cell.outcome.unit


def _framed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = RESULT_TABLES["sensitivity"]
    if not rows:
        return empty_table(table)
    columns = [column.name for column in table.columns]
    return pd.DataFrame([{**row, "key": _key(row)} for row in rows]).reindex(columns=columns)


def _key(row: Mapping[str, Any]) -> str:
    place = {name: str(row[name]) for name in ("analysis", "outcome", "population", "contrast", "visit")}
    return f"sensitivity/{estimate_key(method=str(row['variation']), **place)}"
