"""Quality of all scans: each measure that has a limit, with the limit, flagged and excluded scans marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.reports.cited import derived
from neurotrial.reports.figures.style import (
    LINE,
    WIDTH,
    fitted,
    in_house_style,
    line_count,
    mark_simulated,
    new_figure,
    note_simulated,
    spread,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.quality_names import quality_name
from neurotrial.reports.scans import modality_label, read_scans

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.quality_names import QualityName
    from neurotrial.reports.scans import Measure, Scan

__all__ = ["LimitedMeasure", "limited_measures", "quality_figure"]

_COLUMNS = 2
_NAMED = 8
"""Flagged scans of a panel that are named in it; more would hide each other."""

_WITHIN, _BEYOND = ("#0072B2", "o"), ("#D55E00", "D")
"""Colour and marker of scans within and beyond the limit."""


@dataclass(frozen=True, slots=True)
class LimitedMeasure:
    """A quality measure with a limit: how it is printed, and the scans with a value."""

    modality: str
    name: QualityName
    scans: list[tuple[Scan, Measure]]

    @property
    def limits(self) -> list[float]:
        """The limits, each once, in the unit that is printed."""
        return sorted({self.name.scaled(item.limit) for _, item in self.scans if item.limit is not None})

    @property
    def flagged(self) -> list[Scan]:
        """The scans beyond the limit."""
        return [scan for scan, item in self.scans if item.flagged]


def limited_measures(data: CitedResults) -> list[LimitedMeasure]:
    """Return the measures that have a limit, with the scans that have a value."""
    found: dict[tuple[str, str], list[tuple[Scan, Measure]]] = {}
    for scan in read_scans(data):
        for measure, item in scan.measures.items():
            if item.value is not None:
                found.setdefault((scan.modality, measure), []).append((scan, item))
    made = [
        LimitedMeasure(modality, quality_name(measure, scans[0][1].unit), scans)
        for (modality, measure), scans in found.items()
    ]
    return [item for item in made if item.limits]


@in_house_style
def quality_figure(data: CitedResults) -> Plot | None:
    """Draw the measures that have a limit, one panel each, by visit and never by arm.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Plot or None
        None if no measure has a limit.
    """
    measures = limited_measures(data)
    if not measures:
        return None
    visits = {visit.name: fitted(visit.label, 1.2) for visit in data.study.visits}
    rows = -(-len(measures) // _COLUMNS)
    figure = new_figure(0.6 + rows * (2.3 + LINE * line_count(*visits.values())))
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for panel, measure in zip(panels, measures, strict=False):
        _draw(panel, measure, list(visits))
        panel.set_xticks(range(len(visits)), list(visits.values()))
    for panel in panels[len(measures) :]:
        panel.set_axis_off()
    _legend(figure)
    mark_simulated(figure, data.study)
    return Plot("quality", figure, _caption(measures), _alt(data, measures))


def _draw(panel: Axes, measure: LimitedMeasure, visits: list[str]) -> None:
    for place, visit in enumerate(visits):
        own = [(scan, item) for scan, item in measure.scans if scan.visit == visit]
        for shift, (scan, item) in zip(spread(len(own), 0.3), own, strict=True):
            _point(panel, place + shift, measure, scan, item)
    for limit in measure.limits:
        panel.axhline(limit, color="black", linestyle="--", linewidth=1)
    panel.set_xlim(-0.5, len(visits) - 0.5)
    panel.set_title(fitted(f"{modality_label(measure.modality)}: {measure.name.heading}", WIDTH / 2 - 0.4))


def _point(panel: Axes, x: float, measure: LimitedMeasure, scan: Scan, item: Measure) -> None:
    y = measure.name.scaled(item.value or 0.0)
    colour, marker = _BEYOND if item.flagged else _WITHIN
    panel.plot(x, y, marker, color=colour, alpha=0.75, markersize=5 if item.flagged else 3.5)
    if not scan.include:
        panel.plot(x, y, "x", color="black", markersize=7)
    if item.flagged and len(measure.flagged) <= _NAMED:
        panel.annotate(
            scan.participant.removeprefix("sub-"),
            (x, y),
            (5, 0),
            textcoords="offset points",
            fontsize=7,
            va="center",
        )


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    shown = {
        "within the limit": _WITHIN,
        "flagged": _BEYOND,
        "excluded by decision": ("black", "x"),
    }
    handles = [
        Line2D([], [], linestyle="", label=label, color=colour, marker=marker)
        for label, (colour, marker) in shown.items()
    ]
    handles.append(Line2D([], [], color="black", linestyle="--", linewidth=1, label="limit"))
    figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=len(handles))


def _caption(measures: list[LimitedMeasure]) -> Markdown:
    terms = {
        "fd": "FD, framewise displacement.",
        "tsnr": "tSNR, temporal signal-to-noise ratio.",
        "snr": "SNR, signal-to-noise ratio.",
    }
    labels = {word.lower() for item in measures for word in item.name.label.split()}
    words = " ".join(text for term, text in terms.items() if term in labels)
    return Markdown(escape(
        "Quality measures that have a limit, one point a scan, by visit; all arms together. Numbers name the participants "
        f"of flagged scans. A flag excludes nothing: only a decision does. {words}".rstrip()
    ))  # fmt: skip


def _alt(data: CitedResults, measures: list[LimitedMeasure]) -> str:
    return f"Quality measures of all scans with their limits. {' '.join(map(_in_words, measures))}{note_simulated(data.study)}"


def _in_words(measure: LimitedMeasure) -> str:
    values = [measure.name.scaled(item.value or 0.0) for _, item in measure.scans]
    digits = measure.name.digits
    ends = f"{min(values):.{digits}f} to {max(values):.{digits}f}"
    limits = " or ".join(f"{limit:g}" for limit in measure.limits)
    return (
        f"{modality_label(measure.modality)}, {measure.name.heading}: {ends} over {derived('number of scans', len(values))} scans, limit {limits}, "
        f"{derived('number of scans', len(measure.flagged))} flagged."
    )
