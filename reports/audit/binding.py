"""Which value of the results store, or of the study file, a printed number shows."""

from __future__ import annotations

import itertools
import math
import numbers
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from neurotrial.reports.cited import DERIVED, PRINTED
from neurotrial.reports.number_format import unsigned

if TYPE_CHECKING:
    from neurotrial.reports.audit.printed_numbers import PrintedNumber
    from neurotrial.results import Results

__all__ = ["Binder", "BlockValues", "Cited", "cited_values"]

DERIVED_ORIGIN = "derived: "
_BOUNDS = frozenset({0.0001, 0.001, 0.01, 0.05, 0.1, 0.9, 0.95, 0.99, 0.999})
"""What probabilities are said to be less or more than; beyond another number many a wrong one would be too."""
_BOUND = re.compile(r"([<>≤≥])\s?$")
_DIGITS = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")


@dataclass(frozen=True, slots=True)
class Cited:
    """A value that a block read: its citation ``key#column`` and the value."""

    citation: str
    value: Any


def cited_values(results: Results, citations: Iterable[str]) -> list[Cited]:
    """Return the values of citations, of every table that holds the key, and those that were derived."""
    listed = [citation for citation in citations if not citation.startswith(PRINTED)]
    parted = [citation.partition(DERIVED)[::2] for citation in listed if DERIVED in citation]
    wanted = [citation.partition("#")[::2] for citation in listed if DERIVED not in citation]
    rows = _rows_by_key(results, {key for key, _ in wanted})
    read = (
        Cited(f"{key}#{column}", row[column])
        for key, column in wanted
        for row in rows.get(key, [])
        if column in row
    )
    return [*read, *(Cited(f"{DERIVED_ORIGIN}{what}", _restored(value)) for what, value in parted)]


def _restored(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _rows_by_key(results: Results, keys: set[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for frame in results.tables.values():
        if "key" in frame:
            for row in frame[frame["key"].isin(keys)].to_dict("records"):
                found.setdefault(row["key"], []).append({str(name): value for name, value in row.items()})
    return found


class Binder:
    """Finds the origin of printed numbers.

    Parameters
    ----------
    study, provenance : mapping
        The study file and the record of the fit, as JSON values: what they say may be printed anywhere.
    allowed : iterable of str
        Regular expressions with ``{n}`` in the place of the number.
    """

    def __init__(
        self, study: Mapping[str, Any], provenance: Mapping[str, Any], allowed: Iterable[str]
    ) -> None:
        self._declared = set(_declared(study)) | set(_declared(provenance))
        self._allowed = tuple(allowed)

    def origin(self, printed: PrintedNumber, cited: BlockValues) -> str:
        """Say where a number comes from.

        Parameters
        ----------
        printed : PrintedNumber
            The number.
        cited : BlockValues
            What its block read of the results.

        Returns
        -------
        str
            A citation, ``a#b / c#d`` of a percentage of two counts, ``study file``, ``allowed``, or an empty text.
        """
        found = cited.shown_by(printed)
        if found:
            return found
        if float(printed.text) in self._declared:
            return "study file"
        return "allowed" if any(_stands_in(pattern, printed) for pattern in self._allowed) else ""


class BlockValues:
    """What a block read of the results, by the texts that would show it.

    Parameters
    ----------
    cited : iterable of Cited
        What it read, and what it derived.
    printed : iterable of str
        The numbers with decimals that its code made of values; others with decimals come from no value.
    """

    def __init__(self, cited: Iterable[Cited], printed: Iterable[str]) -> None:
        self._printed = frozenset(printed)
        self._numbers = [(item.citation, float(item.value)) for item in cited if _is_number(item.value)]
        self._words = [(item.citation, item.value) for item in cited if isinstance(item.value, str)]
        self._by_form: dict[tuple[int, float], dict[str, str]] = {}

    def shown_by(self, printed: PrintedNumber) -> str:
        """Return the citation whose value a printed number is, an empty text if there is none."""
        if printed.decimals and printed.text not in self._printed:
            return self._bound(printed) or self._in_words.get(printed.text, "") or self._as_derived(printed)
        return (
            self._as_printed(printed, 1.0)
            or self._bound(printed)
            or self._in_words.get(printed.text)
            or (self._in_percent(printed) if _is_percent(printed) else "")
        )

    def _as_printed(self, printed: PrintedNumber, scale: float) -> str:
        form = (printed.decimals, scale)
        if form not in self._by_form:
            self._by_form[form] = dict(self._texts(*form))
        return self._by_form[form].get(printed.text, "")

    def _as_derived(self, printed: PrintedNumber) -> str:
        """Return the derived value that a number shows: a document may format it by its own means."""
        found = self._as_printed(printed, 1.0)
        return found if found.startswith(DERIVED_ORIGIN) else ""

    def _in_percent(self, printed: PrintedNumber) -> str:
        return self._as_printed(printed, 100.0) or self._ratios(printed.decimals).get(printed.text, "")

    def _texts(self, decimals: int, scale: float) -> Iterator[tuple[str, str]]:
        """Yield how each value, times a scale, is printed with some decimals; the first citation wins."""
        for citation, value in reversed(self._numbers):
            yield unsigned(scale * value, decimals), citation

    def _bound(self, printed: PrintedNumber) -> str:
        """Return a probability that is printed as less or more than a bound."""
        sign = _BOUND.search(printed.before)
        limit = float(printed.text)
        if sign is None or limit not in _BOUNDS:
            return ""
        below = sign[1] in "<≤"
        return next(
            (name for name, value in self._numbers if 0 <= value <= 1 and (value <= limit) == below), ""
        )

    @cached_property
    def _in_words(self) -> dict[str, str]:
        return {digits: name for name, words in self._words for digits in _DIGITS.findall(words)}

    def _ratios(self, decimals: int) -> dict[str, str]:
        counts = [(name, value) for name, value in self._numbers if value.is_integer() and value >= 0]
        return {
            unsigned(100 * part / whole, decimals): f"{first} / {second}"
            for (first, part), (second, whole) in itertools.product(counts, counts)
            if 0 < part <= whole
        }


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, numbers.Real) and math.isfinite(value)


def _is_percent(printed: PrintedNumber) -> bool:
    return re.match(r"\s?%", printed.after) is not None or printed.before.endswith("(")


_MARK = "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}"


def _stands_in(pattern: str, printed: PrintedNumber) -> bool:
    """Tell whether a number stands in the words that a pattern asks for."""
    around = " ".join(f"{printed.before}{_MARK}{printed.after}".split())
    return re.search(pattern.replace("{n}", _MARK), around) is not None


def _declared(value: Any) -> Iterator[float]:
    """Yield the numbers in (part of) a study file, levels and shares also in percent and as what is left of 1."""
    if isinstance(value, Mapping):
        yield from itertools.chain.from_iterable(map(_declared, value.values()))
    elif isinstance(value, list | tuple):
        yield float(len(value))
        yield from itertools.chain.from_iterable(map(_declared, value))
    elif isinstance(value, str):
        yield from map(float, _DIGITS.findall(value))
    elif _is_number(value):
        size = abs(float(value))
        yield size
        if 0 < size < 1:
            yield from (round(part, 10) for part in (100 * size, 1 - size, 100 * (1 - size)))
