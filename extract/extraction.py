"""From the images of a study to its tables: plan the scans, run those that are not up to date, collect the shards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.extract.album import write_album
from neurotrial.extract.bids.finding import find_scans
from neurotrial.extract.collect import collect_tables, write_tables
from neurotrial.extract.nodes.variants import planned_variants
from neurotrial.extract.scan_result import ScanFault
from neurotrial.extract.units import code_version, participant_unit, scan_unit, software
from neurotrial.extract.visits.region_source import read_planned_atlas, read_template
from neurotrial.paths import writable_folder, write_text
from neurotrial.provenance import EXTRACTION_FOLDER, EXTRACTION_RECORD
from neurotrial.runner import Outcome, Unit, run_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.loading import StudyData
    from neurotrial.runner import OnError

__all__ = ["Extraction", "ScanPlan", "extract_scans", "plan_scans"]


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """The scans of a study; made before anything is written.

    Attributes
    ----------
    data : StudyData
        The study folder, checked.
    scans : tuple of Scan
        Every participant, visit and modality of the grid; those without files were not made.
    warnings : tuple of Problem
        What does not stop the extraction but should be known.
    """

    data: StudyData
    scans: tuple[Scan, ...]
    warnings: tuple[Problem, ...]

    @property
    def made(self) -> list[Scan]:
        """The scans that there are files of."""
        return [scan for scan in self.scans if scan.files]

    @property
    def steps(self) -> int:
        """Scans, and participants with diffusion scans, that there is work on."""
        return len(self.made) + len({scan.participant_id for scan in self.made if scan.modality == "dwi"})


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extraction did.

    Attributes
    ----------
    outcomes : tuple of Outcome
        One for each scan that was made; fewer if a failure ended the run.
    visits : tuple of Outcome
        One for each participant with diffusion scans that could be opened.
    written : tuple of Path
        The tables.
    """

    outcomes: tuple[Outcome, ...]
    visits: tuple[Outcome, ...]
    written: tuple[Path, ...]

    @property
    def failed(self) -> list[Outcome]:
        """The scans that could not be opened, and the participants whose scans could not be measured."""
        return [outcome for outcome in (*self.outcomes, *self.visits) if outcome.state == "failed"]


def plan_scans(data: StudyData) -> ScanPlan:
    """Find the scans of a study and check its dataset and its nodes; nothing is written.

    Parameters
    ----------
    data : StudyData
        A checked study folder.

    Returns
    -------
    ScanPlan
        The complete grid of scans.

    Raises
    ------
    InputError
        If the study file has no imaging part, or dataset or nodes break a rule; with all problems.
    """
    plan = data.study.imaging
    if plan is None:
        rule = "has no part `imaging`, so there is nothing to extract"
        raise refuse("study.yaml", rule, "declare it as in the file that `neurotrial init` writes")
    problems: list[Problem] = []
    try:
        planned_variants(plan.network, data.folder)
    except InputError as error:
        problems += error.problems
    if plan.regions.atlas is not None:
        try:
            read_planned_atlas(plan.regions, data.folder)
            if plan.regions.template is not None:
                read_template(plan.regions, data.folder)
        except InputError as error:
            problems += error.problems
        except ScanFault as fault:
            problems.append(fault.problem)
    try:
        scans, warnings = find_scans(plan, data.folder, data.tables["participants"])
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    if problems:
        raise InputError(problems)
    return ScanPlan(data, tuple(scans), tuple(warnings))


def extract_scans(
    plan: ScanPlan,
    executor: Executor,
    *,
    on_error: OnError = "continue",
    progress: Callable[[str], None] = lambda _: None,
) -> Extraction:
    """Measure every scan that is not up to date, and write the tables of all.

    Parameters
    ----------
    plan : ScanPlan
        As `plan_scans` gives it.
    executor : Executor
        Does the work.
    on_error : {"continue", "abort"}
        Whether the first scan that cannot be measured ends the run; no table is written then.
    progress : callable
        Told the name of each scan, and of each participant with diffusion scans (`ScanPlan.steps` in all), when it is done.

    Returns
    -------
    Extraction
        What became of each scan, and the tables.
    """
    imaging = plan.data.study.imaging
    if imaging is None:
        raise refuse("study.yaml", "has no part `imaging`", "declare it")
    folder = writable_folder(plan.data.folder / EXTRACTION_FOLDER)
    simulated = plan.data.study.study.simulated
    code = code_version()

    def run(units: list[Unit]) -> list[Outcome]:
        return run_units(units, folder, executor, code=code, on_error=on_error, progress=progress)

    units = [scan_unit(scan, imaging, plan.data.folder, simulated=simulated) for scan in plan.made]
    outcomes = run(units)
    if len(outcomes) < len(units):
        return Extraction(tuple(outcomes), (), ())
    opened = {outcome.unit for outcome in outcomes if outcome.state == "ok"}
    baseline = plan.data.study.baseline_visit.name
    people = [
        participant_unit(scans, imaging, plan.data.folder, baseline=baseline, simulated=simulated)
        for scans in _by_participant(scan for scan in plan.made if scan.name in opened)
    ]
    visits = run(people)
    if len(visits) < len(people):
        return Extraction(tuple(outcomes), tuple(visits), ())
    tables = collect_tables(
        plan.scans, [*outcomes, *visits], folder, imaging, plan.data.tables, plan.data.folder
    )
    written = write_tables(tables, plan.data.folder)
    write_album(tables["status"], tables["quality"], tables["motion_link"], folder)
    write_text(plan.data.folder / EXTRACTION_RECORD, json.dumps(software(), indent=2) + "\n")
    return Extraction(tuple(outcomes), tuple(visits), tuple(written))


def _by_participant(scans: Iterable[Scan]) -> list[list[Scan]]:
    """Group the diffusion scans that could be opened by participant."""
    people: dict[str, list[Scan]] = {}
    for scan in scans:
        if scan.modality == "dwi":
            people.setdefault(scan.participant_id, []).append(scan)
    return list(people.values())
