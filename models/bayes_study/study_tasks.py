"""The posteriors that a study asks for: a model, an outcome and a prior each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import BAYES_METHODS, PRIOR_SETS
from neurotrial.models.bayes.answers import Asked, ask
from neurotrial.models.bayes_study.posterior_file import question_hash
from neurotrial.models.bayes.sampling import sampler_name
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes.two_visits import ANCOVA, GROUP_TIME
from neurotrial.models.cells import cell_participants, cell_seed

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.loading import StudyData
    from neurotrial.models.bayes.fit import Question
    from neurotrial.models.bayes.standardised import Standardised
    from neurotrial.models.bayes.two_visits import Kind
    from neurotrial.models.cells import Cell

__all__ = ["Task", "bayes_kinds", "bayes_methods", "cell_tasks", "count_fits"]

_KEY_DIGITS = 12
_STREAM = 2
"""Of the streams of a cell's seed; permutation tests have 0 and 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One fit: a model, an outcome and a prior of its effect.

    Attributes
    ----------
    cell : Cell
        Analysis and outcome.
    question : Question
        What is sampled.
    standardised : Standardised
        The data with their unit.
    asked : Asked
        What is wanted of the posterior.
    path : Path
        Where it goes.
    """

    cell: Cell
    question: Question
    standardised: Standardised
    asked: Asked
    path: Path

    @property
    def method(self) -> str:
        """Slug of the estimates."""
        return f"{self.question.kind}_{self.asked.prior}"

    @property
    def name(self) -> str:
        """Cell and method, for messages."""
        return f"{self.cell.name}/{self.method}"


def bayes_kinds(cell: Cell) -> list[Kind]:
    """Return the Bayesian models that a cell asks for."""
    kinds: tuple[Kind, ...] = (ANCOVA, GROUP_TIME)
    return [kind for kind in kinds if kind in cell.analysis.methods]


def bayes_methods(cell: Cell) -> list[str]:
    """Return the slugs of the Bayesian estimates that a cell asks for."""
    return [method for kind in bayes_kinds(cell) for method in BAYES_METHODS[kind]]


def count_fits(cells: Iterable[Cell]) -> int:
    """Return how many posteriors these cells ask for."""
    return sum(len(bayes_methods(cell)) for cell in cells)


def cell_tasks(cell: Cell, data: StudyData, folder: Path) -> list[Task]:
    """Return the fits of a cell.

    Parameters
    ----------
    cell : Cell
        One with Bayesian methods.
    data : StudyData
        The study.
    folder : Path
        Where posteriors go.

    Returns
    -------
    list of Task
        One for each model and prior, each with a random stream of its own.

    Raises
    ------
    InputError
        If the data of the cell have no standardised scale, see `neurotrial.models.bayes.standardised.standardise`.
    """
    study = data.study
    people = cell_participants(cell, data)
    order = [arm.name for arm in study.arms]
    given = standardise(
        people.assign(arm=pd.Categorical(people["arm"].astype("str"), categories=order)),
        outcome="follow_up",
        baseline="baseline",
        arm="arm",
        reference=study.reference_arm.name,
        covariates=cell.analysis.covariates,
    )
    fits = [(kind, prior) for kind in bayes_kinds(cell) for prior in PRIOR_SETS]
    root = np.random.SeedSequence(cell_seed(study, cell).entropy, spawn_key=(_STREAM,))
    seeds = root.generate_state(len(fits))
    return [
        _task(cell, data, given, kind, prior, int(seed), folder)
        for (kind, prior), seed in zip(fits, seeds, strict=True)
    ]


def _task(
    cell: Cell, data: StudyData, standardised: Standardised, kind: Kind, prior: str, seed: int, folder: Path
) -> Task:
    study, outcome = data.study, cell.outcome
    plan: BayesPlan = study.bayes  # type: ignore[assignment] # the rules of the study file demand it
    question = ask(kind, prior, standardised, outcome.direction, plan, seed)
    asked = Asked(
        prior=prior,
        direction=outcome.direction,
        mcid=outcome.mcid.value if outcome.mcid else None,
        bounds=(outcome.range[0], outcome.range[1]) if outcome.range else None,
        conf_level=study.conf_level,
        baseline_visit=study.baseline_visit.name,
        follow_up=cell.visit,
    )
    digest = question_hash(question, sampler_name())[:_KEY_DIGITS]
    name = f"{cell.analysis.name}-{outcome.name}-{kind}_{prior}-{digest}.nc"
    return Task(cell, question, standardised, asked, folder / name)
