"""The Bayesian fits of a study: which there are, their sampling by shape of model, and their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import BAYES_METHODS, PRIOR_SETS
from neurotrial.errors import InputError
from neurotrial.executors import SerialExecutor
from neurotrial.models.bayes.answers import (
    Asked,
    ask,
    diagnostic_rows,
    effect_estimates,
    predictive_rows,
)
from neurotrial.models.bayes.fit import sample_posterior
from neurotrial.models.bayes.posterior_file import (
    has_posterior,
    question_hash,
    read_posterior,
    write_posterior,
)
from neurotrial.models.bayes.sampling import sampler_name
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes.two_visits import ANCOVA, GROUP_TIME
from neurotrial.models.cells import cell_participants, cell_seed
from neurotrial.models.tidy import failed_row, tidy_frame
from neurotrial.paths import writable_folder
from neurotrial.results import POSTERIOR_FOLDER, RESULTS_FOLDER, estimate_key

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.loading import StudyData
    from neurotrial.models.bayes.fit import Question
    from neurotrial.models.bayes.standardised import Standardised
    from neurotrial.models.bayes.two_visits import Kind
    from neurotrial.models.cells import Cell

__all__ = ["BayesRows", "count_fits", "fit_posteriors"]

_KEY_DIGITS = 12
_SECONDS = 0.5
"""How often finished files are looked for, to move the progress bar."""

Row = dict[str, Any]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BayesRows:
    """What the Bayesian fits of a cell give.

    Attributes
    ----------
    estimates : list of DataFrame
        Columns of `neurotrial.models.tidy`.
    diagnostics, predictive : list of dict
        Rows of the tables of that name.
    """

    estimates: list[pd.DataFrame] = field(default_factory=list)
    diagnostics: list[Row] = field(default_factory=list)
    predictive: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Task:
    """One fit: a model, an outcome and a prior of its effect."""

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


def count_fits(cells: Iterable[Cell]) -> int:
    """Return how many posteriors these cells ask for."""
    return sum(len(PRIOR_SETS) for cell in cells for _ in _kinds(cell))


def fit_posteriors(
    data: StudyData, cells: Sequence[Cell], executor: Executor, progress: Progress
) -> dict[str, BayesRows]:
    """Fit every Bayesian method of a study; posteriors that are there already are read.

    Parameters
    ----------
    data : StudyData
        A checked study; posteriors go to ``results/posteriors/`` in its folder.
    cells : sequence of Cell
        Its cells.
    executor : Executor
        Works on one shape of model at a time in each process, so that each is compiled once.
    progress : callable
        Told the name of each fit when it is there, after one word about the compilation.

    Returns
    -------
    dict of str to BayesRows
        By name of the cell; a cell that cannot be fitted has rows with status ``failed`` and the reason.
    """
    rows = {cell.name: BayesRows() for cell in cells if _kinds(cell)}
    if not rows:
        return rows
    folder = writable_folder(data.folder / RESULTS_FOLDER / POSTERIOR_FOLDER)
    tasks = []
    for cell in cells:
        if cell.name in rows:
            planned, failed = _planned(cell, data, folder)
            rows[cell.name].estimates.extend(failed)
            tasks += planned
    faults = _sample(tasks, executor, progress)
    for task in tasks:
        _add(rows[task.cell.name], task, faults.get(task.name, ""))
    return rows


def _kinds(cell: Cell) -> list[Kind]:
    kinds: tuple[Kind, ...] = (ANCOVA, GROUP_TIME)
    return [kind for kind in kinds if kind in cell.analysis.methods]


def _planned(cell: Cell, data: StudyData, folder: Path) -> tuple[list[Task], list[pd.DataFrame]]:
    """Return the fits of a cell; or, where its data do not allow any, their rows with the reason."""
    study = data.study
    people = cell_participants(cell, data)
    order = [arm.name for arm in study.arms]
    frame = people.assign(arm=pd.Categorical(people["arm"].astype("str"), categories=order))
    reference = study.reference_arm.name
    try:
        standardised = standardise(
            frame,
            outcome="follow_up",
            baseline="baseline",
            arm="arm",
            reference=reference,
            covariates=cell.analysis.covariates,
        )
    except InputError as error:
        reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
        return [], [
            failed_row(method, reason, f"{arm} - {reference}", cell.visit)
            for kind in _kinds(cell)
            for method in BAYES_METHODS[kind]
            for arm in order
            if arm != reference
        ]
    fits = [(kind, prior) for kind in _kinds(cell) for prior in PRIOR_SETS]
    seeds = np.random.SeedSequence(cell_seed(study, cell).entropy, spawn_key=(2,)).generate_state(len(fits))
    return [
        _task(cell, data, standardised, kind, prior, int(seed), folder)
        for (kind, prior), seed in zip(fits, seeds, strict=True)
    ], []


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


def _sample(tasks: Sequence[Task], executor: Executor, progress: Progress) -> dict[str, str]:
    """Sample what is not there yet; return why a fit gave no draws at all, by name."""
    missing = [task for task in tasks if not has_posterior(task.path)]
    if tasks:
        progress(f"{len(missing)} of {len(tasks)} posteriors to sample; compiling the models takes a while")
    for task in tasks:
        if task not in missing:
            progress(task.name)
    # each process compiles one shape; a single one goes fit by fit, so that the bar moves
    serial = isinstance(executor, SerialExecutor)
    chunks = [[task] for task in missing] if serial else list(_by_shape(missing))
    waiting, running = {task.path: task.name for task in missing}, set()
    for chunk in chunks:
        running.add(executor.submit(_work, chunk))
        _announce(waiting, progress)
    faults: dict[str, str] = {}
    while running:
        done, running = wait(running, timeout=_SECONDS)
        for future in done:
            faults |= future.result()
        _announce(waiting, progress)
    for name in waiting.values():
        progress(name)
    return faults


def _announce(waiting: dict[Path, str], progress: Progress) -> None:
    """Tell of the fits whose files have appeared."""
    for path in [path for path in waiting if path.is_file()]:
        progress(waiting.pop(path))


def _by_shape(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    def shape(task: Task) -> str:
        return repr(task.question.shape)

    for _, group in groupby(sorted(tasks, key=shape), key=shape):
        yield list(group)


def _work(tasks: Sequence[Task]) -> Mapping[str, str]:
    """Sample and write posteriors; return the names of those that gave no draws, with the reason."""
    faults = {}
    for task in tasks:
        try:
            posterior = sample_posterior(task.question, sampler_name())
        except RuntimeError as error:  # what samplers raise where they find no place to start from
            faults[task.name] = f"the sampler stopped: {error}"
        else:
            write_posterior(task.path, posterior, task.question, task.standardised.table.compared)
    return faults


def _add(rows: BayesRows, task: Task, fault: str) -> None:
    if fault:
        table = task.standardised.table
        contrasts = [f"{arm} - {table.reference}" for arm in table.compared]
        rows.estimates.extend(failed_row(task.method, fault, one, task.cell.visit) for one in contrasts)
        return
    given = (task.question, read_posterior(task.path), task.standardised, task.asked)
    rows.estimates.append(tidy_frame(effect_estimates(*given)))
    shared = {**task.cell.place, "estimand": task.cell.estimand, "method": task.method}
    for row in diagnostic_rows(*given):
        key = estimate_key(
            **task.cell.place, method=task.method, contrast=row["contrast"], visit=task.cell.visit
        )
        rows.diagnostics.append({"key": f"diagnostics/{key}", **shared, **row, "posterior": task.path.name})
    for row in predictive_rows(*given):
        parts = (task.cell.name, task.cell.population, task.method, row["source"], row["visit"], row["arm"])
        key = "/".join(("predictive", *parts, row["statistic"]))
        rows.predictive.append({"key": key, **shared, **row})
