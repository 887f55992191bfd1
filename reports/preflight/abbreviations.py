"""Abbreviations: where each is first used, and whether it is spelled out there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Abbreviation", "abbreviations", "is_spelled_out"]

Fault = Literal["never spelled out", "used before it is spelled out", "spelled out twice"]

_TOKEN = re.compile(r"(?<![\w.@/])[A-Z][A-Z0-9]*[A-Z][A-Z0-9]*(?=s?(?![\w@/]))")
_ROMAN = re.compile(r"[IVX]+")
_LONG_NUMBER = re.compile(r"\d{4}")
_WORDS_BEFORE = re.compile(r"[^.;:()\[\]]*$")
_CLOSED = re.compile(r"s?\s*[)\],;]")
_INSIDE = re.compile(r"s? [(\[]([^()\[\]]+)[)\]]")
_NEITHER = re.compile(r"[^a-z]")


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """An abbreviation of a text, with the fault if there is one."""

    name: str
    uses: int
    fault: Fault | None


def abbreviations(text: str, known: Iterable[str] = ()) -> list[Abbreviation]:
    """Return the abbreviations of a text, in the order of their first use.

    Parameters
    ----------
    text : str
        Words without citations, captions and tables.
    known : iterable of str
        Names in capitals that are no abbreviations, or that need no words.

    Returns
    -------
    list of Abbreviation
        Runs of capitals, two at least, perhaps with digits; not Roman numbers, and not identifiers with long numbers.

    Notes
    -----
    Spelled out is "full term (ABC)", or "ABC (full term)": the letters occur in order in the words, the first of them at
    the beginning of a word (the rule of Schwartz and Hearst, 2003).
    """
    skipped = set(known)
    found: dict[str, list[re.Match[str]]] = {}
    for match in _TOKEN.finditer(text):
        name = match[0]
        if name not in skipped and not _ROMAN.fullmatch(name) and not _LONG_NUMBER.search(name):
            found.setdefault(name, []).append(match)
    return [Abbreviation(name, len(uses), _fault(text, uses)) for name, uses in found.items()]


def _fault(text: str, uses: list[re.Match[str]]) -> Fault | None:
    defined = [place for place, use in enumerate(uses) if _is_spelled_out(text, use)]
    if not defined:
        return "never spelled out"
    if defined[0] > 0:
        return "used before it is spelled out"
    return "spelled out twice" if len(defined) > 1 else None


def _is_spelled_out(text: str, use: re.Match[str]) -> bool:
    return is_spelled_out(use[0], text[: use.start()], text[use.end() :])


def is_spelled_out(name: str, before: str, after: str) -> bool:
    """Tell whether the words around a use of an abbreviation spell it out: "full term (ABC)" or "ABC (full term)"."""
    return any(_stands_for(name, words) for words in _candidates(name, before, after))


def _candidates(name: str, before: str, after: str) -> Iterator[str]:
    """Yield the words before "(ABC", and those inside the brackets of "ABC (words)"."""
    if before.endswith(("(", "[")) and _CLOSED.match(after):
        words = _WORDS_BEFORE.search(before[:-1].rstrip())
        if words:
            length = min(len(name) + 5, 2 * len(name))
            yield " ".join(words[0].split()[-length:])
    inside = _INSIDE.match(after)
    if inside:
        yield inside[1]


def _stands_for(name: str, words: str) -> bool:
    """Tell whether the letters of a name occur in order in some words, from their end, the first at a word's begin."""
    letters = _NEITHER.sub("", name.lower())
    lower = words.lower()
    place = len(lower)
    for index in range(len(letters) - 1, -1, -1):
        place -= 1
        while place >= 0 and not (lower[place] == letters[index] and (index or _begins(lower, place))):
            place -= 1
        if place < 0:
            return False
    return True


def _begins(text: str, place: int) -> bool:
    return place == 0 or not text[place - 1].isalnum()
