"""Abbreviations of the generated prose, spelled out where each first stands."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.preflight.abbreviations import is_spelled_out

__all__ = ["NAMES", "WORDS", "FirstUse", "spelling_out"]

WORDS = {
    "AD": "axial diffusivity",
    "ANCOVA": "analysis of covariance",
    "BIDS": "Brain Imaging Data Structure",
    "BOLD": "blood oxygenation level dependent",
    "CI": "confidence interval",
    "CST": "corticospinal tract",
    "DWI": "diffusion-weighted imaging",
    "ESS": "effective sample size",
    "FA": "fractional anisotropy",
    "FD": "framewise displacement",
    "HC2": "heteroscedasticity-consistent",
    "HC3": "heteroscedasticity-consistent",
    "IQR": "interquartile range",
    "LKJ": "Lewandowski, Kurowicka and Joe",
    "LOO": "leave-one-out",
    "MAR": "missing at random",
    "MCID": "minimal clinically important difference",
    "MCSE": "Monte Carlo standard error",
    "MD": "mean diffusivity",
    "MRI": "magnetic resonance imaging",
    "NIHSS": "National Institutes of Health Stroke Scale",
    "PLIC": "posterior limb of the internal capsule",
    "RD": "radial diffusivity",
    "ROPE": "region of practical equivalence",
    "SD": "standard deviation",
    "SE": "standard error",
    "SNR": "signal-to-noise ratio",
}
"""What the prose and the labels of a study abbreviate, in the words of the field."""

NAMES = ("MM",)
"""Names in capitals of methods, which stand for nothing."""

_TOKEN = re.compile(rf"(?<![\w@#/\-])({'|'.join(WORDS)})(s?)(?![\w/])")
_FENCE = re.compile(r"\s*(`{3,}|~{3,}|:{3,}(?= \{#(?:fig|tbl)-))")
_BEGINS = re.compile(r"(^|[.!?])[\s*_>-]*$")
_Class = TypeVar("_Class")


class FirstUse:
    r"""Spells out each abbreviation once.

    Examples
    --------
    >>> words = FirstUse()
    >>> print(words.spell_out("ANCOVA is a model."), words.spell_out("By ANCOVA it was 3."))
    Analysis of covariance \(ANCOVA\) is a model. By ANCOVA it was 3.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def spell_out(self, markdown: str) -> str:
        """Return Markdown with the words before each abbreviation that was not met yet.

        Headings, code, figures and tables stay as they are; an abbreviation that the text spells out itself counts as met.
        """
        return "\n".join(self._lines(markdown))

    def _lines(self, markdown: str) -> Iterator[str]:
        closing = ""
        for line in markdown.split("\n"):
            fence = _FENCE.match(line)
            if closing:
                closing = "" if line.strip() == closing else closing
                yield line
            elif fence:
                closing = fence[1]
                yield line
            else:
                yield line if line.startswith("#") else _TOKEN.sub(self._spelled, line)

    def _spelled(self, match: re.Match[str]) -> str:
        name, plural = match[1], match[2]
        before = match.string[: match.start()].replace("\\", "")
        after = match.string[match.end() :].replace("\\", "")
        if name in self._known:
            return match[0]
        self._known.add(name)
        if is_spelled_out(name, before, after):
            return match[0]
        words = WORDS[name]
        if _BEGINS.search(before):
            words = words[:1].upper() + words[1:]
        # brackets inside brackets are square
        shown = f"[{match[0]}]" if before.count("(") > before.count(")") else f"({match[0]})"
        return f"{words}{plural} {escape(shown)}"


def spelling_out(kind: type[_Class]) -> type[_Class]:
    """Make every public method of a class that returns Markdown spell out abbreviations at first use.

    The class has two `FirstUse`, ``in_abstract`` for methods whose names begin with ``abstract`` and ``in_text``.
    """
    for name, method in list(vars(kind).items()):
        returns = getattr(method, "__annotations__", {}).get("return", "")
        if not name.startswith("_") and callable(method) and str(returns).startswith("Markdown"):
            setattr(
                kind, name, _spelled_out(method, "in_abstract" if name.startswith("abstract") else "in_text")
            )
    return kind


def _spelled_out(method: Callable[..., Markdown | None], scope: str) -> Callable[..., Markdown | None]:
    @functools.wraps(method)
    def spelled(self: Any, *arguments: Any, **named: Any) -> Markdown | None:
        made = method(self, *arguments, **named)
        return None if made is None else Markdown(getattr(self, scope).spell_out(made.text))

    return spelled
