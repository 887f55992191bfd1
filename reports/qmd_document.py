"""A .qmd document as read: merged settings, expanded lines, and its Markdown and code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.reports.qmd_settings import (
    Settings,
    merge_all,
    read_settings,
    resolve_paths,
    with_metadata_files,
)
from neurotrial.reports.qmd_source import (
    Line,
    Scope,
    expand_lines,
    expand_text,
    fence_roles,
    read_text,
    source_lines,
)

__all__ = ["INLINE", "Cell", "Document", "Markdown", "read_document"]

PROJECT_FILES = ("_quarto.yml", "_quarto.yaml")
INLINE = re.compile(r"(?<!`)`\{python\}[ \t]+([^`\n]+?)[ \t]*`(?!`)")
"""An inline expression, ``{python} expr`` between single backticks."""

_PYTHON_CELL = re.compile(r"^(`{3,}|~{3,})\s*\{python\}\s*$")
_OPTION = re.compile(r"^#\|\s?(.*)$")


@dataclass(frozen=True, slots=True)
class Markdown:
    """Lines of Markdown, with other languages' code blocks among them."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A Python cell.

    Attributes
    ----------
    start : Line
        The line of the opening fence.
    options : dict
        The ``#|`` options.
    option_lines : dict of str to int
        The line of each option.
    code : str
        The code without the options.
    """

    start: Line
    options: dict[str, Any]
    option_lines: dict[str, int]
    code: str

    def where(self, option: str = "") -> str:
        """Return ``file:line`` of an option, or of the cell."""
        return f"{self.start.label}:{self.option_lines.get(option, self.start.number)}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document and the settings that hold for it.

    Attributes
    ----------
    path : Path
        The .qmd file.
    root : Path
        The project folder: the nearest one upwards with a ``_quarto.yml``, else the document's own.
    settings : tuple of Settings
        The files that were merged, the strongest last.
    metadata : dict
        The merged settings without the format blocks.
    formats : dict of str to dict
        The format blocks.
    blocks : tuple of Markdown or Cell
        The body in document order.
    """

    path: Path
    root: Path
    settings: tuple[Settings, ...]
    metadata: dict[str, Any]
    formats: dict[str, dict[str, Any]]
    blocks: tuple[Markdown | Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The Python cells."""
        return tuple(block for block in self.blocks if isinstance(block, Cell))

    @property
    def markdown(self) -> tuple[Line, ...]:
        """The lines of all Markdown blocks; an empty line stands for each cell."""
        out: list[Line] = []
        for block in self.blocks:
            out += block.lines if isinstance(block, Markdown) else [replace(block.start, text="")]
        return tuple(out)


def read_document(path: Path) -> tuple[Document, list[Problem]]:
    """Read a document with its project settings, includes and variables.

    Parameters
    ----------
    path : Path
        A .qmd file.

    Returns
    -------
    document : Document
        As far as it could be read.
    problems : list of Problem
        Shortcodes, includes and settings that could not be read.

    Raises
    ------
    InputError
        If there is no such file, or a YAML block cannot be parsed.
    """
    path = path.resolve()
    if not path.is_file():
        raise refuse(str(path), "there is no such document", "mend the name")
    problems: list[Problem] = []
    project = _project_file(path)
    root = project.parent if project else path.parent
    label = path.relative_to(root).as_posix()
    front, body = _split_front_matter(source_lines(read_text(path, label), label))
    settings: tuple[Settings, ...] = ()
    if project:
        settings += _settings(read_text(project, project.name), project, root, 1, problems)
    settings += _settings("\n".join(line.text for line in front), path, root, 2, problems)
    scope = Scope(root, path.parent, merge_all(settings), _variables(root))
    blocks = tuple(_blocks(expand_lines(body, scope, problems, (path,)), scope, problems))
    metadata = merge_all(tuple(_expand(one, scope, problems) for one in settings))
    formats = _format_blocks(metadata.pop("format", None) or {})
    return Document(path, root, settings, metadata, formats, blocks), problems


def _project_file(path: Path) -> Path | None:
    candidates = (folder / name for folder in path.parents for name in PROJECT_FILES)
    return next((file for file in candidates if file.is_file()), None)


def _settings(
    text: str, file: Path, root: Path, first_line: int, problems: list[Problem]
) -> tuple[Settings, ...]:
    settings = read_settings(text, file, file.relative_to(root).as_posix(), first_line)
    return with_metadata_files(resolve_paths(settings, root), root, problems)


def _variables(root: Path) -> dict[str, Any]:
    file = root / "_variables.yml"
    return read_settings(read_text(file, file.name), file, file.name).values if file.is_file() else {}


def _split_front_matter(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    if not lines or lines[0].text.rstrip() != "---":
        return [], list(lines)
    ends = [i for i, line in enumerate(lines) if i and line.text.rstrip() in {"---", "..."}]
    if not ends:
        raise refuse(lines[0].where, "the front matter has no end", "close it with a line ---")
    return list(lines[1 : ends[0]]), list(lines[ends[0] + 1 :])


def _format_blocks(value: Any) -> dict[str, dict[str, Any]]:
    if isinstance(value, str):
        return {value: {}}
    return {str(name): block if isinstance(block, dict) else {} for name, block in value.items()}


def _expand(settings: Settings, scope: Scope, problems: list[Problem]) -> Settings:
    """Expand the shortcodes in the values of some settings."""

    def expand(value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {key: expand(item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, list):
            return [expand(item, path) for item in value]
        return expand_text(value, settings.where(*path), scope, problems) if isinstance(value, str) else value

    return replace(settings, values=expand(settings.values, ()))


def _blocks(lines: Sequence[Line], scope: Scope, problems: list[Problem]) -> Iterator[Markdown | Cell]:
    text: list[Line] = []
    cell: list[Line] | None = None
    for line, role in zip(lines, fence_roles(line.text for line in lines), strict=True):
        if role == "open" and _PYTHON_CELL.match(line.text):
            if text:
                yield Markdown(tuple(text))
            text, cell = [], [line]
        elif cell is not None and role == "close":
            yield _cell(cell, scope, problems)
            cell = None
        elif cell is not None:
            cell.append(line)
        else:
            text.append(line)
    if cell is not None:
        problems.append(Problem(cell[0].where, "the cell has no end", "close it with a line of backticks"))
    if text:
        yield Markdown(tuple(text))


def _cell(lines: Sequence[Line], scope: Scope, problems: list[Problem]) -> Cell:
    start, *rest = lines
    count = next((i for i, line in enumerate(rest) if not _OPTION.match(line.text)), len(rest))
    text = "\n".join(_OPTION.sub(r"\1", line.text) for line in rest[:count])
    code = "\n".join(line.text for line in rest[count:])
    try:
        settings = read_settings(text, Path(start.label), start.label, start.number + 1)
    except InputError as error:
        problems += error.problems
        return Cell(start, {}, {}, code)
    option_lines = {path[0]: number for path, number in settings.lines.items() if len(path) == 1}
    return Cell(start, _expand(settings, scope, problems).values, option_lines, code)
