"""The Bayesian fits of a study: sampled by shape of model, kept in files, and told as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.errors import InputError, NeurotrialError
from neurotrial.executors import SerialExecutor
from neurotrial.models.bayes.answers import diagnostic_rows, effect_estimates, predictive_rows
from neurotrial.models.bayes.fit import sample_posterior
from neurotrial.models.bayes_study.posterior_file import has_posterior, read_posterior, write_posterior
from neurotrial.models.bayes.sampling import sampler_name
from neurotrial.models.bayes_study.study_tasks import bayes_methods, cell_tasks
from neurotrial.models.tidy import failed_row, tidy_frame
from neurotrial.paths import writable_folder
from neurotrial.results import POSTERIOR_FOLDER, RESULTS_FOLDER, estimate_key

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.loading import StudyData
    from neurotrial.models.bayes_study.study_tasks import Task
    from neurotrial.models.cells import Cell
    from neurotrial.study import Study

__all__ = ["BayesRows", "fit_posteriors"]

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

    Raises
    ------
    NeurotrialError
        If a process ends without a word; finished posteriors are kept.
    """
    rows = {cell.name: BayesRows() for cell in cells if bayes_methods(cell)}
    if not rows:
        return rows
    folder = writable_folder(data.folder / RESULTS_FOLDER / POSTERIOR_FOLDER)
    tasks: list[Task] = []
    for cell in cells:
        try:
            tasks += cell_tasks(cell, data, folder) if cell.name in rows else []
        except InputError as error:
            reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
            for method in bayes_methods(cell):
                rows[cell.name].estimates.extend(_failed(data.study, cell, method, reason))
                progress(f"{cell.name}/{method}")
    faults = _sample(tasks, executor, progress)
    for task in tasks:
        if task.name in faults:
            failed = _failed(data.study, task.cell, task.method, faults[task.name])
            rows[task.cell.name].estimates.extend(failed)
        else:
            _add(rows[task.cell.name], task)
    return rows


def _failed(study: Study, cell: Cell, method: str, reason: str) -> Iterator[pd.DataFrame]:
    reference = study.reference_arm.name
    for arm in study.arms:
        if not arm.reference:
            yield failed_row(method, reason, f"{arm.name} - {reference}", cell.visit)


def _sample(tasks: Sequence[Task], executor: Executor, progress: Progress) -> dict[str, str]:
    """Sample what is not there yet; return why a fit gave no draws at all, by name."""
    missing = [task for task in tasks if not has_posterior(task.path)]
    progress(f"{len(missing)} of {len(tasks)} posteriors to sample; compiling the models takes a while")
    waiting = {task.path: task.name for task in missing}
    for task in tasks:
        if task.path not in waiting:
            progress(task.name)
    # each process compiles one shape; a single one goes fit by fit, so that the bar moves
    serial = isinstance(executor, SerialExecutor)
    running: set[Future[Mapping[str, str]]] = set()
    for chunk in [[task] for task in missing] if serial else _by_shape(missing):
        running.add(executor.submit(_work, chunk))
        _announce(waiting, progress)
    faults: dict[str, str] = {}
    try:
        while running:
            done, running = wait(running, timeout=_SECONDS)
            for future in done:
                faults |= future.result()
            _announce(waiting, progress)
    except BrokenExecutor as error:
        rule = "a working process ended without a word, most often for want of memory"
        raise NeurotrialError(
            f"{rule} ({error}); finished posteriors are kept: run again with fewer --jobs"
        ) from None
    for name in waiting.values():
        progress(name)
    return faults


def _announce(waiting: dict[Path, str], progress: Progress) -> None:
    """Tell of the fits whose files have appeared."""
    for path in [path for path in waiting if has_posterior(path)]:
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


def _add(rows: BayesRows, task: Task) -> None:
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
