"""Which cells and cell options the builtin renderer keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from neurotrial.errors import Problem
from neurotrial.reports.qmd_source import NEEDS_QUARTO, Line, fence_roles

if TYPE_CHECKING:
    from neurotrial.reports.qmd_document import Cell, Document

__all__ = ["cell_problems"]

SWITCHES = ("include", "echo", "eval", "warning")
TEXTS = ("fig-cap", "fig-alt", "tbl-cap", "out-width")
CELL_OPTIONS = (*SWITCHES, *TEXTS, "label", "output")
"""The ``#|`` options that the builtin renderer keeps."""

_BRACES = re.compile(r"^(?P<lead>[\s>*+-]*)(?:`{3,}|~{3,})\s*\{(?P<inside>\{?[^}]*\}?)\}")
_ANNOTATION = re.compile(r"#\s*<\d+>\s*$")
_LABEL = re.compile(r"[A-Za-z][\w-]*")
_WIDTH = re.compile(r"\d+(\.\d+)?(%|in|cm|mm|px)")
_PLAIN_OPTION = re.compile(r"^\s*#\|\s*(code-fold|lst-cap|lst-label)")


def cell_problems(document: Document) -> list[Problem]:
    """Return what the cells and code blocks of a document ask for and the builtin renderer does not do."""
    problems = [problem for cell in document.cells for problem in _one_cell(cell)]
    return problems + list(_code_blocks(document.markdown))


def _needs(where: str, what: str, remedy: str = NEEDS_QUARTO) -> Problem:
    return Problem(where, f"{what} needs Quarto", remedy)


def _one_cell(cell: Cell) -> Iterator[Problem]:
    yield from _options(cell)
    yield from _float(cell)
    for number, text in enumerate(cell.code.splitlines()):
        if _ANNOTATION.search(text):
            yield _needs(cell.where(), f"a code annotation ({text.strip()})", "write a comment instead")
        if number and text.startswith("#|"):
            yield Problem(
                cell.where(), f"option {text} stands below the code", "move it to the top of the cell"
            )


def _options(cell: Cell) -> Iterator[Problem]:
    for key, value in cell.options.items():
        where = cell.where(key)
        if key not in CELL_OPTIONS:
            yield _needs(where, f"cell option {key}")
        elif not _fits(key, value):
            yield _needs(where, f"cell option {key}: {value}")


def _fits(key: str, value: Any) -> bool:
    if key in SWITCHES:
        return isinstance(value, bool)
    if key == "output":
        return isinstance(value, bool) or value == "asis"
    if key == "label":
        return isinstance(value, str) and _LABEL.fullmatch(value) is not None
    if key == "out-width":
        return _WIDTH.fullmatch(str(value)) is not None
    return isinstance(value, str)


def _float(cell: Cell) -> Iterator[Problem]:
    """Check that figures and tables have label, caption and alt text together."""
    label = str(cell.options.get("label", ""))
    for kind, name in (("fig", "figure"), ("tbl", "table")):
        caption = cell.options.get(f"{kind}-cap")
        if label.startswith(f"{kind}-") and not caption:
            yield Problem(cell.where("label"), f"{label} has no {kind}-cap", f"give the {name} a caption")
        if caption and not label.startswith(f"{kind}-"):
            yield Problem(
                cell.where(f"{kind}-cap"),
                f"a captioned {name} has no label {kind}-...",
                f"add `#| label: {kind}-name`, so that it is numbered",
            )
    figure = label.startswith("fig-") or "fig-cap" in cell.options
    if figure and not str(cell.options.get("fig-alt") or "").strip():
        yield Problem(
            cell.where(),
            "the figure has no fig-alt",
            "say in `#| fig-alt:` what a reader who cannot see it misses",
        )


def _code_blocks(lines: tuple[Line, ...]) -> Iterator[Problem]:
    """Look at fenced blocks that are no Python cells at the left margin."""
    for line, role in zip(lines, fence_roles(line.text for line in lines), strict=True):
        found = _BRACES.match(line.text)
        if found:
            yield from _braces(line, found["lead"], found["inside"].strip())
        elif role == "code" and _ANNOTATION.search(line.text):
            yield _needs(line.where, "a code annotation", "write a comment instead")
        elif role == "code" and _PLAIN_OPTION.match(line.text):
            yield _needs(line.where, f"option {line.text.strip()}")


def _braces(line: Line, lead: str, inside: str) -> Iterator[Problem]:
    language = re.split(r"[\s,]", inside)[0]
    if inside.startswith("{"):
        yield _needs(line.where, "a cell that is shown with its braces")
    elif language == "python" and not lead:
        yield _needs(line.where, "a cell option in the braces", "write it as `#| option: value` below them")
    elif language == "python":
        yield _needs(line.where, "a cell indented inside a list or quote", "move it to the left margin")
    elif language.startswith("="):
        if language not in {"=html", "=openxml"}:
            yield _needs(line.where, f"a raw block of {language[1:]}")
    elif not language.startswith((".", "#")):
        yield _needs(line.where, f"a cell of {language}")
    elif re.search(r"lst-|code-|filename|#lst", inside):
        yield _needs(line.where, f"a code block with {inside}")
