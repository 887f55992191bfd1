"""The scans of one session of one participant: their image or maps, and the files that go with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import Problem
from neurotrial.extract.bids.claims import Claim, best_claims
from neurotrial.extract.bids.entities import native_space
from neurotrial.extract.bids.patterns import MAPS, ROLES, STAND_INS, Modality

if TYPE_CHECKING:
    from neurotrial.extract.bids.files import File
    from neurotrial.extract.bids.scans import Preprocessing

__all__ = ["Found", "session_scans"]

_RAW = "there is only the scanner's image: preprocess it, or set `accept_raw: true` under `imaging` in study.yaml"


@dataclass(slots=True)
class Found:
    """The files of one scan.

    Attributes
    ----------
    run : int or None
    files : dict of str to Path
        By role, the image first; empty where nothing can be measured.
    preprocessing : {"full", "minimal", "maps"} or None
        ``maps``: what others measured, without an image.
    producer, software : str
        Who made image or maps.
    factors : dict of str to float
        Of maps whose unit is not um2/ms.
    makers : dict of str to str
        Who made a file of another producer than the image.
    unused : dict of str to str
        Why a file is there and not used.
    problems : list of Problem
        Roles that more than one file claims.
    """

    run: int | None = None
    files: dict[str, Path] = field(default_factory=dict)
    preprocessing: Preprocessing | None = None
    producer: str = ""
    software: str = ""
    factors: dict[str, float] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)
    unused: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def session_scans(
    claims: Mapping[str, list[Claim]], modality: Modality, *, accept_raw: bool, where: str
) -> list[Found]:
    """Return the scans of one session.

    Parameters
    ----------
    claims : mapping of str to list of Claim
        By role.
    modality : {"dwi", "bold"}
    accept_raw : bool
        Whether the scanner's own diffusion images are measured.
    where : str
        Participant and session, for messages.

    Returns
    -------
    list of Found
        One for each run; one without files where there is nothing to measure.
    """
    preprocessing, heads = _heads(claims, modality, accept_raw=accept_raw)
    unused = dict(_unused(claims, modality, heads))
    if not heads:
        return [Found(unused=unused)]
    runs = sorted({claim.file.run for claim in heads}, key=lambda run: run or 0)
    return [_scan(claims, modality, preprocessing, heads, run, unused, where) for run in runs]


def _heads(
    claims: Mapping[str, list[Claim]], modality: Modality, *, accept_raw: bool
) -> tuple[Preprocessing | None, list[Claim]]:
    """Return the images that scans are made of, or what stands for them."""
    images = [claim for claim in claims.get(modality, ()) if not claim.fit.pattern.refused]
    ready = [claim for claim in images if not claim.raw]
    if ready:
        return "full", ready
    for role in STAND_INS[modality]:
        maps = [claim for claim in claims.get(role, ()) if not claim.fit.pattern.refused]
        if maps:
            return "maps", maps
    return ("minimal", images) if images and accept_raw else (None, [])


def _unused(
    claims: Mapping[str, list[Claim]], modality: Modality, heads: list[Claim]
) -> Iterator[tuple[str, str]]:
    for role in ROLES[modality]:
        own = claims.get(role, [])
        refused = [claim for claim in own if claim.fit.pattern.refused]
        if refused and len(refused) == len(own):
            yield role, f"{refused[0].file.name}: {refused[0].fit.pattern.refused}"
        elif role == modality and own and not heads:
            yield role, f"{own[0].file.name}: {_RAW}"


def _scan(
    claims: Mapping[str, list[Claim]],
    modality: Modality,
    preprocessing: Preprocessing | None,
    heads: list[Claim],
    run: int | None,
    unused: Mapping[str, str],
    where: str,
) -> Found:
    rivals = _best_heads([claim for claim in heads if claim.file.run == run])
    head = rivals[0]
    found = Found(run, {}, preprocessing, head.producer, head.file.root.software, unused=dict(unused))
    for role in ROLES[modality]:
        if role == modality and preprocessing == "maps":
            continue
        best = rivals if role == head.fit.role else best_claims(claims.get(role, ()), run, head.file)
        if role in MAPS:
            best = [claim for claim in best if _space(claim.file) == _space(head.file)]
        if len(best) == 1:
            found.files[role] = Path(best[0].file.path)
            if best[0].producer != head.producer:
                found.makers[role] = best[0].producer
            if best[0].fit.pattern.factor != 1:
                found.factors[role] = best[0].fit.pattern.factor
        elif best and (role not in STAND_INS[modality] or preprocessing == "maps"):
            found.problems.append(_ambiguous(role, best, where))
    return found


def _best_heads(heads: list[Claim]) -> list[Claim]:
    """Return the images or maps that no other surpasses: diffusion is measured in the participant's own space."""
    ranks = [
        (claim.fit.modality == "dwi" and _space(claim.file) != "", claim.fit.position, claim.file.order)
        for claim in heads
    ]
    return [claim for claim, rank in zip(heads, ranks, strict=True) if rank == min(ranks)]


def _space(file: File) -> str:
    return native_space(file.entities.get("space", ""))


def _ambiguous(role: str, claims: list[Claim], where: str) -> Problem:
    names = [claim.file.name for claim in claims]
    if len(set(names)) < len(names):
        names = [f"{claim.file.root.name}: {claim.file.name}" for claim in claims]
    rule = f"{len(claims)} files claim to be the {role} of one scan"
    place = f"{where}/{claims[0].file.datatype}".rstrip("/")
    return Problem(place, rule, "keep one, or number the runs (run-1, run-2)", tuple(names))
