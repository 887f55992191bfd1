"""The errors of the toolkit: what is wrong, where, by which rule, in which rows, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

ROWS_SHOWN = 5
"""How many offending rows a message shows; the rest is counted."""


class NeurotrialError(Exception):
    """Base of every error that the toolkit raises on purpose; ``exit_code`` is what the command ends with."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes
    ----------
    where : str
        The file with its column or key, e.g. ``"tables/motor.tsv: score"``.
    rule : str
        What was expected, as a statement of the rule that is broken.
    remedy : str
        What the user can do about it.
    rows : tuple of str
        The offending rows, each described in a few words (line number and content); may be empty.
    severity : {"error", "warning"}
        An error stops the command with exit code 2; a warning is listed and the work goes on.
    """

    where: str
    rule: str
    remedy: str
    rows: tuple[str, ...] = ()
    severity: Severity = "error"

    def __str__(self) -> str:
        shown = "".join(f"\n    {row}" for row in self.rows[:ROWS_SHOWN])
        more = len(self.rows) - ROWS_SHOWN
        if more > 0:
            shown += f"\n    ... and {more} more"
        return f"{self.where}: {self.rule}{shown}\n  remedy: {self.remedy}"


class InputError(NeurotrialError):
    """An input breaks its contract; carries every problem that was found, not only the first.

    Parameters
    ----------
    problems : sequence of Problem
        At least one.
    """

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        super().__init__(head + "\n" + "\n".join(str(problem) for problem in self.problems))


def refuse(where: str, rule: str, remedy: str, rows: Iterable[str] = ()) -> InputError:
    """Return an `InputError` of a single problem, ready to be raised."""
    return InputError([Problem(where, rule, remedy, tuple(rows))])


class RenderError(NeurotrialError):
    """A document could not be rendered; the message names file and line or cell."""
