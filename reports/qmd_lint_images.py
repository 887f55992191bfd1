"""Images of a document: files that are there, with a text for who cannot see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from neurotrial.errors import Problem
from neurotrial.reports.qmd_source import NEEDS_QUARTO

if TYPE_CHECKING:
    from neurotrial.reports.qmd_document import Document
    from neurotrial.reports.qmd_visible import Visible

__all__ = ["image_problems"]

_IMAGE = re.compile(
    r"!\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*(?P<target><[^>\n]*>|[^\s()]*)(?:\s+\"[^\"\n]*\")?\s*\)"
    r"(?P<attributes>\{(?:[^{}\"]|\"[^\"]*\")*\})?"
)
_REFERENCE = re.compile(r"!\[(?:[^\[\]]|\[[^\[\]]*\])*\](?!\()")
_ALT = re.compile(r"\bfig-alt=(?:\"\s*[^\s\"][^\"]*\"|[^\s\"}]+)")


def image_problems(document: Document, visible: Visible) -> list[Problem]:
    """Return the images without alt text, and those whose file is missing or out of reach."""
    return [*_images(document, visible), *_references(visible)]


def _images(document: Document, visible: Visible) -> Iterator[Problem]:
    for where, match in visible.find(_IMAGE):
        # inline values are blank in `text`, and may well be the alt text: look at the same place of the raw text
        raw = visible.raw[match.start() : match.end()]
        target = unquote(match["target"].strip("<>"))
        if not _ALT.search(raw):
            yield Problem(
                where,
                f"image {target} has no fig-alt",
                'add {fig-alt="..."}: what a reader who cannot see it misses',
            )
        yield from _target_problems(document, where, target)


def _target_problems(document: Document, where: str, target: str) -> Iterator[Problem]:
    if not target.strip() or target.startswith("/") or re.match(r"[a-z][a-z0-9+.-]*:", target):
        yield Problem(
            where,
            f"image {target or '(no path)'} needs Quarto: its path is not relative to the document",
            "put the file into the project and name it relative to the document",
        )
        return
    file = (document.path.parent / target).resolve()
    if not file.is_relative_to(document.root):
        yield Problem(where, f"image {target} leads outside the project folder", "move it into the project")
    elif not file.is_file():
        yield Problem(where, f"image {target} does not exist", "add the file or mend its name")


def _references(visible: Visible) -> Iterator[Problem]:
    for where, match in visible.find(_REFERENCE):
        yield Problem(where, f"image {match[0]} without a path needs Quarto", NEEDS_QUARTO)
