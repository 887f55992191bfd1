"""Flow diagram of participants, as CONSORT draws it; its numbers add up or it is not drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.reports.cited import ALL_ARMS
from neurotrial.reports.figures.style import (
    LINE,
    WIDTH,
    arm_styles,
    in_house_style,
    label_height,
    mark_simulated,
    new_figure,
    note_simulated,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.flow_check import SCANNED, SCANS_LOST, check_flow, flow_count, flow_stages
from neurotrial.reports.markdown_text import Markdown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurotrial.reports.cited import CitedResults

__all__ = ["FlowBox", "flow_boxes", "flow_figure"]

_PADDING, _GAP = 0.16, 0.28
"""Height of the space inside a box and between boxes, in inches."""

_TOP = 36
"""Letters that fit the topmost box."""


@dataclass(frozen=True, slots=True)
class FlowBox:
    """A box of the diagram: a heading and its lines."""

    heading: str
    lines: tuple[str, ...] = ()

    def wrapped(self, width: int) -> list[str]:
        """Return heading and lines broken at a width in characters."""
        parts = [
            textwrap.wrap(text, width, subsequent_indent="  ") or [""] for text in (self.heading, *self.lines)
        ]
        return [line for part in parts for line in part]


def flow_boxes(data: CitedResults, arm: str) -> list[FlowBox]:
    """Return the boxes of an arm from allocation to analysis; boxes without counts are left out.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    arm : str
        Name of the arm.

    Returns
    -------
    list of FlowBox
    """
    treated = flow_count(data, "treated", arm)
    received = (
        () if treated is None else (f"received it: {treated}", f"did not: {data.n_randomised(arm) - treated}")
    )
    lost = [
        f"{data.cite(f'flow/{stage}/{arm}#label')}: {flow_count(data, stage, arm)}"
        for stage in flow_stages(data)
        if stage.startswith("lost:")
    ]
    populations = [
        f"{item.label}: {flow_count(data, f'population:{item.name}', arm)}" for item in data.study.populations
    ]
    boxes = [
        FlowBox(f"Allocated to {data.arm_label(arm)} (n\u00a0=\u00a0{data.n_randomised(arm)})", received),
        FlowBox("Events during follow-up", tuple(lost)),
        *_imaging(data, arm),
        FlowBox("Populations", tuple(populations)),
        FlowBox("Analysed with both visits", tuple(_analysed(data, arm))),
    ]
    return [boxes[0], *(box for box in boxes[1:] if box.lines)]


def _imaging(data: CitedResults, arm: str) -> Iterator[FlowBox]:
    """Yield the box of the scans: who has all of them, whom decisions and failures keep out, and who is left."""
    scanned = flow_count(data, SCANNED, arm)
    if scanned is None:
        return
    excluded, failed = (flow_count(data, stage, arm) or 0 for stage in SCANS_LOST)
    lines = (
        f"not at every visit: {data.n_randomised(arm) - scanned}",
        f"excluded by decision: {excluded}",
        f"not measurable: {failed}",
        f"every scan usable: {scanned - excluded - failed}",
    )
    yield FlowBox(f"Scanned at every visit (n\u00a0=\u00a0{scanned})", lines)


def _analysed(data: CitedResults, arm: str) -> Iterator[str]:
    """Yield a line for each analysis: its count, or lowest and highest count over its outcomes."""
    for analysis in data.study.analyses:
        counts = [data.n_analysed(analysis, outcome.name, arm) for outcome in data.outcomes_of(analysis)]
        low, high = min(counts), max(counts)
        yield f"{analysis.label}: {low if low == high else f'{low} to {high}, by outcome'}"


@in_house_style
def flow_figure(data: CitedResults) -> Plot:
    """Draw the flow of participants, one column an arm.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Plot

    Raises
    ------
    InputError
        If the numbers do not add up.
    """
    check_flow(data)
    planned = flow_count(data, "planned", ALL_ARMS)
    top = FlowBox(
        f"Randomised (n\u00a0=\u00a0{data.n_randomised()})",
        () if planned is None else (f"planned: {planned}",),
    )
    columns = {arm.name: flow_boxes(data, arm.name) for arm in data.study.arms}
    width = int(WIDTH / len(columns) * 12.2) - 4
    heights = [max(_height(box, width) for box in level) for level in zip(*columns.values(), strict=True)]
    total = _height(top, _TOP) + sum(heights) + _GAP * (len(heights) + 1) + 0.1
    figure = new_figure(total + label_height(data.study))
    panel = figure.subplots()
    panel.set_axis_off()
    panel.set_xlim(0, WIDTH)
    panel.set_ylim(-total, 0.03)
    _draw(panel, top, columns, heights, width, data)
    mark_simulated(figure, data.study)
    caption = Markdown("Flow of participants, by arm as randomised [@hopewell2025].")
    return Plot("flow", figure, caption, _alt(data, top, columns))


def _height(box: FlowBox, width: int) -> float:
    return LINE * len(box.wrapped(width)) + _PADDING


def _draw(
    panel: Axes,
    top: FlowBox,
    columns: dict[str, list[FlowBox]],
    heights: list[float],
    width: int,
    data: CitedResults,
) -> None:
    styles = arm_styles(data.study)
    height = _height(top, _TOP)
    _box(panel, top, (WIDTH / 2, 0.0), (3.0, height), _TOP, "black")
    column = WIDTH / len(columns)
    for place, (arm, boxes) in enumerate(columns.items()):
        x, y = column * (place + 0.5), -height - 2 * _GAP
        _arrow(panel, (WIDTH / 2, -height), (x, y))
        for level, (box, box_height) in enumerate(zip(boxes, heights, strict=True)):
            _box(panel, box, (x, y), (column - 0.2, box_height), width, styles[arm].colour)
            if level + 1 < len(boxes):
                _arrow(panel, (x, y - box_height), (x, y - box_height - _GAP))
            y -= box_height + _GAP


def _box(
    panel: Axes, box: FlowBox, at: tuple[float, float], size: tuple[float, float], width: int, colour: str
) -> None:
    """Draw a box whose upper edge is centred at a point."""
    from matplotlib.patches import Rectangle

    x, y = at
    panel.add_patch(
        Rectangle((x - size[0] / 2, y - size[1]), *size, fill=False, edgecolor=colour, linewidth=1.3)
    )
    lines = box.wrapped(width)
    bold = len(FlowBox(box.heading).wrapped(width))
    for row, line in enumerate(lines):
        panel.text(
            x - size[0] / 2 + 0.09, y - _PADDING / 2 - LINE * (row + 0.5), line, va="center", fontsize=8.5,
            fontweight="bold" if row < bold else "normal",
        )  # fmt: skip


def _arrow(panel: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    panel.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": "0.3", "shrinkA": 0, "shrinkB": 0}
    )


def _alt(data: CitedResults, top: FlowBox, columns: dict[str, list[FlowBox]]) -> str:
    arms = " ".join(". ".join(_in_words(box) for box in boxes) + "." for boxes in columns.values())
    return f"Flow diagram. {_in_words(top)}. {arms}{note_simulated(data.study)}"


def _in_words(box: FlowBox) -> str:
    return f"{box.heading}: {'; '.join(box.lines)}" if box.lines else box.heading
