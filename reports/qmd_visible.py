"""The text of a document that readers see: code, comments and mathematics blanked, positions kept."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from neurotrial.reports.qmd_source import Line, fence_roles

__all__ = ["Visible", "visible_text"]

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CODE = re.compile(r"(?<![`\\])(`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)\1(?!`)", re.DOTALL)
_MATH = re.compile(r"\$\$.+?\$\$|(?<![\\$\w])\$(?![\s$])(?:[^$\n]*?[^$\s\\])?\$(?![\d$])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Visible:
    """Two texts of the same length and the lines that they come from.

    Attributes
    ----------
    text : str
        Code blocks, code spans, comments and mathematics are spaces.
    raw : str
        Only code blocks and comments are blank.
    lines : tuple of Line
        The source.
    starts : tuple of int
        The position at which each line begins.
    """

    text: str
    raw: str
    lines: tuple[Line, ...]
    starts: tuple[int, ...]

    def where(self, position: int) -> str:
        """``file:line`` of a position in the text."""
        return self.lines[bisect.bisect_right(self.starts, position) - 1].where

    def find(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
        """Yield ``file:line`` and match of a pattern in the blanked text."""
        for match in pattern.finditer(self.text):
            yield self.where(match.start()), match

    def __iter__(self) -> Iterator[tuple[Line, str]]:
        return zip(self.lines, self.text.split("\n"), strict=True)


def visible_text(lines: Sequence[Line]) -> Visible:
    """Blank what is not prose.

    Examples
    --------
    >>> visible_text([Line("a `code` <!-- no --> $x$ b", "a.qmd", 1)]).text
    'a                        b'
    """
    roles = fence_roles(line.text for line in lines)
    texts = [line.text if role == "text" else "" for line, role in zip(lines, roles, strict=True)]
    starts = tuple(accumulate((len(text) + 1 for text in texts[:-1]), initial=0))
    raw = _blank(_COMMENT, "\n".join(texts))
    return Visible(_blank(_MATH, _blank(_CODE, raw)), raw, tuple(lines), starts)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
