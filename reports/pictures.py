"""Pictures of scans that the extraction made, as figures of a document: chosen, copied beside it, described."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import InputError
from neurotrial.paths import inside, replacing, writable_folder
from neurotrial.reports.figures.style import WIDTH
from neurotrial.reports.floats import FIGURE_FOLDER, image_float
from neurotrial.reports.markdown_text import Markdown, escape, listing
from neurotrial.reports.quality_names import quality_name
from neurotrial.reports.scans import modality_label
from neurotrial.reports.tables.scans import decision_words

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.scans import Scan

__all__ = ["LARGEST", "Pictures", "choose_pictures", "picture_float"]

LARGEST = 12
"""Pictures in one document; the others are named with their paths."""

_UNREMARKABLE = 2
_HEIGHT = 7.5
"""Largest height of a picture in inches: a page with its caption."""

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Pictures:
    """Which pictures of scans a document shows.

    Attributes
    ----------
    shown : list of Scan
        Those that it shows: remarkable ones (excluded, not measurable, flagged) first, then unremarkable ones.
    named : list of Scan
        Remarkable ones beyond `LARGEST`.
    others : list of Scan
        Unremarkable ones that are not shown.
    absent : list of Scan
        Remarkable ones without a picture, or whose file is not there.
    """

    shown: list[Scan]
    named: list[Scan]
    others: list[Scan]
    absent: list[Scan]


def choose_pictures(scans: Iterable[Scan], folder: Path | None) -> Pictures:
    """Choose pictures: those of excluded, failed and flagged scans, in this order, and of two unremarkable ones to compare.

    Parameters
    ----------
    scans : iterable of Scan
        All scans.
    folder : Path or None
        The study folder that the paths are relative to; None if it is not at hand, and so no picture is.

    Returns
    -------
    Pictures
    """
    made = [scan for scan in scans if scan.made]
    ranked = sorted((scan for scan in made if _rank(scan) is not None), key=lambda scan: _rank(scan) or 0)
    there = [scan for scan in ranked if picture_file(scan, folder) is not None]
    plain = [scan for scan in made if _rank(scan) is None and picture_file(scan, folder) is not None]
    first = _for_comparison(plain)
    room = LARGEST - len(first)
    return Pictures(
        shown=[*there[:room], *first],
        named=there[room:],
        others=[scan for scan in plain if scan not in first],
        absent=[scan for scan in ranked if scan not in there],
    )


def _for_comparison(plain: list[Scan]) -> list[Scan]:
    """Return two unremarkable scans: the first ones, of different modalities where there are."""
    first = list({scan.modality: scan for scan in reversed(plain)}.values())[::-1]
    return [*first, *(scan for scan in plain if scan not in first)][:_UNREMARKABLE]


def _rank(scan: Scan) -> int | None:
    """Return how remarkable a scan is, 0 the most; None for an unremarkable one."""
    if not scan.include:
        return 0
    if scan.state == "failed":
        return 1
    return 2 if scan.flags else None


def picture_file(scan: Scan, folder: Path | None) -> Path | None:
    """Return the PNG file of a scan's picture, or None if it is not there or not inside the study folder."""
    if folder is None or not scan.picture:
        return None
    try:
        path = inside(folder, scan.picture)
    except InputError:
        return None
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return path if stream.read(len(_PNG)) == _PNG else None


def picture_float(
    data: CitedResults, scan: Scan, number: int, folder: Path, target: Path | None = None
) -> Markdown:
    """Copy the picture of a scan beside the document and return the div that shows it.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    scan : Scan
        A scan whose `picture_file` exists.
    number : int
        Its number among the pictures, from 1: the figure's label is ``fig-scan-NUMBER``.
    folder : Path
        The study folder.
    target : Path, optional
        The document's folder, by default the working directory, in which cells run.

    Returns
    -------
    Markdown
        With alternative text.
    """
    source = inside(folder, scan.picture)
    name = f"scan-{number}"
    place = writable_folder((target or Path.cwd()) / FIGURE_FOLDER) / f"{name}.png"
    with replacing(place) as temporary:
        shutil.copyfile(source, temporary)
    words = _in_words(data, scan)
    return image_float(
        name, f"Quality control picture. {words}.", _width(source), Markdown(escape(f"{words}."))
    )


def _in_words(data: CitedResults, scan: Scan) -> str:
    run = "" if scan.run is None else f", run {scan.run}"
    what = f"{modality_label(scan.modality)} of {scan.participant} at {data.visit_label(scan.visit)}{run}"
    return f"{what}: {'; '.join([_remarks(scan), decision_words(scan)])}"


def _remarks(scan: Scan) -> str:
    if scan.state == "failed":
        return f"not measurable ({scan.reason or 'no reason given'})"
    flags = []
    for name in scan.flags:
        measure, printed = scan.measures[name], quality_name(name, scan.measures[name].unit)
        limit = f" (limit {printed.shown(measure.limit)})" if measure.limit is not None else ""
        flags.append(f"{printed.heading}: {printed.shown(measure.value)}{limit}")
    return f"flagged for {listing(flags)}" if flags else "no flag"


def _width(path: Path) -> float:
    """Return the width in inches at which a picture fits the page; its size stands in the header of the PNG file."""
    with path.open("rb") as stream:
        width, height = struct.unpack(">II", stream.read(24)[16:24])
    return round(min(WIDTH, _HEIGHT * int(width) / int(height)), 2)
