"""Profiles of journals: limits with the address where they were read, and the day."""

from __future__ import annotations

import difflib
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from neurotrial.errors import refuse
from neurotrial.paths import inside
from neurotrial.study_file import read_part
from neurotrial.study_part import Part, Text

if TYPE_CHECKING:
    from neurotrial.study import ReportChoices

__all__ = [
    "GENERIC",
    "NO_SOURCE",
    "FigureLimits",
    "Limits",
    "Profile",
    "chosen_profile",
    "profile_names",
    "read_profile",
]

GENERIC = "generic"
"""The profile where none is named."""

NO_SOURCE = "limits are not confirmed: no source"

_SUFFIXES = (".yaml", ".yml")
Address = Annotated[str, StringConstraints(pattern=r"^(https?://|10\.\d{4,}/)\S+$", max_length=500)]
Count = Annotated[int, Field(ge=1)]
Counted = Literal["title_page", "abstract", "captions", "tables", "references"]
Statement = Literal["registration", "ethics", "data_sharing", "funding", "conflicts"]


class FigureLimits(Part):
    """What a picture must have: resolution in dots per inch, width on the page in mm, file formats."""

    dpi_min: Count | None = None
    width_mm_min: Annotated[float, Field(gt=0)] | None = None
    width_mm_max: Annotated[float, Field(gt=0)] | None = None
    formats: list[Literal["png", "tiff", "jpeg", "eps", "pdf", "svg"]] | None = None


class Limits(Part):
    """What a journal asks for; None where it does not say.

    Attributes
    ----------
    main_text_words, abstract_words, display_items, references : int or None
        At most so many. Display items are figures and tables together.
    main_text_counts : list of str
        What the journal counts beside the sentences and headings of the main text.
    main_text_leaves_out : list of str
        Headings of sections that the journal does not count, e.g. ``Methods``.
    abstract_heads : list of str or None
        Heads of a structured abstract, in order; an empty list means an abstract without heads.
    figures : FigureLimits
        Of every picture.
    reference_style : list of str or None
        Names of CSL styles that are the journal's.
    abbreviations_at_first_use : bool or None
        Whether each is spelled out where it first stands, in the abstract and in the text.
    statements : list of str or None
        Statements that must be there.
    """

    main_text_words: Count | None = None
    main_text_counts: list[Counted] = Field(default_factory=list)
    main_text_leaves_out: list[Text] = Field(default_factory=list)
    abstract_words: Count | None = None
    abstract_heads: list[Text] | None = None
    display_items: Count | None = None
    references: Count | None = None
    figures: FigureLimits = Field(default_factory=FigureLimits)
    reference_style: list[Text] | None = None
    abbreviations_at_first_use: bool | None = None
    statements: list[Statement] | None = None


class Profile(Part):
    """What is known of a journal's limits.

    Attributes
    ----------
    name : str
        The journal, and the kind of article where it matters.
    source : str or None
        Address or DOI of the guidelines in which the limits were read.
    checked : date or None
        The day on which somebody read them there.
    stored_copy : bool
        Whether a stored copy of that page was read, which may be older than the page.
    sources : dict of str to str
        Address for single limits that were read elsewhere, by key of `limits`.
    note : str or None
        What else must be known of these limits, e.g. that a stored copy was read.
    limits : Limits
        The limits.
    """

    name: Text
    source: Address | None
    checked: date | None
    stored_copy: bool = False
    sources: dict[str, Address] = Field(default_factory=dict)
    note: Text | None = None
    limits: Limits

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        if self.checked and not self.source:
            raise ValueError("checked is given without source: say where the limits were read")
        unknown = [key for key in self.sources if key not in Limits.model_fields]
        if unknown:
            known = ", ".join(Limits.model_fields)
            raise ValueError(f"sources names {unknown[0]!r}, which is no limit; limits are: {known}")
        return self

    def source_of(self, limit: str) -> str:
        """Return where a limit was read, or that its profile does not say."""
        return self.sources.get(limit) or self.source or NO_SOURCE

    @property
    def confirmed(self) -> str:
        """Where and when the limits were read, in words."""
        if self.source is None:
            return NO_SOURCE
        how = "read from a stored copy" if self.stored_copy else "read"
        day = f"on {self.checked.isoformat()}" if self.checked else "on a day that is not stated"
        return f"{self.source}, {how} {day}"


def _shipped() -> Any:
    return files("neurotrial.reports") / "journals"


def profile_names() -> list[str]:
    """Return the names of the profiles that ship."""
    return sorted(
        item.name.removesuffix(".yaml") for item in _shipped().iterdir() if item.name.endswith(".yaml")
    )


def read_profile(journal: str, folder: Path) -> Profile:
    """Read the profile of a journal.

    Parameters
    ----------
    journal : str
        The name of a profile that ships, or the path of a ``.yaml`` file.
    folder : Path
        What a relative path is relative to.

    Returns
    -------
    Profile

    Raises
    ------
    InputError
        If there is no such profile, or the file is not one; every fault with its line.
    """
    from importlib.resources import as_file

    if journal.endswith(_SUFFIXES):
        path = folder / journal
        if not path.is_file():
            raise refuse(f"journal {journal}", f"there is no file {path}", "mend the path")
        return read_part(path, Profile, "a journal's profile")
    known = profile_names()
    if journal not in known:
        close = difflib.get_close_matches(journal, known, n=1, cutoff=0.5)
        remedy = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(known)}"
        rule = "is neither a profile that ships nor the path of a .yaml file"
        raise refuse(f"journal {journal}", rule, remedy)
    with as_file(_shipped() / f"{journal}.yaml") as path:
        return read_part(path, Profile, "a journal's profile")


def chosen_profile(folder: Path, choices: ReportChoices, journal: str | None = None) -> Profile:
    """Return the profile that is asked for, else the study file's, else the generic one.

    Parameters
    ----------
    folder : Path
        The study folder.
    choices : ReportChoices
        The part `report` of the study file.
    journal : str, optional
        Name of a profile, or path of a file from the working directory.

    Returns
    -------
    Profile

    Raises
    ------
    InputError
        If there is no such profile, a file is not one, or the study file names one outside the study folder.
    """
    if journal is not None:
        return read_profile(journal, Path.cwd())
    if choices.journal is None:
        return read_profile(GENERIC, folder)
    if choices.journal.endswith(_SUFFIXES):
        inside(folder, choices.journal)
    return read_profile(choices.journal, folder)
