"""Every number of a document with its origin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.reports.audit.binding import Binder, BlockValues, cited_values
from neurotrial.reports.audit.printed_numbers import printed_numbers
from neurotrial.reports.cited import PRINTED
from neurotrial.reports.rendering.document import INLINE, Cell

if TYPE_CHECKING:
    from neurotrial.reports.audit.printed_numbers import PrintedNumber
    from neurotrial.reports.rendering.document import Markdown
    from neurotrial.reports.rendering.render_builtin import Executed
    from neurotrial.results import Results

__all__ = ["Finding", "audited"]

_NOTHING = BlockValues([], [])


@dataclass(frozen=True, slots=True)
class Finding:
    """A number in a document.

    Attributes
    ----------
    document : str
        Name of the .qmd file.
    place : str
        ``file:line`` where its block begins.
    block : str
        Label of the cell, ``cell`` for one without; ``text`` outside cells, ``typed`` if it was written there by hand.
    number : str
        As printed, without sign.
    context : str
        The words around it.
    origin : str
        A citation ``key#column``, two of them with a stroke for a percentage, ``derived: ...``, ``study file``,
        ``allowed``; empty where it comes from none of them.
    """

    document: str
    place: str
    block: str
    number: str
    context: str
    origin: str


def audited(executed: Executed, results: Results, allowed: Sequence[str]) -> list[Finding]:
    """Return every number that a reader of a document sees, with its origin.

    Parameters
    ----------
    executed : Executed
        A document whose cells have run.
    results : Results
        What it shows.
    allowed : sequence of str
        Regular expressions with ``{n}`` in the place of a number that comes from no data.

    Returns
    -------
    list of Finding
        In document order. A number counts as that of a key if its block read the key and the value rounds to the number;
        one that is wrong, but by coincidence shows another value that its block read, is not found. What is typed into the
        text comes from no key.
    """
    binder = Binder(results.study, results.provenance, allowed)
    document = executed.document
    found: list[Finding] = []
    for block, shown, citations in zip(document.blocks, executed.shown, executed.cited, strict=True):
        printed = (citation.removeprefix(PRINTED) for citation in citations if citation.startswith(PRINTED))
        values = BlockValues(cited_values(results, citations), printed)
        if isinstance(block, Cell):
            place, name = block.where(), str(block.options.get("label", "cell"))
            numbers = [(name, number) for number in printed_numbers(shown)]
        else:
            place = block.lines[0].where if block.lines else ""
            numbers = list(_told_apart(block, shown))
        for name, number in numbers:
            origin = binder.origin(number, _NOTHING if name == "typed" else values)
            found.append(Finding(document.path.name, place, name, number.text, number.context, origin))
    return found


def _told_apart(block: Markdown, shown: str) -> Iterator[tuple[str, PrintedNumber]]:
    """Yield the numbers of a block of text, those that were typed apart from those of inline values."""
    source = "\n".join(INLINE.sub("`value`", line.text) for line in block.lines)
    typed = Counter(_neighbours(number) for number in printed_numbers(source))
    for number in printed_numbers(shown):
        own = _neighbours(number)
        yield ("typed" if typed[own] > 0 else "text"), number
        typed[own] -= 1


def _neighbours(number: PrintedNumber) -> tuple[str, str, str]:
    return number.before[-2:], number.text, number.after[:2]
