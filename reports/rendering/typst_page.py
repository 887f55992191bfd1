"""The page of a pdf: paper, margins and type, as the settings of the typst format ask for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["PAGE_SETTINGS", "page_variables"]

PAPERS = {"a4": ("210mm", "297mm"), "us-letter": ("8.5in", "11in")}
FONTS = ("Libertinus Serif", "New Computer Modern")
"""The text fonts that come with the compiler."""

SIDES = {"left": "x", "right": "x", "top": "y", "bottom": "y"}
MARGIN = "2.5cm"
FONT_SIZE = "10.5pt"
_LENGTH = re.compile(r"\d+(\.\d+)?(cm|mm|in|pt)")


def _is_length(value: Any) -> bool:
    return isinstance(value, str) and _LENGTH.fullmatch(value) is not None


def _are_margins(value: Any) -> bool:
    return isinstance(value, dict) and all(
        key in {*SIDES, *SIDES.values()} and _is_length(item) for key, item in value.items()
    )


PAGE_SETTINGS: dict[str, Callable[[Any], bool]] = {
    "papersize": lambda value: value in PAPERS,
    "margin": _are_margins,
    "mainfont": lambda value: value in FONTS,
    "fontsize": _is_length,
    "pdf-standard": lambda value: value in ("ua-1", ["ua-1"]),
}
"""The settings of the page, and whether the builtin renderer keeps a value of each."""


def page_variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of the page template.

    Parameters
    ----------
    settings : mapping
        The settings that hold for the pdf.

    Returns
    -------
    dict of str to str
        Lengths with their units, font and language.

    Examples
    --------
    >>> page_variables({"margin": {"x": "2cm"}})["margin-left"], page_variables({})["page-width"]
    ('2cm', '210mm')
    """
    width, height = PAPERS[settings.get("papersize", "a4")]
    margins = settings.get("margin", {})
    language, _, region = str(settings.get("lang", "en")).partition("-")
    return {
        "page-width": width,
        "page-height": height,
        **{f"margin-{side}": margins.get(side, margins.get(axis, MARGIN)) for side, axis in SIDES.items()},
        "mainfont": settings.get("mainfont", FONTS[0]),
        "fontsize": settings.get("fontsize", FONT_SIZE),
        "language": language,
        **({"region": region} if region else {}),
    }
