"""Source lines of a document: each knows its file and line; includes and shortcodes are expanded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from neurotrial.errors import Problem, refuse

__all__ = [
    "NEEDS_QUARTO",
    "Line",
    "Scope",
    "expand_lines",
    "expand_text",
    "fence_roles",
    "read_text",
    "source_lines",
]

NEEDS_QUARTO = "rewrite it within the subset, or install Quarto and render with engine quarto"
"""The remedy for syntax outside the subset."""

SHORTCODE = re.compile(r"\{\{<\s*(\S+)\s*(.*?)\s*>\}\}")
_ANY_SHORTCODE = re.compile(r"\{\{\{*<")
_INCLUDE = re.compile(r"^\s*\{\{<\s*include\s+(.*?)\s*>\}\}\s*$")
_FENCE = re.compile(r"^[\s>]*(?P<mark>`{3,}|~{3,})(?P<info>.*)$")
_PAGEBREAK = "\n::: {.pagebreak}\n:::\n"

Role = Literal["text", "open", "code", "close"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of source.

    Attributes
    ----------
    text : str
        Without its line end.
    label : str
        The file as a message names it.
    number : int
        Counted from 1.
    """

    text: str
    label: str
    number: int

    @property
    def where(self) -> str:
        """``file:line``."""
        return f"{self.label}:{self.number}"


@dataclass(frozen=True, slots=True)
class Scope:
    """What shortcodes may see: the folders, and the values of ``meta`` and ``var``."""

    root: Path
    folder: Path
    metadata: Mapping[str, Any]
    variables: Mapping[str, Any]


def read_text(file: Path, label: str) -> str:
    """Read a text file.

    Raises
    ------
    InputError
        If it is not in UTF-8.
    """
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        where = f"{label}:{line}"
        raise refuse(where, "is not UTF-8 text", "save the file in UTF-8") from None


def source_lines(text: str, label: str) -> list[Line]:
    """Split a text into lines."""
    return [Line(line, label, number) for number, line in enumerate(text.removesuffix("\n").split("\n"), 1)]


def fence_roles(texts: Iterable[str]) -> list[Role]:
    """Say of each line whether it is text, or opens, continues or closes a fenced code block.

    Examples
    --------
    >>> fence_roles(["a", "```python", "b", "```", "c"])
    ['text', 'open', 'code', 'close', 'text']
    """
    roles: list[Role] = []
    mark = ""
    for text in texts:
        found = _FENCE.match(text)
        if mark:
            closes = found and found["mark"].startswith(mark) and not found["info"].strip()
            roles.append("close" if closes else "code")
            mark = "" if closes else mark
        elif found and not (found["mark"][0] == "`" and "`" in found["info"]):
            roles.append("open")
            mark = found["mark"]
        else:
            roles.append("text")
    return roles


def expand_lines(
    lines: Sequence[Line], scope: Scope, problems: list[Problem], chain: tuple[Path, ...]
) -> list[Line]:
    """Replace includes by the lines of their files and the other shortcodes by their values.

    Parameters
    ----------
    lines : sequence of Line
        The lines of the last file of ``chain``.
    scope : Scope
        What shortcodes may see.
    problems : list of Problem
        Grows by every shortcode that cannot be expanded.
    chain : tuple of Path
        The document and the includes that led here, to find loops.
    """
    out: list[Line] = []
    roles = fence_roles(line.text for line in lines)
    for line, role in zip(lines, roles, strict=True):
        include = _INCLUDE.match(line.text)
        if role == "text" and include:
            out += _included(line, include[1], scope, problems, chain)
        elif role == "text":
            text = expand_text(line.text, line.where, scope, problems)
            out += [replace(line, text=part) for part in (text.split("\n") if text else [""])]
        else:
            if _ANY_SHORTCODE.search(line.text) and not line.text.startswith("#|"):
                problems.append(Problem(line.where, "a shortcode in a code block needs Quarto", NEEDS_QUARTO))
            out.append(line)
    return out


def _included(
    line: Line, name: str, scope: Scope, problems: list[Problem], chain: tuple[Path, ...]
) -> list[Line]:
    here = chain[-1].parent
    base = scope.root if name.startswith("/") else here
    file = (base / name.lstrip("/")).resolve()
    problem = _include_problem(name, file, here, scope, chain)
    if problem:
        problems.append(Problem(line.where, *problem))
        return []
    label = file.relative_to(scope.root).as_posix()
    lines = source_lines(read_text(file, label), label)
    return expand_lines(lines, scope, problems, (*chain, file))


def _include_problem(
    name: str, file: Path, here: Path, scope: Scope, chain: tuple[Path, ...]
) -> tuple[str, str] | None:
    if not file.is_relative_to(scope.root):
        return f"include {name} leads outside the project folder", "move the file into the project"
    if not file.is_file():
        return f"include {name} does not exist", "add the file or mend its name"
    if file in chain:
        loop = " > ".join(path.name for path in (*chain[chain.index(file) :], file))
        return f"include {name} loops: {loop}", "remove one of the includes"
    if here != scope.folder and not name.startswith("/"):
        return (
            f"include {name} from another folder than the document's needs Quarto",
            "start the path with / (the project folder)",
        )
    return None


def expand_text(text: str, where: str, scope: Scope, problems: list[Problem]) -> str:
    """Replace the shortcodes of a text by their values; what cannot be replaced becomes a problem."""
    if "{{{<" in text:
        problems.append(Problem(where, "an escaped shortcode needs Quarto", NEEDS_QUARTO))
        return text

    def value(match: re.Match[str]) -> str:
        name, argument = match.groups()
        if name in {"meta", "var"}:
            return _value(name, argument, where, scope, problems)
        if name == "pagebreak" and not argument:
            return _PAGEBREAK
        if name == "include":
            problems.append(Problem(where, "an include must stand alone on its line", "give it its own line"))
        else:
            problems.append(
                Problem(where, f"shortcode {f'{name} {argument}'.strip()} needs Quarto", NEEDS_QUARTO)
            )
        return ""

    return SHORTCODE.sub(value, text)


def _value(name: str, key: str, where: str, scope: Scope, problems: list[Problem]) -> str:
    source, file = (
        (scope.metadata, "front matter or _quarto.yml")
        if name == "meta"
        else (scope.variables, "_variables.yml")
    )
    value: Any = source
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None or isinstance(value, Mapping | list):
        problems.append(
            Problem(where, f"{name} {key} names no single value", f"set {key} in {file}, or mend the name")
        )
        return ""
    return str(value)
