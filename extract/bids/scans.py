"""A scan of the study: whose, when, and which files it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from neurotrial.extract.bids.patterns import Modality

__all__ = ["NOT_MADE", "Preprocessing", "Scan"]

Preprocessing = Literal["full", "minimal", "maps"]

NOT_MADE = "the scan was not made: there is no image"


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
        Its files by role, see `neurotrial.extract.bids.patterns.ROLES`, the image first; empty for a scan that was not made
        or cannot be used.
    expected_side : str or None
        Side of the lesion by `participants`: left, right, both or none.
    folder : Path or None
        Where its files stand.
    preprocessing : {"full", "minimal", "maps"} or None
        A preprocessed image; the scanner's own image; scalar maps, or time series or correlations of nodes, without an image.
        None where there is neither.
    producer : str
        Who made image or maps, a name in ``producers.toml``.
    software : str
        The same with its version, as the description of the derivative has it; empty where it has none.
    factors : mapping of str to float
        What a map of that role is multiplied by to be in um2/ms, where that is not 1.
    makers : mapping of str to str
        Who made a file of that role, where that is not the producer.
    unused : mapping of str to str
        Why a file of that role is there and not used.
    """

    participant_id: str
    visit: str
    run: int | None
    modality: Modality
    files: Mapping[str, Path]
    expected_side: str | None
    folder: Path | None = None
    preprocessing: Preprocessing | None = None
    producer: str = ""
    software: str = ""
    factors: Mapping[str, float] = field(default_factory=dict)
    makers: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, str] = field(default_factory=dict)

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

    @property
    def absence(self) -> str:
        """Why a scan without files has none; empty for one that has."""
        return "" if self.files else "; ".join(self.unused.values()) or NOT_MADE
