"""From the tables of a study to the Bayesian models of its analyses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_gaussian.ancova_model import ancova_model
from neurotrial.models.bayes_gaussian.joint_model import joint_model
from neurotrial.models.bayes_gaussian.mmrm_model import mmrm_model, repeated_measures
from neurotrial.models.bayes_gaussian.outcomes_model import outcome_tables, outcomes_model
from neurotrial.models.bayes_priors.historical import published_prior
from neurotrial.models.bayes_scores.bounded_model import bounded_model
from neurotrial.models.cells import cell_participants
from neurotrial.models.descriptives import population_members
from neurotrial.models.two_visit_models import TwoVisitTable, by_visit

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan, NormalPrior
    from neurotrial.loading import StudyData
    from neurotrial.models.bayes.asked import Wording
    from neurotrial.models.bayes.model import BayesModel
    from neurotrial.models.bayes.standardised import Standardised
    from neurotrial.models.cells import Cell
    from neurotrial.study import Association

__all__ = ["Maker", "ancova_maker", "bounded_maker", "group_time_maker", "joint_maker", "outcomes_maker"]

_WHO = "participant_id"


@dataclass(frozen=True, slots=True)
class Maker:
    """A model that lacks the prior of its effect.

    Attributes
    ----------
    model : callable
        From that prior to the model.
    note : str
        Who was left out.
    """

    model: Callable[[NormalPrior], BayesModel]
    note: str


def ancova_maker(cell: Cell, data: StudyData, wording: Wording) -> Maker:
    """Return the analysis of covariance of a cell."""
    given, plan = _standardised(_people(cell, data), cell, data), _plan(data)
    published = published_prior(plan, cell.outcome.name, given.sd)
    return Maker(lambda effect: ancova_model(given, effect, plan, wording, published), given.table.note)


def group_time_maker(cell: Cell, data: StudyData, wording: Wording) -> Maker:
    """Return group x time of a cell: everybody with one of the two values."""
    people, plan = _people(cell, data), _plan(data)
    reference = data.study.reference_arm.name
    long = TwoVisitTable(people, "follow_up", "baseline", "arm", reference).long()
    long["visit"] = pd.Categorical(
        long["visit"].map({"baseline": wording.baseline_visit, "follow_up": wording.visit}),
        [wording.baseline_visit, wording.visit],
    )
    given = repeated_measures(
        f"value ~ arm * visit{by_visit(cell.analysis.covariates)}",
        long,
        subject="participant",
        visit="visit",
        arm="arm",
    )
    return Maker(
        lambda effect: mmrm_model(given, effect, plan, wording, kind="bayes_group_time"),
        "; ".join(given.long.decisions),
    )


def bounded_maker(cell: Cell, data: StudyData, wording: Wording) -> Maker:
    """Return the model of a score with floor and ceiling of a cell."""
    people, plan, study = _people(cell, data), _plan(data), data.study
    given = _standardised(people, cell, data)
    bounds = wording.bounds or (0.0, 1.0)

    def model(effect: NormalPrior) -> BayesModel:
        return bounded_model(
            people,
            outcome="follow_up",
            baseline="baseline",
            arm="arm",
            bounds=bounds,
            family=plan.bounded,
            effect=effect,
            plan=plan,
            direction=wording.direction,
            reference=study.reference_arm.name,
            covariates=cell.analysis.covariates,
            visit=wording.visit,
        )

    return Maker(model, given.table.note)


def outcomes_maker(cells: Sequence[Cell], data: StudyData, wordings: Mapping[str, Wording]) -> Maker:
    """Return the hierarchical model of the outcomes of an analysis."""
    rows = pd.concat([_people(cell, data).assign(outcome=cell.outcome.name).reset_index() for cell in cells])
    plan = _plan(data)
    given = outcome_tables(
        rows.reset_index(drop=True),
        subject=_WHO,
        outcome="outcome",
        value="follow_up",
        baseline="baseline",
        arm="arm",
        reference=data.study.reference_arm.name,
        covariates=cells[0].analysis.covariates,
    )
    notes = (
        f"{name}: {one.table.note}"
        for name, one in zip(given.names, given.tables, strict=True)
        if one.table.note
    )
    return Maker(lambda effect: outcomes_model(given, effect, plan, wordings), "; ".join(notes))


def joint_maker(part: Association, data: StudyData, wordings: Mapping[str, Wording]) -> Maker:
    """Return the joint model of the two outcomes of an association."""
    members = population_members(data.study, data.tables["participants"], part.population)[_WHO]
    long, plan = data.outcomes, _plan(data)
    at_visit = long[(long["visit"] == part.visit) & long[_WHO].isin(members)].set_index(_WHO)
    x, y = (at_visit[at_visit["outcome"] == name] for name in (part.x, part.y))
    columns = ["value", "baseline"]
    explained = y[columns].rename(columns={name: f"{name}_y" for name in columns})
    both = x.join(explained, how="inner").dropna(subset=[*columns, "value_y", "baseline_y"])
    arms = _arms(both["arm"], data)
    given = [
        standardise(
            both.assign(arm=arms),
            outcome=f"value{end}",
            baseline=f"baseline{end}",
            arm="arm",
            reference=data.study.reference_arm.name,
            covariates=part.covariates,
        )
        for end in ("", "_y")
    ]
    pair = (wordings[part.x], wordings[part.y])
    gone = len(members) - len(given[0].table.frame)
    note = f"participants left out: {gone}" if gone else ""
    return Maker(lambda effect: joint_model(given[0], given[1], effect, plan, (part.x, part.y), pair), note)


def _plan(data: StudyData) -> BayesPlan:
    plan = data.study.bayes
    assert plan is not None  # noqa: S101 # the rules of the study file demand it
    return plan


def _people(cell: Cell, data: StudyData) -> pd.DataFrame:
    """Return the participants of a cell by their ids, the arms in the order of the study file."""
    people = cell_participants(cell, data).set_index(_WHO)
    return people.assign(arm=_arms(people["arm"], data))


def _arms(values: pd.Series, data: StudyData) -> pd.Categorical[str]:
    return pd.Categorical(values.astype("str"), [arm.name for arm in data.study.arms])


def _standardised(people: pd.DataFrame, cell: Cell, data: StudyData) -> Standardised:
    return standardise(
        people,
        outcome="follow_up",
        baseline="baseline",
        arm="arm",
        reference=data.study.reference_arm.name,
        covariates=cell.analysis.covariates,
    )
