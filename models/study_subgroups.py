"""The subgroup analyses that a study file declares."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.errors import InputError
from neurotrial.models.descriptives import population_members
from neurotrial.models.subgroups.by_level import SubgroupEffects, effect_by_subgroup
from neurotrial.models.subgroups.by_number import EffectModification, effect_modification
from neurotrial.models.subgroups.moderated_row import ModeratedRow, moderated_table
from neurotrial.models.tidy import Estimate

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.study import Study
    from neurotrial.subgroup_plan import SubgroupPlan

__all__ = ["SubgroupRows", "study_subgroups"]

_UNITS = {"interaction": "F"}


@dataclass
class SubgroupRows:
    """Rows of the results tables.

    Attributes
    ----------
    subgroups, statements : list of dict
        Rows of the tables of these names.
    """

    subgroups: list[dict[str, Any]] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)


def study_subgroups(data: StudyData) -> SubgroupRows:
    """Return the subgroup analyses of a study; what cannot be computed is a row and a statement with the reason.

    Parameters
    ----------
    data : StudyData
        The study.
    """
    found = SubgroupRows()
    for part in data.study.subgroups:
        try:
            made = _computed(part, data)
        except InputError as error:
            reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
            table, statement = _failed(data.study, part, reason), f"Not computed ({reason})."
        else:
            table, statement = made.table, _verdict(data.study, part, made)
        found.subgroups += _rows(data.study, part, table)
        key = f"{part.name}/{part.outcome}/{part.population}/subgroup"
        found.statements.append({"key": key, "statement": statement})
    return found


def _computed(part: SubgroupPlan, data: StudyData) -> SubgroupEffects | EffectModification:
    members = population_members(data.study, data.tables["participants"], part.population)["participant_id"]
    rows = data.outcomes
    own = rows[
        (rows["outcome"] == part.outcome)
        & (rows["visit"] == part.visit)
        & rows["participant_id"].isin(members)
    ]
    shared: dict[str, Any] = {
        "outcome": "value",
        "baseline": "baseline",
        "arm": "arm",
        "by": part.by,
        "reference": data.study.reference_arm.name,
        "covariates": part.covariates,
        "errors": part.errors,
        "conf_level": data.study.conf_level,
        "visit": part.visit,
    }
    if part.kind == "categorical":
        return effect_by_subgroup(own, cut=part.cut, fewest=part.fewest, **shared)
    return effect_modification(
        own, per=part.per, at=part.at, spline_df=part.spline_df, dose=part.kind == "dose", **shared
    )


def _failed(study: Study, part: SubgroupPlan, reason: str) -> pd.DataFrame:
    reference = study.reference_arm.name
    contrasts = [f"{arm.name} - {reference}" for arm in study.arms if not arm.reference]
    return moderated_table(
        [
            ModeratedRow(
                Estimate(
                    "interaction", "contrast", contrast, visit=part.visit, status="failed", reason=reason
                ),
                contrast,
            )
            for contrast in contrasts
        ]
    )


def _verdict(study: Study, part: SubgroupPlan, made: SubgroupEffects | EffectModification) -> str:
    arms = {arm.name: arm.label for arm in study.arms}
    what = study.outcome(part.outcome).label
    labels = {f"{one} - {two}": f"{arms[one]} minus {arms[two]} in {what}" for one in arms for two in arms}
    if isinstance(made, EffectModification):
        return made.verdict(labels=labels, by=part.label, unit=_unit_of(study, part))
    return made.verdict(labels=labels, by=part.label)


def _unit_of(study: Study, part: SubgroupPlan) -> str:
    """Return the unit of the number, as far as the study file knows it."""
    known = {item.name: item.unit or "" for item in study.characteristics}
    known["baseline"] = study.outcome(part.outcome).unit
    return known.get(part.by, "")


def _rows(study: Study, part: SubgroupPlan, table: pd.DataFrame) -> list[dict[str, Any]]:
    unit = study.outcome(part.outcome).unit
    slope = " ".join(filter(None, (f"{unit} per {part.per:g}", _unit_of(study, part))))
    units = {**_UNITS, "effect_slope": slope}
    own = {
        "subgroup": part.name,
        "outcome": part.outcome,
        "population": part.population,
        "moderator": part.by,
        "kind": part.kind,
    }
    made: dict[str, dict[str, Any]] = {}
    for record in table.to_dict("records"):
        key = _free(_key(part, record), made)
        row = {str(name): value for name, value in record.items()}
        made[key] = {**row, **own, "key": key, "unit": units.get(str(record["method"]), unit)}
    return list(made.values())


def _key(part: SubgroupPlan, record: dict[Any, Any]) -> str:
    place = record["level"] or ("" if pd.isna(record["value"]) else f"{record['value']:.10g}")
    contrast = str(record["contrast"]).replace(" ", "")
    parts = ("subgroup", part.name, part.population, record["method"], contrast, _slug(place), part.visit)
    return "/".join(filter(None, parts))


def _slug(level: str) -> str:
    return re.sub(r"[\s/#]+", "_", re.sub(r" - ", "-", level))


def _free(key: str, taken: dict[str, Any]) -> str:
    """Return the key, with a number where another row has it: levels may differ in what a key cannot hold."""
    number = 2
    free = key
    while free in taken:
        free, number = f"{key}_{number}", number + 1
    return free
