"""Reporting checklists as data: what each row asks for, and the labels in the manuscript that answer it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import Field

from neurotrial.errors import refuse
from neurotrial.study_part import Part, Text

__all__ = ["CHECKLISTS", "Applies", "Checklist", "Item", "read_checklist"]

CHECKLISTS = ("consort2025", "cobidas")
"""Names of the checklists that ship."""

Applies = Literal["images", "dwi", "bold"]
"""What a study must have: scans at all, or those of one kind."""

Pattern = Annotated[str, Field(pattern=r"^[a-z0-9*-]+(\|[a-z0-9*-]+)*$")]
Label = Annotated[str, Field(pattern=r"^sec-[a-z0-9-]+$")]


class Item(Part):
    """A row of a checklist.

    Attributes
    ----------
    number, section, topic, text : str
        As readers see them.
    where : list of str
        Labels in the manuscript that the row needs; ``a|b`` is satisfied by either, ``*`` stands for any letters.
    also : list of str
        Further places, shown where they exist.
    authors : list of str
        Labels that the row needs and only authors can write.
    fields : list of str
        The keys of the study file that make the text.
    place, todo : str or None
        In which section authors write, and what, while the row is not found.
    applies : {"images", "dwi", "bold"} or None
        What a study must have for the row to apply; None takes that of the checklist.
    unused : str or None
        Why the row never applies to what this toolkit measures.
    """

    number: Text
    section: Text
    topic: Text
    text: Text
    where: list[Pattern] = Field(default_factory=list)
    also: list[Pattern] = Field(default_factory=list)
    authors: list[Label] = Field(default_factory=list)
    fields: list[Text] = Field(default_factory=list)
    place: Text | None = None
    todo: Text | None = None
    applies: Applies | None = None
    unused: Text | None = None


class Checklist(Part):
    """A reporting checklist with its source, the day on which rows were compared with it, and its rows."""

    name: Literal["consort2025", "cobidas"]
    title: Text
    subject: Text
    citation: Text
    source: Annotated[str, Field(pattern=r"^https://doi\.org/\S+$")]
    checked: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    note: Text
    applies: Applies | None = None
    place: Text | None = None
    items: Annotated[list[Item], Field(min_length=1)]


@cache
def read_checklist(name: str) -> Checklist:
    """Read a checklist of the package.

    Parameters
    ----------
    name : str
        Among `CHECKLISTS`.

    Returns
    -------
    Checklist

    Raises
    ------
    InputError
        If there is no such checklist.

    Examples
    --------
    >>> read_checklist("consort2025").items[0].topic
    'Title'
    """
    if name not in CHECKLISTS:
        raise refuse(f"checklist {name!r}", "is none that ships", f"use {' or '.join(CHECKLISTS)}")
    text = (files("neurotrial.reports.checklists") / f"{name}.yaml").read_text("utf-8")
    return Checklist.model_validate(yaml.safe_load(text))
