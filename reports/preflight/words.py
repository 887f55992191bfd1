"""Counting words as word processors do, save that a lone sign is none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neurotrial.reports.preflight.manuscript import Manuscript, Section, sentences
from neurotrial.reports.preflight.tree import text_of

if TYPE_CHECKING:
    from neurotrial.reports.preflight.profile import Limits

__all__ = ["count_words", "counted_sections", "main_text_words"]

_WORD = re.compile(r"\S*[^\W_]\S*")


def count_words(text: str) -> int:
    """Count runs of characters between white space that have a letter or a digit.

    Examples
    --------
    >>> count_words("A difference of 8.1 points (95 % CI 2.3 to 13.9; p = 0.007)")
    12
    """
    return len(_WORD.findall(text))


def counted_sections(manuscript: Manuscript, limits: Limits) -> list[Section]:
    """Return the sections of the main text that a journal counts."""
    left_out = {heading.casefold() for heading in limits.main_text_leaves_out}
    return [section for section in manuscript.main if section.heading.casefold() not in left_out]


def main_text_words(manuscript: Manuscript, limits: Limits) -> int:
    """Count the words of the main text, headings among them, and what else the journal counts.

    Citations are no words. Figures, tables and their captions, abstract, references and end matter count only where
    ``main_text_counts`` says so.
    """
    parts = [
        f"{section.heading}\n{sentences(section.blocks, 'Cite')}"
        for section in counted_sections(manuscript, limits)
    ]
    more = {
        "title_page": lambda: manuscript.title_page,
        "abstract": lambda: sentences(manuscript.abstract, "Cite"),
        "captions": lambda: "\n".join(_caption(node) for node in manuscript.floats),
        "tables": lambda: "\n".join(text_of(node) for node in manuscript.floats if node["t"] == "Table"),
        "references": lambda: "\n".join(manuscript.references),
    }
    return count_words("\n".join([*parts, *(more[name]() for name in limits.main_text_counts)]))


def _caption(node: dict[str, object]) -> str:
    content = node["c"]
    return text_of(content[1][1], {"Cite"}) if isinstance(content, list) else ""
