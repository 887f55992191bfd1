"""Parts of a report that are of images: their results in the manuscript, and their quality, scan by scan."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.reports.cited import derived
from neurotrial.reports.figures.connectivity import connectivity_figure
from neurotrial.reports.figures.panels import outcome_panels
from neurotrial.reports.figures.quality import quality_figure
from neurotrial.reports.figures.sides import side_figure
from neurotrial.reports.floats import figure_float, table_float
from neurotrial.reports.imaging_analyses import imaging_analyses
from neurotrial.reports.markdown_text import Markdown, escape, listing, paragraphs, section
from neurotrial.reports.pictures import choose_pictures, picture_float
from neurotrial.reports.prose.imaging import (
    group_time_text,
    scan_counts_text,
    scan_names,
    unmeasured_text,
)
from neurotrial.reports.prose.imaging_methods import imaging_methods_text
from neurotrial.reports.prose.results import effects_text
from neurotrial.reports.scans import read_scans
from neurotrial.reports.sections import analysis_label
from neurotrial.reports.tables.outcomes import outcome_table
from neurotrial.reports.tables.scans import gap_table, scan_count_table, scan_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.floats import Plot
    from neurotrial.reports.pictures import Pictures
    from neurotrial.reports.scans import Scan
    from neurotrial.study import Analysis

__all__ = [
    "imaging_methods_section",
    "imaging_section",
    "scan_counts_section",
    "scan_gaps_section",
    "scan_pictures_section",
    "scan_quality_section",
    "scan_tables_section",
]


def imaging_methods_section(data: CitedResults) -> Markdown | None:
    """Return how images became measures under its heading, or None for a study file without an imaging part."""
    return section("From images to measures", imaging_methods_text(data), label="sec-imaging-methods")


def imaging_section(data: CitedResults) -> Markdown | None:
    """Return the results of images, or None for a study that has neither analyses nor tables of images."""
    return section(
        "Imaging",
        scan_counts_text(data),
        unmeasured_text(data),
        *(_analysis(data, analysis) for analysis in imaging_analyses(data)),
        _shown("Motor network", "sec-motor-network", "Mean connections are in", connectivity_figure(data)),
        _shown("Both sides of the lesion", "sec-lesion-sides", "FA on both sides is in", side_figure(data)),
        label="sec-imaging",
    )


def _analysis(data: CitedResults, analysis: Analysis) -> Markdown | None:
    """Return sentences, table and, but for sensitivity analyses, the participants of each outcome."""
    table = outcome_table(data, analysis)
    plots = [] if analysis.role == "sensitivity" else outcome_panels(data, analysis)
    shown = listing([f"@tbl-{table.name}", *(f"@fig-{plot.name}" for plot in plots)])
    return section(
        f"{escape(analysis.label)} ({analysis.role})",
        effects_text(data, analysis),
        group_time_text(data, analysis),
        f"Details: {shown}.",
        table_float(table),
        *map(figure_float, plots),
        level=3,
        label=analysis_label(analysis),
    )


def _shown(heading: str, label: str, words: str, plot: Plot | None) -> Markdown | None:
    return section(heading, *_pointed(words, plot), level=3, label=label)


def _pointed(words: str, plot: Plot | None) -> Iterator[Markdown | str]:
    """Yield a pointer to a figure and the figure, nothing if there is none."""
    if plot is not None:
        yield f"{words} @fig-{plot.name}."
        yield figure_float(plot)


def scan_counts_section(data: CitedResults) -> Markdown:
    """Return the counts of scans in sentences and by modality and visit, or the sentence that there are no scans."""
    table = scan_count_table(data)
    if table is None:
        return Markdown("This study has no scans: its tables hold neither their status nor their quality.")
    return paragraphs(
        scan_counts_text(data), f"Counts by modality and visit are in @tbl-{table.name}.", table_float(table)
    )


def scan_quality_section(data: CitedResults) -> Markdown | None:
    """Return the figure of quality measures with their limits, or None if no measure has one."""
    pointer = "Every measure that has a limit is in"
    return section("Quality measures", *_pointed(pointer, quality_figure(data)), level=1)


def scan_tables_section(data: CitedResults) -> Markdown | None:
    """Return every scan that was made, one table a modality, or None if none was."""
    kinds = dict.fromkeys(scan.modality for scan in read_scans(data))
    tables = [table for kind in kinds if (table := scan_table(data, kind)) is not None]
    pointer = f"Scans one by one: {listing(f'@tbl-{table.name}' for table in tables)}."
    return section("Every scan", *([pointer] if tables else []), *map(table_float, tables), level=1)


def scan_gaps_section(data: CitedResults) -> Markdown | None:
    """Return the scans that are missing or could not be measured, or None if there are none."""
    table = gap_table(data)
    if table is None:
        return None
    pointer = f"They are listed in @tbl-{table.name}."
    return section("Missing scans", unmeasured_text(data), pointer, table_float(table), level=1)


def scan_pictures_section(data: CitedResults, folder: Path | None) -> Markdown | None:
    """Return pictures of excluded, failed and flagged scans and of two unremarkable ones, or None without scans."""
    scans = read_scans(data)
    if not any(scan.made for scan in scans):
        return None
    chosen = choose_pictures(scans, folder)
    floats = [
        picture_float(data, scan, number, folder)
        for number, scan in enumerate(chosen.shown, 1)
        if folder is not None
    ]
    return section("Pictures", *_picture_words(data, chosen), *floats, level=1)


def _picture_words(data: CitedResults, chosen: Pictures) -> Iterator[Markdown | str]:
    if chosen.shown:
        last = len(chosen.shown)
        figures = "@fig-scan-1" if last == 1 else f"@fig-scan-1 to @fig-scan-{last}"
        yield (
            "Scans that are excluded, could not be measured or are flagged come first, then unremarkable ones to compare: "
            f"{figures}."
        )
    else:
        yield "No picture of a scan is in the study folder."
    if chosen.named:
        yield f"Further remarkable scans have their pictures here: {listing(map(_path, chosen.named))}."
    if chosen.others:
        yield f"Pictures of the {derived('number of scans', len(chosen.others))} other scans are in {escape(_folder(chosen.others))}."
    if chosen.absent:
        yield escape(f"No picture was found of {scan_names(data, chosen.absent)}.")


def _path(scan: Scan) -> str:
    return escape(scan.picture)


def _folder(scans: Iterable[Scan]) -> str:
    """Return the folder that holds the pictures of all these scans."""
    return posixpath.commonpath([posixpath.dirname(scan.picture) for scan in scans]) or "the study folder"
