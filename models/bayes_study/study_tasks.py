"""The posteriors that a study asks for: a model, its outcomes and a prior each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.bayes_plan import BAYES_METHODS, FAMILY, PRIOR_SETS
from neurotrial.errors import InputError
from neurotrial.models.bayes.asked import Wording
from neurotrial.models.bayes.fit import Question
from neurotrial.models.bayes.sampling import sampler_name
from neurotrial.models.bayes_gaussian.outcomes_model import pooled_sampling
from neurotrial.models.bayes_study.question_hash import question_hash
from neurotrial.models.bayes_study.study_models import (
    ancova_maker,
    bounded_maker,
    group_time_maker,
    joint_maker,
    outcomes_maker,
)
from neurotrial.models.cells import Cell, study_cells

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.loading import StudyData
    from neurotrial.models.bayes_study.study_models import Maker
    from neurotrial.study import Study

__all__ = ["Task", "Unfit", "bayes_methods", "count_fits", "family_cell", "study_tasks"]

_KEY_DIGITS = 12
_STREAM = 2
"""Of the streams of a cell's seed; permutation tests have 0 and 1."""
_SINGLE = ("bayes_ancova", "bayes_group_time", "bayes_bounded")
_POOLED, _JOINT = "bayes_outcomes", "bayes_joint_change"
_MAIN = "neutral"

Place = Mapping[str, str]
"""Analysis, outcome, population and estimand: where rows belong."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One fit: a model, its outcomes and a prior of the effect.

    Attributes
    ----------
    kind : str
        The method that the study file names.
    places : mapping of str to Place
        By outcome of the model's numbers (empty for the only one): where their rows belong.
    question : Question
        What is sampled.
    prior : str
        Set of the prior of the effect.
    wordings : mapping of str to Wording
        What is wanted, by outcome.
    note : str
        Who was left out.
    visit : str
        The visit of the outcomes.
    path : Path
        Where the posterior goes.
    """

    kind: str
    places: Mapping[str, Place]
    question: Question
    prior: str
    wordings: Mapping[str, Wording]
    note: str
    visit: str
    path: Path

    @property
    def method(self) -> str:
        """Slug of the estimates."""
        return f"{self.kind}_{self.prior}"

    @property
    def home(self) -> Place:
        """Where the evidence of the whole fit belongs: its only outcome, or the family."""
        return self.places.get("") or self.places.get(FAMILY) or list(self.places.values())[-1]

    @property
    def name(self) -> str:
        """Analysis, outcome and method, for messages."""
        return f"{self.home['analysis']}/{self.home['outcome']}/{self.method}"


@dataclass(frozen=True, slots=True)
class Unfit:
    """Fits whose data have no scale, or break another rule of their model.

    Attributes
    ----------
    places : tuple of Place
        Where their rows would belong.
    kind : str
        The model.
    priors : tuple of str
        The sets of priors.
    visit : str
        The visit of the outcomes.
    reason : str
        Why.
    """

    places: tuple[Place, ...]
    kind: str
    priors: tuple[str, ...]
    visit: str
    reason: str


def bayes_methods(cell: Cell) -> list[str]:
    """Return the slugs of the Bayesian estimates that a cell asks for."""
    return [slug for kind, slugs in BAYES_METHODS.items() if kind in cell.analysis.methods for slug in slugs]


def count_fits(study: Study) -> int:
    """Return how many posteriors a study asks for."""
    cells = study_cells(study)
    single = sum(kind in cell.analysis.methods for cell in cells for kind in _SINGLE)
    pooled = sum(_POOLED in analysis.methods for analysis in study.analyses)
    return len(PRIOR_SETS) * (single + pooled) + sum(part.bayes for part in study.associations)


def family_cell(cells: Sequence[Cell]) -> Cell:
    """Return a cell for the effect that the outcomes of an analysis are pooled towards."""
    changed = {
        "name": FAMILY, "label": "All outcomes together", "unit": "baseline SD", "direction": "higher_is_better",
        "range": None, "mcid": None, "digits": 2,
    }  # fmt: skip
    return replace(cells[0], outcome=cells[0].outcome.model_copy(update=changed))


def study_tasks(data: StudyData, folder: Path) -> tuple[list[Task], list[Unfit]]:
    """Return the fits of a study, and those that cannot be done.

    Parameters
    ----------
    data : StudyData
        The study.
    folder : Path
        Where posteriors go.

    Returns
    -------
    tuple of list
        One task for each model, outcome (or family of outcomes, or association) and prior, each with a random stream
        of its own.
    """
    tasks: list[Task] = []
    unfit: list[Unfit] = []
    for wanted in _wanted(data):
        try:
            tasks += wanted.tasks(data.study, folder)
        except InputError as error:
            reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
            places = tuple(wanted.places.values())
            unfit.append(Unfit(places, wanted.kind, wanted.priors, wanted.visit, reason))
    return tasks, unfit


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A model under some priors."""

    kind: str
    places: Mapping[str, Place]
    wordings: Mapping[str, Wording]
    visit: str
    priors: tuple[str, ...]
    stream: np.random.SeedSequence
    make: Callable[[], Maker]

    def tasks(self, study: Study, folder: Path) -> Iterator[Task]:
        plan: BayesPlan = study.bayes  # type: ignore[assignment] # the rules of the study file demand it
        plan = pooled_sampling(plan) if self.kind == _POOLED else plan
        maker = self.make()
        for prior, seed in zip(self.priors, self.stream.generate_state(len(self.priors)), strict=True):
            question = Question(maker.model(getattr(plan.effect, prior)), plan, int(seed))
            task = Task(
                self.kind, self.places, question, prior, self.wordings, maker.note, self.visit, folder
            )
            digest = question_hash(question, sampler_name())[:_KEY_DIGITS]
            yield replace(task, path=folder / f"{task.name.replace('/', '-')}-{digest}.nc")


def _wanted(data: StudyData) -> Iterator[_Wanted]:
    study = data.study
    by_analysis: dict[str, list[Cell]] = {}
    for cell in study_cells(study):
        by_analysis.setdefault(cell.analysis.name, []).append(cell)
        yield from _single(cell, data)
    for cells in by_analysis.values():
        if _POOLED in cells[0].analysis.methods:
            yield _pooled(cells, data)
    for part in study.associations:
        if part.bayes:
            place = {
                "analysis": part.name, "outcome": part.y, "population": part.population, "estimand": part.name
            }  # fmt: skip
            wordings = {name: _wording(study, name, part.visit) for name in (part.x, part.y)}
            yield _Wanted(
                _JOINT, {part.x: {**place, "outcome": part.x}, part.y: place, "": place}, wordings, part.visit, (_MAIN,),
                _stream(study, part.name, 0), partial(joint_maker, part, data, wordings),
            )  # fmt: skip


def _single(cell: Cell, data: StudyData) -> Iterator[_Wanted]:
    makers: dict[str, Callable[[Cell, StudyData, Wording], Maker]] = {
        "bayes_ancova": ancova_maker, "bayes_group_time": group_time_maker, "bayes_bounded": bounded_maker
    }  # fmt: skip
    wording = _wording(data.study, cell.outcome.name, cell.visit)
    for number, kind in enumerate(_SINGLE):
        if kind in cell.analysis.methods:
            yield _Wanted(
                kind, {"": _place(cell)}, {"": wording}, cell.visit, PRIOR_SETS,
                _stream(data.study, cell.name, number), partial(makers[kind], cell, data, wording),
            )  # fmt: skip


def _pooled(cells: Sequence[Cell], data: StudyData) -> _Wanted:
    first = cells[0]
    places = {cell.outcome.name: _place(cell) for cell in cells} | {FAMILY: _place(family_cell(cells))}
    wordings = {cell.outcome.name: _wording(data.study, cell.outcome.name, cell.visit) for cell in cells}
    family = Wording(visit=first.visit, conf_level=data.study.conf_level)
    return _Wanted(
        _POOLED, places, wordings | {FAMILY: family}, first.visit, PRIOR_SETS,
        _stream(data.study, f"{first.analysis.name}/{FAMILY}", 0), partial(outcomes_maker, cells, data, wordings),
    )  # fmt: skip


def _place(cell: Cell) -> Place:
    return {**cell.place, "estimand": cell.estimand}


def _stream(study: Study, name: str, number: int) -> np.random.SeedSequence:
    entropy = np.random.SeedSequence([study.seed, *name.encode()]).entropy
    return np.random.SeedSequence(entropy, spawn_key=(_STREAM, number))


def _wording(study: Study, name: str, visit: str) -> Wording:
    outcome = study.outcome(name)
    return Wording(
        direction=outcome.direction,
        visit=visit,
        baseline_visit=study.baseline_visit.name,
        bounds=(outcome.range[0], outcome.range[1]) if outcome.range else None,
        mcid=outcome.mcid.value if outcome.mcid else None,
        conf_level=study.conf_level,
    )
