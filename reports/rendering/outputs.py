"""From executed cells to one Markdown text that every format is made of."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurotrial.errors import RenderError
from neurotrial.reports.rendering.document import INLINE, Cell, Document, Markdown
from neurotrial.reports.rendering.execute import CITED_MIME, INLINE_MIME, Task
from neurotrial.reports.rendering.lint_settings import EXECUTE_DEFAULTS
from neurotrial.reports.rendering.source import NEEDS_QUARTO, fence_roles

__all__ = ["cited_by_block", "escape_markdown", "shown_blocks", "tasks_of"]

SHOWN_TYPES = ("text/markdown", "text/html", "image/png", "text/plain")
"""The types of output that the builtin renderer shows, the preferred first."""

_SPECIAL = re.compile(r"([!-/:-@\[-`{-~])")
_WHITE = re.compile(r"[ \t\r\n]+")
_HANDLE = re.compile(r"\[?<(matplotlib|seaborn|Axes|Figure|AxesSubplot)|Text\(")
"""How the texts begin that plotting calls return by the way; Quarto drops them too."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """Where images go, how many dots make an inch there, and the document's execution options."""

    path: Path
    dpi: int
    execute: Mapping[str, Any]


def tasks_of(document: Document) -> list[Task]:
    """Return what has to be run: cells and inline expressions, in document order."""
    defaults = _execute(document)
    tasks: list[Task] = []
    for block in document.blocks:
        if isinstance(block, Markdown):
            tasks += [
                Task(expression, where, f"inline value {expression}", inline=True)
                for where, expression in _expressions(block)
            ]
        elif _option(block, "eval", defaults):
            tasks.append(Task(block.code, block.where(), f"cell {_label(block)}".rstrip()))
    return tasks


def _execute(document: Document) -> dict[str, Any]:
    return {**EXECUTE_DEFAULTS, **(document.metadata.get("execute") or {})}


def _option(cell: Cell, key: str, defaults: Mapping[str, Any]) -> Any:
    return cell.options.get(key, defaults[key])


def _label(cell: Cell) -> str:
    return str(cell.options.get("label", ""))


def _expressions(block: Markdown) -> Iterator[tuple[str, str]]:
    roles = fence_roles(line.text for line in block.lines)
    for line, role in zip(block.lines, roles, strict=True):
        if role == "text":
            for match in INLINE.finditer(line.text):
                yield line.where, match[1]


def cited_by_block(document: Document, outputs: Sequence[Sequence[dict[str, Any]]]) -> list[tuple[str, ...]]:
    """Return the citations ``key#column`` that each block of the document made, each once.

    Parameters
    ----------
    document : Document
        The document that `tasks_of` was asked about.
    outputs : sequence of sequence of dict
        The outputs of each task.
    """
    remaining = iter(outputs)
    defaults = _execute(document)
    found = []
    for block in document.blocks:
        if isinstance(block, Markdown):
            tasks = sum(1 for _ in _expressions(block))
        else:
            tasks = int(bool(_option(block, "eval", defaults)))
        made = (_citations(next(remaining)) for _ in range(tasks))
        found.append(tuple(dict.fromkeys(citation for citations in made for citation in citations)))
    return found


def _citations(outputs: Sequence[dict[str, Any]]) -> list[str]:
    return [key for output in outputs for key in output.get("data", {}).get(CITED_MIME, [])]


def escape_markdown(text: str) -> str:
    r"""Return a text as Markdown that prints it literally, on one line.

    Examples
    --------
    >>> escape_markdown("<b> | $5\n_x_")
    '\\<b\\> \\| \\$5 \\_x\\_'
    """
    return _SPECIAL.sub(r"\\\1", _WHITE.sub(" ", text))


def shown_blocks(
    document: Document,
    outputs: Sequence[Sequence[dict[str, Any]]],
    folder: Path,
    dpi: int,
    lost: list[str] | None = None,
) -> list[str]:
    """Return what each block of the document shows.

    Parameters
    ----------
    document : Document
        The document that `tasks_of` was asked about.
    outputs : sequence of sequence of dict
        The outputs of each task.
    folder : Path
        Images are written to ``cells/`` in it.
    dpi : int
        Resolution of the figures.
    lost : list of str, optional
        Grows by every output that cannot be shown and is left out; without it that is an error.

    Returns
    -------
    list of str
        Markdown of each block, with image paths relative to the folder.

    Raises
    ------
    RenderError
        If a cell's output cannot be shown, with every such cell.
    """
    (folder / "cells").mkdir()
    place = _Folder(folder, dpi, _execute(document))
    remaining = iter(outputs)
    parts: list[str] = []
    faults: list[str] = []
    for block in document.blocks:
        if isinstance(block, Markdown):
            parts.append(_with_values(block, remaining))
            continue
        ran = _option(block, "eval", place.execute)
        try:
            parts.append(_cell(block, next(remaining) if ran else [], place))
        except RenderError as error:
            faults.append(str(error))
    if faults and lost is None:
        raise RenderError("\n".join(faults))
    if lost is not None:
        lost += faults
    return parts


def _with_values(block: Markdown, outputs: Iterator[Sequence[dict[str, Any]]]) -> str:
    def value(_: re.Match[str]) -> str:
        bundle = next(
            output["data"][INLINE_MIME] for output in next(outputs) if INLINE_MIME in output.get("data", {})
        )
        return str(bundle["text"]) if bundle["markdown"] else escape_markdown(str(bundle["text"]))

    roles = fence_roles(line.text for line in block.lines)
    return "\n".join(
        INLINE.sub(value, line.text) if role == "text" else line.text
        for line, role in zip(block.lines, roles, strict=True)
    )


def _cell(cell: Cell, outputs: Sequence[dict[str, Any]], place: _Folder) -> str:
    """Return the Markdown of a cell: its code if echoed, its outputs, in a captioned div if it is a float."""
    if not _option(cell, "include", place.execute):
        return ""
    code = [_fenced(cell.code, "python")] if _option(cell, "echo", place.execute) else []
    shown = [text for text in _outputs(cell, outputs, place) if text.strip()]
    label = _label(cell)
    caption = cell.options.get("fig-cap") or cell.options.get("tbl-cap")
    if not caption or not _option(cell, "eval", place.execute):
        return "\n\n".join(code + shown)
    if not shown:
        msg = f"{cell.where()}: {label} has a caption but the cell shows nothing"
        raise RenderError(msg)
    body = "\n\n".join([*shown, str(caption)])
    return "\n\n".join([*code, f"::::::: {{#{label}}}\n\n{body}\n\n:::::::"])


def _outputs(cell: Cell, outputs: Sequence[dict[str, Any]], place: _Folder) -> Iterator[str]:
    wanted = _option(cell, "output", place.execute)
    if wanted is False:
        return
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    if _label(cell).startswith("fig-") and pictures > 1:
        msg = f"{cell.where()}: {pictures} figures under one label needs Quarto; {NEEDS_QUARTO}"
        raise RenderError(msg)
    for number, output in enumerate(outputs, 1):
        if CITED_MIME in output.get("data", {}):
            continue
        if output["output_type"] == "stream":
            if output["name"] == "stdout" or _option(cell, "warning", place.execute):
                yield output["text"] if wanted == "asis" else _fenced(output["text"].rstrip())
        elif not (pictures and _is_handle(output)):
            yield _display(cell, output["data"], number, place)


def _is_handle(output: Mapping[str, Any]) -> bool:
    data = output["data"]
    return set(data) == {"text/plain"} and _HANDLE.match(data["text/plain"]) is not None


def _display(cell: Cell, data: Mapping[str, Any], number: int, place: _Folder) -> str:
    mime = next((mime for mime in SHOWN_TYPES if mime in data), None)
    poorer = mime == "text/plain" and len(data) > 1
    if mime is None or poorer or any("widget" in name or "javascript" in name for name in data):
        kinds = ", ".join(data)
        message = f"{cell.where()}: output of type {kinds} needs Quarto; {NEEDS_QUARTO}"
        raise RenderError(message)
    if mime == "image/png":
        return _picture(cell, base64.b64decode(data[mime]), number, place)
    text = str(data[mime])
    if mime == "text/html":
        if re.search(r"<(script|iframe|object|embed)\b", text, re.IGNORECASE):
            msg = f"{cell.where()}: HTML with a program in it needs Quarto; {NEEDS_QUARTO}"
            raise RenderError(msg)
        return _fenced(text, "{=html}")
    return text if mime == "text/markdown" else _fenced(text)


def _fenced(text: str, info: str = "") -> str:
    """Fence a text so that no run of backticks within it ends the block."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"


def _picture(cell: Cell, png: bytes, number: int, place: _Folder) -> str:
    alt = str(cell.options.get("fig-alt") or "").strip()
    if not alt:
        msg = f"{cell.where()}: the cell shows an image but has no fig-alt; add `#| fig-alt:`"
        raise RenderError(msg)
    path = Path("cells") / f"{_label(cell) or f'line-{cell.start.number}'}-{number}.png"
    (place.path / path).write_bytes(png)
    width = cell.options.get("out-width") or f"{_pixel_width(png) / place.dpi:.3f}in"
    text = _WHITE.sub(" ", alt).replace("\\", "\\\\").replace('"', '\\"')
    return f'![]({path.as_posix()}){{fig-alt="{text}" width={width}}}'


def _pixel_width(png: bytes) -> int:
    """Read the width from the header of a PNG file."""
    (width,) = struct.unpack(">I", png[16:20])
    return int(width)
