"""The numbers that a reader sees in a block of a document, each with the words around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["PrintedNumber", "printed_numbers", "printed_text"]

_AROUND = 40
"""Characters of context on either side."""

_UNSEEN = [
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"(?s)<(style|script)\b.*?</\1>"),
    re.compile(r"^(?:`{3,}|:{3,}|~{3,}).*$", re.MULTILINE),
    re.compile(r"https?://\S+|\bdoi:\S+", re.IGNORECASE),
    re.compile(r"(?<=\])\([^()\s]*\)"),
    re.compile(r"(?<=[\])])\{[^{}]*\}|\{[#.][^{}]*\}"),
    re.compile(r"-?@[\w:.#$%&+?<>~/-]*\w"),
]
"""Comments, fences, addresses, attributes, citations and cross-references."""

_CODE = re.compile(r"^(`{3,})(?!\{=html\}).*?^\1`*$", re.MULTILINE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_LIST_ITEM = re.compile(r"^\s*\(?\d+[.)]\s", re.MULTILINE)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_NUMBER = re.compile(r"(?<![\w.,/−-])(?:(?<![\w)\]])[−-])?\d+(?:[,\u202f]\d{3})*(?:\.\d+)?(?![\w/]|\.\d|-\w)")
_SEPARATOR = re.compile(r"(?<=\d)[,\u202f](?=\d{3})")


@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """A number as printed, without sign and thousands separators.

    Attributes
    ----------
    text : str
        Digits with the decimals that are shown, e.g. ``"0.50"``.
    context : str
        The words around it, the number between guillemets.
    before, after : str
        What stands before and after it.
    """

    text: str
    context: str
    before: str
    after: str

    @property
    def decimals(self) -> int:
        """How many decimals are shown."""
        return len(self.text.partition(".")[2])


def printed_text(markdown: str) -> str:
    """Return what a reader sees of a block of Markdown: no code, markup, addresses or references."""
    from html import unescape

    text = _CODE.sub(" ", markdown)
    for pattern in _UNSEEN:
        text = pattern.sub(" ", text)
    return _ESCAPE.sub(r"\1", unescape(_TAG.sub(" ", _LIST_ITEM.sub(" ", text))))


def printed_numbers(markdown: str) -> Iterator[PrintedNumber]:
    """Yield the numbers of a block of Markdown; digits within words (day90, T1) are none.

    Examples
    --------
    >>> [number.text for number in printed_numbers("At day90, −1,234.50 ml (n = 3; @fig-2).")]
    ['1234.50', '3']
    """
    text = printed_text(markdown)
    for found in _NUMBER.finditer(text):
        before, after = text[: found.start()], text[found.end() :]
        left, right = (" ".join(part.split()) for part in (before[-_AROUND:], after[:_AROUND]))
        context = f"{left} «{found[0]}» {right}".strip()
        yield PrintedNumber(
            _SEPARATOR.sub("", found[0]).lstrip("−-"), context, before[-_AROUND:], after[:_AROUND]
        )
