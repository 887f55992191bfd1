"""Which files claim a role in which scan, and which of them holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from neurotrial.extract.bids.entities import native_space
from neurotrial.extract.bids.patterns import Fit, Modality, Producer, producer_of

if TYPE_CHECKING:
    from neurotrial.extract.bids.files import File

__all__ = ["Claim", "Claims", "best_claims"]

_GRADIENTS = frozenset({"bval", "bvec"})
_OF_ONE_RUN = frozenset(
    {"dwi", "bold", "bold_json", "fa", "md", "ad", "rd", "l2", "l3", "timeseries", "matrix"}
)
"""Roles whose file must have the run of the scan; all others may serve every run."""


class Claim(NamedTuple):
    """A file that can have a role.

    Attributes
    ----------
    file : File
    fit : Fit
        The role, and how well the file fits it.
    producer : str
        Who made it.
    """

    file: File
    fit: Fit
    producer: str

    @property
    def raw(self) -> bool:
        """Whether it comes as the scanner made it."""
        return self.file.root.raw


class Claims:
    """The claims of all files of a dataset.

    Parameters
    ----------
    files : iterable of File
    producers : mapping of str to Producer
        Who is known.
    """

    def __init__(self, files: Iterable[File], producers: Mapping[str, Producer]) -> None:
        self._claims: defaultdict[tuple[str | None, str | None], list[Claim]] = defaultdict(list)
        makers: dict[str, Producer] = {}
        for file in files:
            if file.misplaced:
                continue
            folder = file.root.folder
            maker = makers.get(folder) or makers.setdefault(folder, producer_of(file.root, producers))
            for fit in maker.fits(file):
                self._claims[file.participant, file.session].append(Claim(file, fit, maker.name))

    def of_session(
        self, participant: str, session: str, modality: Modality, *, only_session: bool
    ) -> dict[str, list[Claim]]:
        """Return the claims in a session by role, those of files that serve every session or everybody among them.

        Parameters
        ----------
        participant : str
        session : str
            Label.
        modality : {"dwi", "bold"}
        only_session : bool
            Whether the study has no other: then images without a session belong to it.
        """
        found: dict[str, list[Claim]] = {}
        for key in ((participant, session), (participant, None), (None, None)):
            for claim in self._claims.get(key, ()):
                role = claim.fit.role
                common = key[1] is None and role in _OF_ONE_RUN and not (only_session and key[0])
                if claim.fit.modality == modality and not common and (key[0] or role in _GRADIENTS):
                    found.setdefault(role, []).append(claim)
        return found

    def without_session(self) -> set[str]:
        """Return the participants who have images that stand in no session."""
        return {
            person
            for (person, session), claims in self._claims.items()
            if person and session is None
            for claim in claims
            if claim.fit.role == claim.fit.modality and not claim.raw
        }


def best_claims(claims: Iterable[Claim], run: int | None, image: File) -> list[Claim]:
    """Return the claims to one role that no other surpasses: none, one, or several that are equal.

    Parameters
    ----------
    claims : iterable of Claim
        All of one role.
    run : int or None
        Run of the scan.
    image : File
        Its image, or the map that stands for it.
    """
    fitting = [claim for claim in claims if not claim.fit.pattern.refused and _may_serve(claim, run, image)]
    ranks = [_rank(claim, image) for claim in fitting]
    return [claim for claim, rank in zip(fitting, ranks, strict=True) if rank == min(ranks)]


def _may_serve(claim: Claim, run: int | None, image: File) -> bool:
    file, role = claim.file, claim.fit.role
    if role in _GRADIENTS:
        return claim.raw == image.root.raw and file.entities.items() <= image.entities.items()
    return file.run == run or (file.run is None and role not in _OF_ONE_RUN)


def _rank(claim: Claim, image: File) -> tuple[object, ...]:
    """Return what makes one claim better than another, smaller for the better; see ``producers.toml``."""
    file = claim.file
    return (
        _space(file) != _space(image),
        claim.fit.position,
        -len(file.entities) if claim.fit.role in _GRADIENTS else 0,
        file.session is None,
        file.run is None,
        file.root.folder != image.root.folder,
        file.order,
    )


def _space(file: File) -> str:
    return native_space(file.entities.get("space", ""))
