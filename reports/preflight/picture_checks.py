"""Pictures and the style of references, held against the limits of a journal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.reports.preflight.checks import Check, Verdict, row

if TYPE_CHECKING:
    from neurotrial.reports.preflight.pictures import Picture
    from neurotrial.reports.preflight.profile import Profile

__all__ = ["check_pictures", "check_style", "style_names"]

_ID = re.compile(r"<id>([^<]+)</id>")
_PARENT = re.compile(r'<link\s+href="([^"]+)"\s+rel="independent-parent"')

_ROUNDING = 0.5
"""Dots and mm by which a picture may be short: widths are whole numbers of dots."""


def check_pictures(pictures: Sequence[Picture], profile: Profile) -> Iterator[Check]:
    """Check resolution, width and format of every picture; one row each, with the pictures that fail."""
    yield _resolution(pictures, profile)
    yield _width(pictures, profile)
    yield _format(pictures, profile)


def _resolution(pictures: Sequence[Picture], profile: Profile) -> Check:
    least = profile.limits.figures.dpi_min
    known = [(picture.dpi, picture.name) for picture in pictures if picture.dpi is not None]
    low = [f"{name}: {dpi:.0f} dpi" for dpi, name in known if least is not None and dpi < least - _ROUNDING]
    blind = [f"{picture.name}: no dots, or no width given" for picture in pictures if picture.dpi is None]
    found = f"{min(known)[0]:.0f} dpi at the least" if known else "no picture with dots"
    verdict: Verdict = "under" if low else "ok"
    limit = None if least is None else f"at least {least} dpi"
    return row("resolution of figures", limit, found, verdict, profile.source_of("figures"), [*low, *blind])


def _width(pictures: Sequence[Picture], profile: Profile) -> Check:
    figures = profile.limits.figures
    least, most = figures.width_mm_min, figures.width_mm_max
    widths = [(picture.width_mm, picture.name) for picture in pictures if picture.width_mm is not None]
    low = [f"{name}: {mm:.0f} mm" for mm, name in widths if least is not None and mm < least - _ROUNDING]
    high = [f"{name}: {mm:.0f} mm" for mm, name in widths if most is not None and mm > most + _ROUNDING]
    bounds = [f"at least {least:g} mm" if least else "", f"at most {most:g} mm" if most else ""]
    limit = ", ".join(bound for bound in bounds if bound) or None
    found = f"{min(widths)[0]:.0f} to {max(widths)[0]:.0f} mm" if widths else "no width given"
    verdict: Verdict = "over" if high else "under" if low else "ok"
    return row("width of figures", limit, found, verdict, profile.source_of("figures"), [*high, *low])


def _format(pictures: Sequence[Picture], profile: Profile) -> Check:
    allowed = profile.limits.figures.formats
    found = sorted({picture.format for picture in pictures})
    other = [
        f"{picture.name}: {picture.format}"
        for picture in pictures
        if allowed and picture.format not in allowed
    ]
    verdict: Verdict = "differs" if other else "ok"
    limit = None if allowed is None else " or ".join(allowed)
    return row(
        "format of figures",
        limit,
        ", ".join(found) or "no picture",
        verdict,
        profile.source_of("figures"),
        other,
    )


def check_style(style: Path | None, profile: Profile) -> Check:
    """Check that the references are in one of the journal's styles."""
    wanted = profile.limits.reference_style
    names = style_names(style) if style else []
    verdict: Verdict = "differs"
    details = ["get the style as a .csl file and name it as `csl:` in _quarto.yml"] if wanted else []
    if set(wanted or []) & set(names):
        verdict, details = "ok", []
    limit = None if wanted is None else " or ".join(wanted)
    return row("style of references", limit, names[-1] if names else "pandoc's own", verdict,
               profile.source_of("reference_style"), details)  # fmt: skip


def style_names(style: Path) -> list[str]:
    """Return what a CSL file may be called: the last part of its id and of its parent's, and its file name."""
    text = style.read_text("utf-8") if style.is_file() else ""
    head = text.partition("</info>")[0]
    found = _ID.findall(head) + _PARENT.findall(head)
    return [*(name.strip().rpartition("/")[2] for name in found), style.stem]
