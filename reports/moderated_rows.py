"""The subgroup analyses of a study as reports show them: rows by contrast, those that share a forest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.subgroup_plan import OWN_BASELINE

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.subgroup_plan import SubgroupPlan

__all__ = [
    "Moderated",
    "forests",
    "moderated",
    "moderator_unit",
    "number_of_tests",
    "where_words",
]


@dataclass(frozen=True, slots=True)
class Moderated:
    """One contrast of a subgroup analysis.

    Attributes
    ----------
    plan : SubgroupPlan
        The analysis.
    contrast : str
        Arms that are compared, by name.
    rows : tuple of CitedRow
        Its rows, in the order of the fit.
    """

    plan: SubgroupPlan
    contrast: str
    rows: tuple[CitedRow, ...]

    @property
    def arms(self) -> tuple[str, str]:
        """Names of the compared arm and of the reference."""
        compared, _, reference = self.contrast.partition(" - ")
        return compared, reference

    def of(self, method: str) -> list[CitedRow]:
        """Return the rows of a method."""
        return [row for row in self.rows if row.values["method"] == method]

    @property
    def computed(self) -> bool:
        """Whether anything could be estimated."""
        return bool(self.of("overall_effect"))


def moderated(data: CitedResults) -> list[Moderated]:
    """Return every contrast of every subgroup analysis, in the order of the study file."""
    found = []
    for plan in data.study.subgroups:
        rows = data.rows("subgroups", subgroup=plan.name)
        for contrast in dict.fromkeys(row.values["contrast"] for row in rows):
            own = tuple(row for row in rows if row.values["contrast"] == contrast)
            found.append(Moderated(plan, contrast, own))
    return found


def forests(data: CitedResults) -> Iterator[list[Moderated]]:
    """Yield the categories that can stand in one forest: same outcome, visit, population, arms and overall effect."""
    groups: dict[tuple[object, ...], list[Moderated]] = {}
    for one in moderated(data):
        if one.plan.kind == "categorical" and one.computed:
            plan, whole = one.plan, one.of("overall_effect")[0].values
            key = (
                plan.outcome,
                plan.visit,
                plan.population,
                one.contrast,
                whole["estimate"],
                whole["conf_low"],
            )
            groups.setdefault(key, []).append(one)
    yield from groups.values()


def number_of_tests(data: CitedResults) -> int:
    """Return how many interaction tests were computed."""
    return sum(row.values["status"] == "ok" for one in moderated(data) for row in one.of("interaction"))


def moderator_unit(data: CitedResults, plan: SubgroupPlan) -> str:
    """Return the unit of a moderator as far as the study file knows it; empty where it does not."""
    if plan.by == OWN_BASELINE:
        return data.study.outcome(plan.outcome).unit
    return next((item.unit or "" for item in data.study.characteristics if item.name == plan.by), "")


def where_words(data: CitedResults, plan: SubgroupPlan) -> str:
    """Return outcome, visit and population in words."""
    outcome = data.study.outcome(plan.outcome)
    population = next(item.label for item in data.study.populations if item.name == plan.population)
    return f"{outcome.label}, {data.visit_label(plan.visit)}, {population}"
