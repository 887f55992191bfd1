"""Finding the scans of a study in its BIDS dataset: every participant, visit and modality, with files or a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import InputError, Problem
from neurotrial.extract.bids.claims import Claims
from neurotrial.extract.bids.files import misplaced_files
from neurotrial.extract.bids.folders import list_dataset
from neurotrial.extract.bids.patterns import MODALITIES
from neurotrial.extract.bids.producers import load_producers
from neurotrial.extract.bids.roots import derivative_roots
from neurotrial.extract.bids.scans import Scan
from neurotrial.extract.bids.sessions import session_scans
from neurotrial.paths import inside

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.bids.files import File
    from neurotrial.extract.bids.patterns import Modality
    from neurotrial.extract.bids.sessions import Found
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["find_scans"]


def find_scans(
    plan: ImagingPlan, study_folder: Path, participants: pd.DataFrame
) -> tuple[list[Scan], list[Problem]]:
    """Find every scan of the grid of participants, visits and modalities; no image is opened.

    Parameters
    ----------
    plan : ImagingPlan
        Where the dataset is, which session is which visit, and whether the scanner's own images are measured.
    study_folder : Path
        What a relative dataset path is relative to.
    participants : DataFrame
        The table `participants`.

    Returns
    -------
    list of Scan
        At least one for each participant, visit and modality; one for each run that was found.
    list of Problem
        Warnings: people and sessions that the study does not know, images without a session, what could not be listed.

    Raises
    ------
    InputError
        If the folder is no BIDS dataset, a folder of derivatives is missing or outside it, two files claim one role,
        nobody of the table has an image, or the study's own file of producers breaks its shape.
    """
    dataset = study_folder / plan.dataset
    roots = derivative_roots(dataset, plan)
    producers = load_producers(inside(study_folder, plan.producers) if plan.producers else None)
    listing = list_dataset(dataset, roots)
    claims = Claims(listing.files, producers)
    sides = participants.get("lesion_side")
    people = list(participants["participant_id"].astype("str"))
    scans: list[Scan] = []
    problems: list[Problem] = []
    for place, participant in enumerate(people):
        side = None if sides is None or sides.isna().iloc[place] else str(sides.iloc[place])
        for session, visit in plan.sessions.items():
            for modality in MODALITIES:
                own = claims.of_session(participant, session, modality, only_session=len(plan.sessions) == 1)
                where = f"{participant}/ses-{session}"
                for found in session_scans(own, modality, accept_raw=plan.accept_raw, where=where):
                    scans.append(_scan(participant, visit, modality, side, found))
                    problems += found.problems
    if not any(scan.files for scan in scans):
        problems.append(_nothing(dataset, plan, len(people), scans))
    if problems:
        raise InputError(problems)
    read = [file for file in listing.files if file.order < len(roots)]
    return scans, [*listing.problems, *_warnings(read, claims, plan, set(people))]


def _scan(participant: str, visit: str, modality: Modality, side: str | None, found: Found) -> Scan:
    folder = next((path.parent for path in found.files.values()), None)
    return Scan(
        participant, visit, found.run, modality, found.files, side, folder, found.preprocessing, found.producer,
        found.software, found.factors, found.makers, found.unused,
    )  # fmt: skip


def _nothing(dataset: Path, plan: ImagingPlan, people: int, scans: list[Scan]) -> Problem:
    rule = f"holds no image of any of the {people} participants of the table"
    session = next(iter(plan.sessions))
    example = f"{plan.derivatives[0]}/sub-001/ses-{session}/dwi/sub-001_ses-{session}_desc-preproc_dwi.nii.gz"
    remedy = f"looked for e.g. {example}; correct `imaging: derivatives` or `sessions` in study.yaml"
    return Problem(
        str(dataset),
        rule,
        remedy,
        tuple(dict.fromkeys(reason for scan in scans for reason in scan.unused.values())),
    )


def _warnings(files: list[File], claims: Claims, plan: ImagingPlan, known: set[str]) -> Iterator[Problem]:
    """Yield what there are images of and the study does not read."""
    people = {file.participant for file in files if file.participant}
    sessions = {
        f"{file.participant}/ses-{file.session}"
        for file in files
        if file.participant in known and file.session and file.session not in plan.sessions
    }
    ours = [file for file in files if file.participant in known and file.session in {None, *plan.sessions}]
    yield from misplaced_files(ours)
    without = claims.without_session() & known if len(plan.sessions) > 1 else set()
    kinds = (
        (people - known, "there are folders of people who are not in participants, and they are not read",
         "add them to participants, or remove the folders"),
        (sessions, "there are sessions that study.yaml gives no visit, and they are not read",
         "add them to `imaging: sessions`"),
        (without, "there are images in no session, and they are not read, because the study has several",
         "put them into folders of sessions, e.g. ses-01, and name them so"),
    )  # fmt: skip
    for rows, rule, remedy in kinds:
        if rows:
            yield Problem("dataset", rule, remedy, tuple(sorted(rows)), "warning")
