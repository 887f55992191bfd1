"""The Bayesian fits of a study: sampled by shape of model, kept in files, and told as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.errors import NeurotrialError
from neurotrial.executors import SerialExecutor
from neurotrial.models.bayes.fit import sample_posterior
from neurotrial.models.bayes.sampling import sampler_name
from neurotrial.models.bayes_study.fit_rows import (
    association_rows,
    diagnostic_rows,
    estimate_rows,
    evidence_rows,
    gathered,
    predictive_rows,
)
from neurotrial.models.bayes_study.posterior_file import has_posterior, read_posterior, write_posterior
from neurotrial.models.bayes_study.study_tasks import count_fits, study_tasks
from neurotrial.models.tidy import failed_row
from neurotrial.paths import writable_folder
from neurotrial.results import POSTERIOR_FOLDER, RESULTS_FOLDER

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.loading import StudyData
    from neurotrial.models.bayes_study.study_tasks import Task, Unfit
    from neurotrial.study import Study

__all__ = ["BayesRows", "fit_posteriors"]

_SECONDS = 0.5
"""How often finished files are looked for, to move the progress bar."""

Row = dict[str, Any]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BayesRows:
    """What the Bayesian fits of a study give.

    Attributes
    ----------
    estimates : dict of (str, str) to list of DataFrame
        By analysis and outcome; columns of `neurotrial.models.tidy`.
    associations, diagnostics, evidence, predictive : list of dict
        Rows of the tables of that name.
    """

    estimates: dict[tuple[str, str], list[pd.DataFrame]] = field(default_factory=dict)
    associations: list[Row] = field(default_factory=list)
    diagnostics: list[Row] = field(default_factory=list)
    evidence: list[Row] = field(default_factory=list)
    predictive: list[Row] = field(default_factory=list)

    def add(self, place: Mapping[str, str], rows: pd.DataFrame) -> None:
        """Add estimates where they belong."""
        self.estimates.setdefault((place["analysis"], place["outcome"]), []).append(rows)


def fit_posteriors(data: StudyData, executor: Executor, progress: Progress) -> BayesRows:
    """Fit every Bayesian method of a study; posteriors that are there already are read.

    Parameters
    ----------
    data : StudyData
        A checked study; posteriors go to ``results/posteriors/`` in its folder.
    executor : Executor
        Works on one shape of model at a time in each process, so that each is compiled once.
    progress : callable
        Told the name of each fit when it is there, after one word about the compilation.

    Returns
    -------
    BayesRows
        A fit that cannot be done has rows with status ``failed`` and the reason.

    Raises
    ------
    NeurotrialError
        If a process ends without a word; finished posteriors are kept.
    """
    rows = BayesRows()
    if not count_fits(data.study):
        return rows
    folder = writable_folder(data.folder / RESULTS_FOLDER / POSTERIOR_FOLDER)
    tasks, unfit = study_tasks(data, folder)
    for one in unfit:
        for prior in one.priors:
            _fail(rows, data.study, one, f"{one.kind}_{prior}")
            progress(f"{one.places[0]['analysis']}/{one.kind}_{prior}")
    faults = _sample(tasks, executor, progress)
    for task in tasks:
        if task.name in faults:
            _fail(rows, data.study, task, task.method, faults[task.name])
        else:
            _add(rows, task, data.study)
    return rows


def _fail(rows: BayesRows, study: Study, lost: Task | Unfit, method: str, reason: str = "") -> None:
    """Add rows of a fit that gave no draws."""
    places = lost.places if isinstance(lost.places, tuple) else tuple(lost.places.values())
    why = reason or getattr(lost, "reason", "")
    reference = study.reference_arm.name
    associations = {part.name: part for part in study.associations}
    for place in places:
        part = associations.get(place["analysis"])
        if part is not None and part.bayes and method.startswith("bayes_joint"):
            continue
        for arm in study.arms:
            if not arm.reference:
                rows.add(place, failed_row(method, why, f"{arm.name} - {reference}", lost.visit))


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
        return f"{type(task.question.model).__name__} {task.question.model.shape!r}"

    for _, group in groupby(sorted(tasks, key=shape), key=shape):
        yield list(group)


def _work(tasks: Sequence[Task]) -> Mapping[str, str]:
    """Sample and write posteriors with their evidence; return the names of those that gave no draws, with the reason."""
    faults = {}
    for task in tasks:
        try:
            posterior = sample_posterior(task.question, sampler_name())
        except RuntimeError as error:  # what samplers raise where they find no place to start from
            faults[task.name] = f"the sampler stopped: {error}"
        else:
            write_posterior(task.path, task.question.model, gathered(task, posterior))
    return faults


def _add(rows: BayesRows, task: Task, study: Study) -> None:
    stored = read_posterior(task.path, task.question.model)
    if task.kind == "bayes_joint_change":
        explained = next(name for name in reversed([name for name in task.places if name]))
        rows.associations.extend(association_rows(task, stored, study.outcome(explained).unit))
    else:
        for outcome, estimates in estimate_rows(task, stored):
            rows.add(task.places[outcome], estimates)
    rows.diagnostics.extend(diagnostic_rows(task, stored))
    rows.evidence.extend(evidence_rows(task, stored))
    rows.predictive.extend(predictive_rows(task, stored))
