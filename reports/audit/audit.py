"""Every number of a document with its origin, and every cited value that changed since the last audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml

from neurotrial.reports.audit.binding import Binder, BlockValues, cited_values
from neurotrial.reports.audit.printed_numbers import printed_numbers
from neurotrial.reports.rendering.document import Cell

if TYPE_CHECKING:
    from neurotrial.reports.rendering.render_builtin import Executed
    from neurotrial.results import Results

__all__ = ["Finding", "audited"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A number in a document.

    Attributes
    ----------
    document : str
        Name of the .qmd file.
    place : str
        ``file:line`` of its block.
    block : str
        Label of the cell, ``text`` outside cells.
    number : str
        As printed.
    context : str
        The words around it.
    origin : str
        Citation ``key#column``, ``study file``, ``allowed``; empty where it comes from none of them.
    """

    document: str
    place: str
    block: str
    number: str
    context: str
    origin: str


def audited(executed: Executed, results: Results, allowed: Sequence[str] = ()) -> list[Finding]:
    shipped = yaml.safe_load(files("neurotrial.reports.audit").joinpath("allowed.yaml").read_text("utf-8"))
    binder = Binder(results.study, results.provenance, [*shipped, *allowed])
    document = executed.document
    found: list[Finding] = []
    before: dict[str, None] = {}
    for block, shown, citations in zip(document.blocks, executed.shown, executed.cited, strict=True):
        if isinstance(block, Cell):
            place, name = block.where(), str(block.options.get("label", "cell"))
        else:
            place, name = (block.lines[0].where if block.lines else ""), "text"
        values, earlier = (BlockValues(cited_values(results, part)) for part in (citations, before))
        found += [
            Finding(
                document.path.name,
                place,
                name,
                number.text,
                number.context,
                binder.origin(number, values, earlier),
            )
            for number in printed_numbers(shown)
        ]
        before |= dict.fromkeys(citations)
    return found
