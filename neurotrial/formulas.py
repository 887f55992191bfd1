"""The formula terms a study file may name: data, never code.

A term is made of names, numbers, ``+ - * : ( ) ,`` and the transforms in `TRANSFORMS`; whatever else stands in
it is refused before any formula library sees it.
"""

from __future__ import annotations

import re

__all__ = ["TRANSFORMS", "formula_faults", "formula_names"]

TRANSFORMS = ("log", "poly", "bs", "C", "center")
"""The only functions that a formula may call."""

_NAME = r"[A-Za-z][A-Za-z0-9_]*"
_TOKEN = re.compile(
    rf"\s*(?:(?P<call>{_NAME})\s*(?=\()|(?P<name>{_NAME})|(?P<number>\d+(?:\.\d+)?)|(?P<mark>[-+*:(),]))"
)
_LONGEST = 500


def _tokens(text: str) -> tuple[list[tuple[str, str]], str]:
    """Split into (kind, text) pairs; the second value is what could not be read, empty if all could."""
    found: list[tuple[str, str]] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return found, text[position:].strip()
        found.append((str(match.lastgroup), str(match[str(match.lastgroup)])))
        position = match.end()
    return found, ""


def formula_faults(text: str) -> list[str]:
    """Say what is not allowed in a formula term.

    Parameters
    ----------
    text : str
        A right-hand-side term such as ``"age"`` or ``"log(lesion_volume_ml)"``; at most 500 characters.

    Returns
    -------
    list of str
        One sentence a fault; empty where the term is safe.

    Examples
    --------
    >>> formula_faults("age + log(lesion_volume_ml)")
    []
    >>> formula_faults("open('x')")
    ["calls 'open'; only log, poly, bs, C, center may be called", "holds ''x')', which is not part of a formula"]
    """
    if not text.strip() or len(text) > _LONGEST:
        return [f"is empty or longer than {_LONGEST} characters"]
    tokens, rest = _tokens(text)
    allowed = ", ".join(TRANSFORMS)
    faults = [
        f"calls {name!r}; only {allowed} may be called"
        for kind, name in tokens
        if kind == "call" and name not in TRANSFORMS
    ]
    if rest:
        faults.append(f"holds '{rest}', which is not part of a formula")
    if not rest and text.count("(") != text.count(")"):
        faults.append("has unbalanced parentheses")
    return faults


def formula_names(text: str) -> list[str]:
    """Return the column names that a formula term uses, in order, each once.

    Examples
    --------
    >>> formula_names("age * C(site) + log(age)")
    ['age', 'site']
    """
    return list(dict.fromkeys(name for kind, name in _tokens(text)[0] if kind == "name"))
