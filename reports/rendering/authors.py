"""The title block: authors, affiliations and correspondence, as Markdown for every format."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from neurotrial.errors import Problem
from neurotrial.reports.rendering.source import NEEDS_QUARTO

if TYPE_CHECKING:
    from neurotrial.reports.rendering.settings import Settings

__all__ = ["Author", "author_problems", "format_date", "read_authors", "title_block"]

AUTHOR_KEYS = ("name", "orcid", "email", "corresponding", "affiliations", "affiliation")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
PLACE_KEYS = ("department", "name", "address", "city", "region", "state", "postal-code", "country")


@dataclass(frozen=True, slots=True)
class Author:
    """One author.

    Attributes
    ----------
    name : str
        As printed.
    orcid, email : str
        Empty where not given.
    corresponding : bool
        Whether letters go to this author.
    affiliations : tuple of str
        Each as one printed line.
    """

    name: str
    orcid: str
    email: str
    corresponding: bool
    affiliations: tuple[str, ...]


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def read_authors(metadata: Mapping[str, Any]) -> list[Author]:
    """Return the authors of the front matter, with references to affiliations resolved."""
    named = {
        str(place["id"]): place
        for place in _listed(metadata.get("affiliations"))
        if isinstance(place, dict) and "id" in place
    }
    authors = []
    for entry in _listed(metadata.get("author")):
        author = {"name": entry} if isinstance(entry, str) else entry
        places = _listed(author.get("affiliations", author.get("affiliation")))
        authors.append(
            Author(
                _name(author.get("name", "")),
                str(author.get("orcid", "")),
                str(author.get("email", "")),
                bool(author.get("corresponding")),
                tuple(_place(place, named) for place in places),
            )
        )
    return authors


def _name(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(str(value[key]) for key in ("given", "family") if value.get(key))
    return str(value)


def _place(place: Any, named: Mapping[str, Any]) -> str:
    if isinstance(place, dict) and "ref" in place:
        place = named.get(str(place["ref"]), {})
    if isinstance(place, dict):
        return ", ".join(str(place[key]) for key in PLACE_KEYS if place.get(key))
    return str(place)


def author_problems(metadata: Mapping[str, Any], settings: Settings) -> Iterator[Problem]:
    """Yield what the title block does not show, and references to affiliations that are not there."""
    places = [place for place in _listed(metadata.get("affiliations")) if isinstance(place, dict)]
    known = {str(place.get("id")) for place in places}
    for entry in _listed(metadata.get("author")):
        author = entry if isinstance(entry, dict) else {}
        own = _listed(author.get("affiliations", author.get("affiliation")))
        own = [place for place in own if isinstance(place, dict)]
        places += own
        unknown = set(author) - set(AUTHOR_KEYS)
        yield from _unknown("author", unknown, settings.where("author"))
        for place in own:
            if "ref" in place and str(place["ref"]) not in known:
                yield Problem(
                    settings.where("author"),
                    f"affiliation {place['ref']} is not among the affiliations",
                    "add it with this id, or mend the reference",
                )
    for place in places:
        yield from _unknown("affiliation", set(place) - {*PLACE_KEYS, "id", "ref"}, settings.where("author"))


def _unknown(what: str, keys: set[Any], where: str) -> Iterator[Problem]:
    for key in sorted(map(str, keys)):
        yield Problem(where, f"{what} key {key} needs Quarto", NEEDS_QUARTO)


def title_block(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template variables of the title block, each a Markdown text.

    Parameters
    ----------
    metadata : mapping
        The merged settings of a document.

    Returns
    -------
    dict
        ``author`` (plain names), ``authors`` (one line with superscripts and ORCID links), ``affiliation`` and
        ``correspondence`` (lists of lines), ``date``, ``keyword-line``; only those that are not empty.
    """
    authors = read_authors(metadata)
    places = list(dict.fromkeys(place for author in authors for place in author.affiliations))
    keywords = ", ".join(str(keyword) for keyword in _listed(metadata.get("keywords")))
    block = {
        "author": [author.name for author in authors],
        "authors": ", ".join(_byline(author, places) for author in authors),
        "affiliation": [f"^{number}^ {place}" for number, place in enumerate(places, 1)],
        "correspondence": [_correspondence(author) for author in authors if author.corresponding],
        "date": format_date(metadata.get("date", ""), str(metadata.get("lang", "en"))),
        "keyword-line": f"**Keywords:** {keywords}" if keywords else "",
    }
    return {key: value for key, value in block.items() if value}


def _byline(author: Author, places: Sequence[str]) -> str:
    marks = [str(places.index(place) + 1) for place in author.affiliations]
    marks += ["\\*"] if author.corresponding else []
    superscript = f"^{','.join(marks)}^" if marks else ""
    number = author.orcid.removeprefix("https://orcid.org/")
    orcid = f" ([ORCID {number}](https://orcid.org/{number}))" if number else ""
    return f"{author.name}{superscript}{orcid}"


def _correspondence(author: Author) -> str:
    address = f", <{author.email}>" if author.email else ""
    return f"^\\*^ Corresponding author: {author.name}{address}"


def format_date(value: Any, lang: str) -> str:
    """Write a date as Quarto's long style does in the language; other texts stay as they are.

    Examples
    --------
    >>> format_date("2026-01-15", "en-GB"), format_date("2026-01-15", "en"), format_date("Draft", "en")
    ('15 January 2026', 'January 15, 2026', 'Draft')
    """
    if value == "today":
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        day = datetime.fromtimestamp(int(epoch), UTC).date() if epoch else datetime.now(UTC).date()
    else:
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            return str(value)
    month = MONTHS[day.month - 1]
    american = lang in {"en", "en-US"}
    return f"{month} {day.day}, {day.year}" if american else f"{day.day} {month} {day.year}"
