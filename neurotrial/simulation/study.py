"""Writing a simulated study: its tables, its images scan by scan, and its truth."""

from __future__ import annotations

import json
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.errors import refuse
from neurotrial.executors import SerialExecutor
from neurotrial.imaging_plan import ImagingPlan
from neurotrial.paths import write_text
from neurotrial.simulation.brains import brain_correlation
from neurotrial.simulation.dataset_top import write_dataset_top
from neurotrial.simulation.measures import measure_brains, pathology, stream
from neurotrial.simulation.motion import CALM, RESTLESS
from neurotrial.simulation.nodes import node_table
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.scan_files import DERIVATIVE, write_bold_scan, write_dwi_scan
from neurotrial.simulation.scans import make_bold_scan, make_dwi_scan
from neurotrial.simulation.settings import ARMS
from neurotrial.simulation.trial import brains_scanned, make_trial, scans_made
from neurotrial.simulation.truth import (
    MANY_BRAINS,
    MANY_PEOPLE,
    estimands,
    joined_tables,
    of_source,
    twin_names,
    twin_trials,
)
from neurotrial.study_file import STUDY_FILE, read_study
from neurotrial.tables import TABLES
from neurotrial.tabular import tsv_text, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor, Future

    from neurotrial.simulation.settings import TrialSettings
    from neurotrial.simulation.trial import Trial
    from neurotrial.study import Study

Call = tuple[str, "Callable[..., Any]", tuple[Any, ...]]
"""Name of a step, what does it, and the arguments."""

__all__ = ["TRUTH_FILE", "SimulationPlan", "default_plan", "plan_simulation", "write_simulation"]

TRUTH_FILE = "truth.json"
_DATASET = "bids"
_CHUNK = 100
_AHEAD = 64


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """What is to be simulated; made before anything is written.

    Attributes
    ----------
    trial : Trial
        People, scores and brains.
    images : bool
        Whether images are made; if not, features are drawn from the models that make them.
    truth : bool
        Whether the population values are simulated.
    """

    trial: Trial
    images: bool
    truth: bool

    @property
    def steps(self) -> int:
        """Scanning sessions to write, and chunks of the large trial to measure."""
        sessions = len(scans_made(self.trial.people)) if self.images else 0
        return sessions + self.truth * len(ARMS) * -(-MANY_BRAINS // _CHUNK)


def plan_simulation(settings: TrialSettings, *, images: bool = True, truth: bool = True) -> SimulationPlan:
    """Plan a simulated study.

    Parameters
    ----------
    settings : TrialSettings
        Sizes, effects, seed.
    images : bool
        Whether images are made.
    truth : bool
        Whether the population values are simulated.
    """
    return SimulationPlan(make_trial(settings), images, truth)


def write_simulation(
    plan: SimulationPlan, folder: Path, executor: Executor, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Write tables, images, nodes and truth into a folder that holds a study file.

    Parameters
    ----------
    plan : SimulationPlan
        As `plan_simulation` gives it.
    folder : Path
        The study folder.
    executor : Executor
        Does the work, session by session.
    progress : callable
        Told the name of each step when it is done.
    """
    study = read_study(folder / STUDY_FILE)
    imaging = study.imaging or default_plan()
    trial = plan.trial
    (folder / "tables").mkdir(exist_ok=True)
    for name, table in trial.tables.items():
        _write_new(folder / "tables" / f"{name}.tsv", tsv_text(table))
    calls: list[Call] = []
    if plan.images:
        _write_new(folder / "nodes.tsv", tsv_text(node_table()))
        write_dataset_top(folder / _DATASET, trial.participants, scans_made(trial.people), imaging.sessions)
        calls += _session_calls(trial, folder / _DATASET, imaging)
    else:
        columns = [column.name for column in TABLES["features"].columns]
        features = measure_brains(trial.people, trial.brains, trial.settings, imaging)
        write_table(features.reindex(columns=columns), folder / "tables", TABLES["features"])
    many = twin_trials(trial.settings, MANY_BRAINS) if plan.truth else []
    measured = list(_measure_calls(many, imaging)) if many else []
    results = dict(_done([*calls, *measured], executor, progress))
    if many:
        features = pd.concat([results[name] for name, *_ in measured], ignore_index=True)
        _write_truth(folder / TRUTH_FILE, study, trial, {**joined_tables(many), "features": features})


def default_plan() -> ImagingPlan:
    """Return how simulated images become measures where the study file has no imaging part."""
    return ImagingPlan(derivatives=[DERIVATIVE], sessions={"01": "baseline", "02": "day90"})


def _measure_calls(trials: Sequence[Trial], plan: ImagingPlan) -> Iterator[Call]:
    """Yield calls that measure the brains of large trials, a chunk of people at a time."""
    for trial, arm in zip(trials, ARMS, strict=True):
        for start in range(0, len(trial.people), _CHUNK):
            people = trial.people[start : start + _CHUNK]
            brains = trial.brains[trial.brains["participant_id"].isin(people["participant_id"])]
            name = f"truth: {arm}, from participant {start + 1}"
            yield name, _measure_twins, (arm, people, brains, trial.settings, plan)


def _measure_twins(arm: str, *brains: Any) -> pd.DataFrame:
    return twin_names(measure_brains(*brains), arm)


def _session_calls(trial: Trial, dataset: Path, plan: ImagingPlan) -> Iterator[Call]:
    """Yield calls that write the scans of one session."""
    label = {visit: session for session, visit in plan.sessions.items()}
    for row in brains_scanned(trial.people, trial.brains).to_dict("records"):
        name = f"{row['participant_id']} {row['visit']}"
        yield name, _write_session, (dataset, label[row["visit"]], row, trial.settings)


def _write_session(dataset: Path, session: str, row: dict[str, Any], settings: TrialSettings) -> None:
    participant, visit = row["participant_id"], row["visit"]
    preset, state = PRESETS[settings.grid], pathology(row)
    dwi = make_dwi_scan(preset, state, stream(settings.seed, participant, visit, "dwi"))
    write_dwi_scan(dataset, participant, session, dwi)
    motion = RESTLESS if row["restless"] else CALM
    rng = stream(settings.seed, participant, visit, "bold")
    write_bold_scan(
        dataset, participant, session, make_bold_scan(preset, state, brain_correlation(row), rng, motion)
    )


def _done(
    calls: list[Call], executor: Executor, progress: Callable[[str], None]
) -> Iterator[tuple[str, Any]]:
    """Yield name and result of every call as it ends; only some are handed over ahead."""
    ahead = 1 if isinstance(executor, SerialExecutor) else _AHEAD
    waiting = list(reversed(calls))
    running: dict[Future[Any], str] = {}
    while waiting or running:
        while waiting and len(running) < ahead:
            name, call, arguments = waiting.pop()
            running[executor.submit(call, *arguments)] = name
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            name = running.pop(future)
            progress(name)
            yield name, future.result()


def _write_truth(path: Path, study: Study, trial: Trial, imaged: dict[str, pd.DataFrame]) -> None:
    scored = joined_tables(twin_trials(trial.settings, MANY_PEOPLE))
    values = [*estimands(of_source(study, "motor"), scored), *estimands(of_source(study, "features"), imaged)]
    content = {
        "simulated": True,
        "inputs": trial.settings.as_json(),
        "estimands": values,
        "estimands_from": {
            "method": (
                "each estimator of the plan on one large trial of the same kind, in which every participant is once in "
                "each arm; its own standard error there bounds the Monte Carlo error from above"
            ),
            "participants": {"motor": MANY_PEOPLE, "features": MANY_BRAINS},
        },
        "brains": trial.brains.to_dict("records"),
    }
    _write_new(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _write_new(path: Path, text: str) -> None:
    if path.exists():
        raise refuse(str(path), "is there already, and is never overwritten", "name a new folder")
    write_text(path, text)
