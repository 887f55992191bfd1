"""Tables of participants: baseline characteristics by arm, and how many stand at each stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.cited import ALL_ARMS
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import MISSING, count_percent, mean_sd, median_iqr, whole
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.study import Characteristic

__all__ = ["baseline_table", "flow_table"]

_INDENT = "\u2003"
Row = dict[str, str]


def baseline_table(data: CitedResults) -> Tabulation | None:
    """Return Table 1: characteristics by arm and together, with counts of missing values and without p-values.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation or None
        None if the study file declares no characteristics. The population is that of the primary analysis.
    """
    population = data.study.population_of(data.primary)
    if not data.study.characteristics:
        return None
    rows = [
        row for item in data.study.characteristics for row in _characteristic(data, item, population.name)
    ]
    labels = {"label": "Characteristic"} | {
        _column(
            arm
        ): f"{data.arm_label(arm)} (n = {_stage_count(data, f'population:{population.name}', arm)})"
        for arm in _arms(data)
    }
    table = make_table("baseline", rows, labels, row_label="label", notes=_baseline_notes(data))
    caption = f"Baseline characteristics by arm as randomised. Population: {escape(population.label)}."
    return Tabulation("baseline", table, Markdown(caption))


def _arms(data: CitedResults) -> list[str]:
    return [*(arm.name for arm in data.study.arms), ALL_ARMS]


def _column(arm: str) -> str:
    return f"arm_{arm}"


def _stage_count(data: CitedResults, stage: str, arm: str) -> str:
    row = data.row("flow", f"flow/{stage}/{arm}")
    return MISSING if row is None else whole(row["n"])


def _baseline_notes(data: CitedResults) -> Iterator[str]:
    kinds = {"n (%)" if item.kind == "categorical" else item.summary for item in data.study.characteristics}
    words = {
        "mean_sd": "SD, standard deviation.",
        "median_iqr": "IQR, interquartile range (first to third quartile).",
        "n (%)": "Percentages are of participants with a value.",
    }
    yield from (text for kind, text in words.items() if kind in kinds)
    yield "Missing values are counted where there are any. Arms are not compared by tests: they were randomised."


def _characteristic(data: CitedResults, item: Characteristic, population: str) -> Iterator[Row]:
    stem = f"characteristic/{population}/{item.name}"
    if item.kind == "continuous":
        cells = {arm: data.row("descriptives", f"{stem}/{arm}") for arm in _arms(data)}
        yield {"label": _continuous_label(item)} | {
            _column(arm): _summary(row, item) for arm, row in cells.items()
        }
    else:
        rows = data.rows("descriptives", section="characteristic", population=population, variable=item.name)
        levels = dict.fromkeys(str(row.values["level"]) for row in rows)
        yield {"label": f"{item.label}, n (%)"} | dict.fromkeys(map(_column, _arms(data)), "")
        cells = {}
        for level in levels:
            cells = {arm: data.row("descriptives", f"{stem}/{level}/{arm}") for arm in _arms(data)}
            yield {"label": f"{_INDENT}{level.replace('_', ' ')}"} | {
                _column(arm): MISSING if row is None else count_percent(row["count"], row["proportion"])
                for arm, row in cells.items()
            }
    yield from _missing(cells)


def _continuous_label(item: Characteristic) -> str:
    unit = f", {item.unit}" if item.unit else ""
    return f"{item.label}{unit}, {'mean (SD)' if item.summary == 'mean_sd' else 'median (IQR)'}"


def _summary(row: CitedRow | None, item: Characteristic) -> str:
    if row is None:
        return MISSING
    if item.summary == "mean_sd":
        return mean_sd(row["mean"], row["sd"], item.digits)
    return median_iqr(row["median"], row["q1"], row["q3"], item.digits)


def _missing(cells: dict[str, CitedRow | None]) -> Iterator[Row]:
    counts = {arm: 0 if row is None else int(row["n_missing"]) for arm, row in cells.items()}
    if any(counts.values()):
        yield {"label": f"{_INDENT}Missing, n"} | {_column(arm): whole(n) for arm, n in counts.items()}


def flow_table(data: CitedResults) -> Tabulation:
    """Return the counts of participants at every stage, by arm as randomised and together."""
    stages = dict.fromkeys(str(row.values["stage"]) for row in data.rows("flow"))
    rows = [
        {"label": _stage_label(data, stage)}
        | {_column(arm): _stage_count(data, stage, arm) for arm in _arms(data)}
        for stage in stages
    ]
    labels = {"label": "Stage"} | {_column(arm): data.arm_label(arm) for arm in _arms(data)}
    table = make_table("flow", rows, labels, row_label="label")
    return Tabulation("flow", table, Markdown("Participants at each stage, by arm as randomised."))


def _stage_label(data: CitedResults, stage: str) -> str:
    """Return the words of a stage; the label of an analysed stage names the analysis too."""
    label = str(data.rows("flow", stage=stage)[0].values["label"])
    analysis = stage.removeprefix("analysed:").partition("/")[0]
    names = [
        item.label for item in data.study.analyses if stage.startswith("analysed:") and item.name == analysis
    ]
    return f"{label} ({names[0]})" if names else label
