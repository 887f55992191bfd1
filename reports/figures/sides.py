"""FA of the tracts on both sides of the lesion, each participant at each visit, by arm."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.outcomes import usable_features
from neurotrial.reports.connection_matrices import SIDES
from neurotrial.reports.figures.style import (
    LINE,
    arm_legend,
    arm_styles,
    fitted,
    in_house_style,
    line_count,
    mark_simulated,
    new_figure,
    note_simulated,
    spread,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.imaging_analyses import imaging_members
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import interval, number
from neurotrial.reports.participants_drawn import interval_name, mean_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.figures.style import ArmStyle

__all__ = ["side_figure", "side_values"]

_REGIONS: Mapping[str, str] = MappingProxyType(
    {"cst": "Corticospinal tract", "plic": "Posterior limb of the internal capsule"}
)
_DIGITS = 3


def side_values(data: CitedResults) -> pd.DataFrame:
    """Return mean FA by region, side, arm, visit and participant, lesioned voxels included.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    DataFrame
        Columns region, side, arm, visit, participant_id, value; runs of a visit are averaged. Only values that the
        extraction calls usable, of scans that no decision excludes, of the imaging population.
    """
    features = data.results.tables["features"]
    chosen = (
        features["feature"].eq("fa") & features["side"].isin(SIDES) & features["statistic"].eq("mean")
        & features["lesion_policy"].eq("include")
    )  # fmt: skip
    rows = usable_features(features[chosen], data.results.tables).dropna(subset=["value"])
    rows = rows[rows["method"].eq(rows["method"].iloc[0])] if len(rows) else rows
    _, arms = imaging_members(data)
    rows = rows[rows["participant_id"].isin(arms.index)]
    rows = rows.assign(arm=rows["participant_id"].map(arms))
    columns = ["region", "side", "arm", "visit", "participant_id"]
    return rows.groupby(columns, sort=False)["value"].mean().reset_index()


@in_house_style
def side_figure(data: CitedResults) -> Plot | None:
    """Draw FA on both sides of the lesion, one row a region, one column a side.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Plot or None
        None if no participant has a value.
    """
    values = side_values(data)
    if values.empty:
        return None
    regions = list(dict.fromkeys(values["region"]))
    visits = [visit for visit in data.study.visits if visit.name in set(values["visit"])]
    ticks = [fitted(visit.label, 2.4 / len(visits)) for visit in visits]
    legend = [fitted(arm.label, 5.5) for arm in data.study.arms]
    height = 0.5 + len(regions) * (2.3 + LINE * line_count(*ticks)) + LINE * sum(map(line_count, legend))
    figure = new_figure(height)
    panels = figure.subplots(len(regions), 2, sharey="row", squeeze=False)
    for region, row in zip(regions, panels, strict=True):
        for side, panel in zip(SIDES, row, strict=True):
            own = values[(values["region"] == region) & (values["side"] == side)]
            _draw_panel(data, panel, own, [visit.name for visit in visits])
            panel.set_xticks(range(len(visits)), ticks)
        row[0].set_ylabel(fitted(f"FA: {_region(region)}", 2.2))
    for side, panel in zip(SIDES, panels[0], strict=True):
        panel.set_title(side.capitalize())
    arm_legend(
        figure, dict(zip((arm.name for arm in data.study.arms), legend, strict=True)), arm_styles(data.study)
    )
    mark_simulated(figure, data.study)
    return Plot("fa-sides", figure, _caption(data, regions), _alt(data, values, regions))


def _region(region: str) -> str:
    return _REGIONS.get(region, region)


def _draw_panel(data: CitedResults, panel: Axes, rows: pd.DataFrame, visits: list[str]) -> None:
    """Draw the arms beside each other at each visit: points of participants, mean with interval, line of the means."""
    styles = arm_styles(data.study)
    width = 0.7 / len(styles)
    for place, (arm, style) in enumerate(styles.items()):
        shift = width * (place - (len(styles) - 1) / 2)
        own = rows[rows["arm"] == arm]
        groups = {x: own.loc[own["visit"] == visit, "value"].to_numpy() for x, visit in enumerate(visits)}
        _draw_arm(
            panel,
            {x + shift: group for x, group in groups.items() if len(group)},
            style,
            width,
            data.study.conf_level,
        )
    panel.set_xlim(-0.5, len(visits) - 0.5)


def _draw_arm(
    panel: Axes, groups: dict[float, np.ndarray[Any, Any]], style: ArmStyle, width: float, level: float
) -> None:
    for x, group in groups.items():
        shift = spread(len(group), 0.28) * width
        panel.plot(
            x - 0.12 * width + shift, group, style.marker, color=style.colour, alpha=0.5, markersize=3.5
        )
    if groups:
        mean, low, high = np.stack([mean_interval(group, level) for group in groups.values()], axis=1)
        panel.errorbar(
            [x + 0.32 * width for x in groups], mean, yerr=[mean - low, high - mean], color="black", linestyle=style.line,
            linewidth=1.4, marker=style.marker, markersize=6.5, markerfacecolor=style.colour, capsize=3, zorder=3,
        )  # fmt: skip


def _caption(data: CitedResults, regions: list[str]) -> Markdown:
    population, _ = imaging_members(data)
    level = interval_name(data.study.conf_level)
    text = (
        f"Mean FA of the {' and the '.join(_region(region)[:1].lower() + _region(region)[1:] for region in regions)} on both "
        f"sides of the lesion, lesioned voxels included, by arm and visit. Population: {population}. Small points: "
        f"participants; large points: mean of the arm with {level} of the mean (t). FA, fractional anisotropy."
    )
    return Markdown(escape(text))


def _alt(data: CitedResults, values: pd.DataFrame, regions: list[str]) -> str:
    words = [
        f"{_region(region)}, {side}: {'; '.join(_means(data, values[(values['region'] == region) & (values['side'] == side)]))}."
        for region in regions
        for side in SIDES
    ]
    return f"FA on both sides of the lesion, one point a participant. {' '.join(words)}{note_simulated(data.study)}"


def _means(data: CitedResults, rows: pd.DataFrame) -> list[str]:
    means = []
    for arm in data.study.arms:
        for visit in data.study.visits:
            own = rows.loc[(rows["arm"] == arm.name) & (rows["visit"] == visit.name), "value"].to_numpy()
            if len(own):
                mean, low, high = mean_interval(own, data.study.conf_level)
                limits = interval(low, high, _DIGITS)
                means.append(
                    f"{arm.label} at {visit.label} (n = {len(own)}) mean {number(mean, _DIGITS)} "
                    f"({interval_name(data.study.conf_level)} {limits})"
                )
    return means or ["no values"]
