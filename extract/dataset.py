"""Finding the scans of a study in a BIDS dataset: an index by folder listing, and patterns as data."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from neurotrial.errors import InputError, Problem
from neurotrial.paths import inside

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["MODALITIES", "PATTERNS", "Modality", "Scan", "find_scans"]

Modality = Literal["dwi", "bold"]
MODALITIES: tuple[Modality, ...] = ("dwi", "bold")
"""A new one goes to the end: places in it are seeds of the simulation."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """How the file of one role is named: BIDS suffix, extension, entities that it must have.

    Attributes
    ----------
    suffix, extension : str
        Last part of the name, and what follows it.
    entities : tuple of (str, str)
        Entities that must have these values.
    folder : str
        Name of the folder that the file stands in.
    companion : bool
        Whether the file may serve every run of the session, and so needs no run of its own.
    """

    suffix: str
    extension: str
    entities: tuple[tuple[str, str], ...] = ()
    folder: str = "dwi"
    companion: bool = False


def _region(label: str, hemisphere: str) -> Pattern:
    return Pattern("mask", ".nii.gz", (("label", label), ("hemi", hemisphere)), companion=True)


_PREPROCESSED = (("desc", "preproc"),)
PATTERNS: Mapping[Modality, Mapping[str, Pattern]] = MappingProxyType({
    "dwi": {
        "dwi": Pattern("dwi", ".nii.gz", _PREPROCESSED),
        "bval": Pattern("dwi", ".bval", _PREPROCESSED),
        "bvec": Pattern("dwi", ".bvec", _PREPROCESSED),
        "brain": Pattern("mask", ".nii.gz", (("desc", "brain"),), companion=True),
        "lesion": Pattern("mask", ".nii.gz", (("label", "lesion"),), companion=True),
        "cst_left": _region("CST", "L"),
        "cst_right": _region("CST", "R"),
        "plic_left": _region("PLIC", "L"),
        "plic_right": _region("PLIC", "R"),
    },
    "bold": {
        "bold": Pattern("bold", ".nii.gz", _PREPROCESSED, "func"),
        "bold_json": Pattern("bold", ".json", _PREPROCESSED, "func"),
        "confounds": Pattern("timeseries", ".tsv", (("desc", "confounds"),), "func"),
        "brain": Pattern("mask", ".nii.gz", (("desc", "brain"),), "func", companion=True),
        "lesion": Pattern("mask", ".nii.gz", (("label", "lesion"),), "func", companion=True),
    },
})  # fmt: skip
"""The files of a scan by role. A new producer of derivatives is a change here, not of code."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of the grid.

    Attributes
    ----------
    participant_id, visit : str
        Whose scan, and when.
    run : int or None
        Run within the session, where runs are numbered.
    modality : {"dwi", "bold"}
        Kind of scan.
    files : mapping of str to Path
        Its files by role, see `PATTERNS`; empty for a scan that was not made.
    expected_side : str or None
        Side of the lesion by `participants`: left, right, both or none.
    folder : Path or None
        Where its files stand.
    """

    participant_id: str
    visit: str
    run: int | None
    modality: Modality
    files: Mapping[str, Path]
    expected_side: str | None
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Participant, visit, modality and run, fit for a file name."""
        run = "" if self.run is None else f"_run-{self.run}"
        return f"{self.participant_id}_{self.visit}_{self.modality}{run}"

    @property
    def occasion(self) -> dict[str, Any]:
        """The columns that every table of the extraction has: participant_id, visit and run."""
        return {"participant_id": self.participant_id, "visit": self.visit, "run": self.run}

    @property
    def identity(self) -> dict[str, Any]:
        """The columns that tell the scan from every other: its occasion and its modality."""
        return {**self.occasion, "modality": self.modality}


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    stem: str
    extension: str
    entities: Mapping[str, str]
    suffix: str


def find_scans(
    plan: ImagingPlan, study_folder: Path, participants: pd.DataFrame
) -> tuple[list[Scan], list[Problem]]:
    """Find every scan of the grid of participants, visits and modalities.

    Parameters
    ----------
    plan : ImagingPlan
        Where the dataset is, and which session is which visit.
    study_folder : Path
        What a relative dataset path is relative to.
    participants : DataFrame
        The table `participants`.

    Returns
    -------
    list of Scan
        At least one for each participant, visit and modality; one for each run that was found.
    list of Problem
        Warnings: folders of sessions or participants that the study does not know.

    Raises
    ------
    InputError
        If the folder is no BIDS dataset, a folder of derivatives is missing or outside it, two files claim one role, or
        nobody of the table has an image.
    """
    dataset = study_folder / plan.dataset
    roots = _roots(dataset, plan)
    sides = participants.get("lesion_side")
    scans: list[Scan] = []
    problems: list[Problem] = []
    for place, participant in enumerate(participants["participant_id"].astype("str")):
        side = None if sides is None or sides.isna().iloc[place] else str(sides.iloc[place])
        for session, visit in plan.sessions.items():
            for modality in MODALITIES:
                found, faults = _session_scans(roots, participant, session, modality)
                problems += faults
                files = found or {None: {}}
                scans += [
                    Scan(participant, visit, run, modality, own, side, _folder(own))
                    for run, own in files.items()
                ]
    if not any(scan.files for scan in scans):
        rule = f"holds no image of any of the {len(participants)} participants of the table"
        remedy = (
            f"looked for e.g. {_example(plan)}; correct `imaging: derivatives` or `sessions` in study.yaml"
        )
        problems.append(Problem(str(dataset), rule, remedy))
    if problems:
        raise InputError(problems)
    return scans, list(_unknown_folders(roots, plan, set(participants["participant_id"].astype("str"))))


def _folder(files: Mapping[str, Path]) -> Path | None:
    return next((path.parent for path in files.values()), None)


def _example(plan: ImagingPlan) -> str:
    session = next(iter(plan.sessions))
    return f"{plan.derivatives[0]}/sub-001/ses-{session}/dwi/sub-001_ses-{session}_desc-preproc_dwi.nii.gz"


def _roots(dataset: Path, plan: ImagingPlan) -> list[Path]:
    """Return the folders of derivatives, after the checks that make them a dataset."""
    problems = list(_description_problems(dataset))
    roots = []
    if not problems:
        for name in plan.derivatives:
            try:
                root = inside(dataset, name)
            except InputError as error:
                problems += error.problems
                continue
            roots.append(root)
            if not root.is_dir():
                rule = f"there is no folder {name}"
                problems.append(Problem(str(dataset), rule, "correct `imaging: derivatives` in study.yaml"))
    if problems:
        raise InputError(problems)
    return roots


def _description_problems(dataset: Path) -> Iterator[Problem]:
    description = dataset / "dataset_description.json"
    if not dataset.is_dir():
        yield Problem(str(dataset), "the folder does not exist", "correct `imaging: dataset` in study.yaml")
        return
    try:
        content = json.loads(description.read_text(encoding="utf-8"))
    except OSError:
        rule = "is no BIDS dataset: it has no dataset_description.json"
        yield Problem(str(dataset), rule, "name the top folder of the dataset under `imaging: dataset`")
        return
    except ValueError as error:
        rule = f"is not readable JSON: {error}"
        yield Problem(str(description), rule, "mend the file; BIDS wants Name and BIDSVersion")
        return
    if not isinstance(content, dict) or "BIDSVersion" not in content:
        yield Problem(str(description), "has no BIDSVersion", "add it, e.g. 1.9.0")


def _session_scans(
    roots: Iterable[Path], participant: str, session: str, modality: Modality
) -> tuple[dict[int | None, dict[str, Path]], list[Problem]]:
    """Return the files of one session by run and role."""
    patterns = PATTERNS[modality]
    folder = next(iter(patterns.values())).folder
    files = [file for root in roots for file in _list(root / participant / f"ses-{session}" / folder)]
    image = patterns[modality]
    runs = sorted({_run(file) for file in files if _fits(file, image)}, key=lambda run: run or 0)
    scans: dict[int | None, dict[str, Path]] = {}
    problems = []
    for run in runs:
        own: dict[str, Path] = {}
        for role, pattern in patterns.items():
            fitting = [file for file in files if _fits(file, pattern) and _run_fits(file, run, pattern)]
            if len(fitting) > 1:
                rule = f"{len(fitting)} files claim to be the {role} of one scan"
                rows = tuple(file.path.name for file in fitting)
                where = f"{participant}/ses-{session}/{folder}"
                problems.append(Problem(where, rule, "keep one, or number the runs (run-1, run-2)", rows))
            elif fitting:
                own[role] = fitting[0].path
        scans[run] = own
    return scans, problems


def _list(folder: Path) -> Iterator[_File]:
    """Yield the files of a folder with the entities of their names."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        stem, dot, rest = entry.name.partition(".")
        *pairs, suffix = stem.split("_")
        entities = dict(re.findall(r"([A-Za-z]+)-([A-Za-z0-9]+)", "_".join(pairs)))
        yield _File(Path(entry.path), stem, dot + rest, entities, suffix)


def _fits(file: _File, pattern: Pattern) -> bool:
    named = all(file.entities.get(entity) == value for entity, value in pattern.entities)
    return file.suffix == pattern.suffix and file.extension == pattern.extension and named


def _run(file: _File) -> int | None:
    run = file.entities.get("run")
    return int(run) if run and run.isdigit() else None


def _run_fits(file: _File, run: int | None, pattern: Pattern) -> bool:
    return _run(file) == run or (pattern.companion and _run(file) is None)


def _unknown_folders(roots: Iterable[Path], plan: ImagingPlan, known: set[str]) -> Iterator[Problem]:
    """Warn of people and sessions that there are images of and that the study does not know."""
    people, sessions = [], []
    for root in roots:
        for folder in sorted(
            path for path in root.iterdir() if path.name.startswith("sub-") and path.is_dir()
        ):
            if folder.name not in known:
                people.append(folder.name)
                continue
            labels = sorted(path.name for path in folder.iterdir() if path.name.startswith("ses-"))
            sessions += [f"{folder.name}/{name}" for name in labels if name[4:] not in plan.sessions]
    if people:
        rule = "there are folders of people who are not in participants, and they are not read"
        yield Problem(
            "dataset", rule, "add them to participants, or remove the folders", tuple(people), "warning"
        )
    if sessions:
        rule = "there are sessions that study.yaml gives no visit, and they are not read"
        yield Problem("dataset", rule, "add them to `imaging: sessions`", tuple(sessions), "warning")
