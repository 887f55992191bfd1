"""What a statistician's own document needs: tidy tables, and tables and figures in the style of the report."""

from __future__ import annotations

import difflib
import numbers
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from neurotrial.errors import refuse
from neurotrial.reports.cited import derived
from neurotrial.reports.figures.style import mark_simulated, note_simulated
from neurotrial.reports.floats import Plot, Tabulation, figure_float, table_float
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import is_missing, number, whole
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from neurotrial.reports.cited import CitedResults
    from neurotrial.study import Analysis

__all__ = ["own_figure", "own_table", "patients_of", "table_of_results"]

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_DIGITS = 2


def table_of_results(data: CitedResults, name: str) -> pd.DataFrame:
    """Return a copy of a table of the results store.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    name : str
        E.g. ``"estimates"``; ``results/NAME.json`` describes the columns.

    Returns
    -------
    DataFrame
        Tidy; the column ``key`` is what prose cites.

    Raises
    ------
    InputError
        If the store has no such table.
    """
    tables = data.results.tables
    if name not in tables:
        raise _unknown("table of results", name, list(tables))
    return tables[name].copy()


def patients_of(data: CitedResults, outcome: str, population: str | None = None) -> pd.DataFrame:
    """Return the two values of everybody in a population, one row a participant.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    outcome : str
        An outcome of the study file.
    population : str, optional
        A population of the study file; by default that of the first analysis of the outcome.

    Returns
    -------
    DataFrame
        ``participant_id``, ``arm``, ``arm_label``, ``baseline``, ``follow_up``, ``change`` (follow-up minus baseline, in the
        unit of the outcome), and the covariates and population flags of the store; values are NaN where they are missing.

    Raises
    ------
    InputError
        If the study has no such outcome or population, or no analysis of the outcome, or the store does not hold the
        flag of the population.
    """
    analysis = _analysis_of(data, outcome)
    visit = data.study.estimand_of(analysis).visit
    table = data.results.tables["outcomes"]
    rows = table[(table["outcome"] == outcome) & (table["visit"] == visit)]
    rows = rows[_members(data, analysis, population, rows)]
    made: pd.DataFrame = rows.drop(columns=["visit", "outcome"]).rename(columns={"value": "follow_up"})
    made.insert(2, "arm_label", [data.arm_label(arm) for arm in made["arm"]])
    made.insert(list(made.columns).index("follow_up") + 1, "change", made["follow_up"] - made["baseline"])
    return made.reset_index(drop=True)


def _analysis_of(data: CitedResults, outcome: str) -> Analysis:
    analyses = [
        analysis for analysis in data.study.analyses if outcome in data.study.estimand_of(analysis).outcomes
    ]
    if not analyses:
        known = [
            name for analysis in data.study.analyses for name in data.study.estimand_of(analysis).outcomes
        ]
        raise _unknown("outcome of an analysis", outcome, list(dict.fromkeys(known)))
    return analyses[0]


def _members(data: CitedResults, analysis: Analysis, population: str | None, rows: pd.DataFrame) -> Any:
    import pandas as pd

    known = {item.name: item for item in data.study.populations}
    name = population or data.study.population_of(analysis).name
    if name not in known:
        raise _unknown("population", name, list(known))
    flag = known[name].flag
    if flag is None:
        return pd.Series(data=True, index=rows.index)
    if flag not in rows:
        raise refuse(
            f"population {name}", f"the results hold no flag {flag!r}", "use a population of an analysis"
        )
    return rows[flag].fillna(value=False).astype(bool)


def own_table(
    data: CitedResults,
    name: str,
    frame: pd.DataFrame,
    labels: Mapping[str, str],
    caption: str,
    *,
    digits: Mapping[str, int] | None = None,
    notes: Iterable[str] = (),
) -> Markdown:
    """Return a table in the style of the report, labelled ``tbl-NAME``.

    Parameters
    ----------
    data : CitedResults
        Results of a fit; a simulated study is named in the notes.
    name : str
        Small letters, digits and hyphens.
    frame : DataFrame
        One row for each row of the table; words stand as they are.
    labels : mapping of str to str
        Heading of each column that is shown, in order; the first column heads the rows.
    caption : str
        Plain words.
    digits : mapping of str to int, optional
        Decimals of columns of numbers; 2 where none are given. Counts have none.
    notes : iterable of str
        Lines below the table, e.g. what abbreviations stand for.

    Returns
    -------
    Markdown

    Raises
    ------
    InputError
        If the name is not one, or the frame lacks a column.
    """
    _check_name(name)
    lacking = [column for column in labels if column not in frame]
    if lacking:
        raise _unknown(f"column of the table {name!r}", lacking[0], list(map(str, frame.columns)))
    shown = {
        column: [_cell(value, (digits or {}).get(column, _DIGITS)) for value in frame[column]]
        for column in labels
    }
    for column in labels:
        for value in frame[column]:
            if isinstance(value, str) or _is_number(value):
                derived(f"{column} of the table {name}", value)
    rows = [dict(zip(labels, cells, strict=True)) for cells in zip(*shown.values(), strict=True)]
    below = [*notes, *_simulated(data)]
    table = make_table(name, rows, labels, row_label=next(iter(labels)), notes=below)
    return table_float(Tabulation(name, table, Markdown(escape(caption))))


def _simulated(data: CitedResults) -> Iterator[str]:
    words = note_simulated(data.study).strip()
    if words:
        yield words


def _cell(value: Any, digits: int) -> str:
    if isinstance(value, str):
        return value
    return whole(value) if isinstance(value, numbers.Integral) else number(value, digits)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, numbers.Real) and not is_missing(value)


def own_figure(data: CitedResults, name: str, figure: Figure, caption: str, alt: str) -> Markdown:
    """Return a figure in the style of the report, labelled ``fig-NAME``, at 300 dpi.

    Parameters
    ----------
    data : CitedResults
        Results of a fit; the figure of a simulated study is marked as such.
    name : str
        Small letters, digits and hyphens; also the name of the file in ``figures/``.
    figure : matplotlib.figure.Figure
        As `new_figure` gives it.
    caption : str
        Plain words; names the interval if one is drawn.
    alt : str
        The same for those who do not see it, numbers included.

    Returns
    -------
    Markdown

    Raises
    ------
    InputError
        If the name is not one, or there is no alternative text.
    """
    _check_name(name)
    if not alt.strip():
        raise refuse(f"figure {name}", "has no alternative text", "say in `alt` what the figure shows")
    mark_simulated(figure, data.study)
    return figure_float(Plot(name, figure, Markdown(escape(caption)), alt + note_simulated(data.study)))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        rule = "is no label: small letters, digits and hyphens, a letter first"
        raise refuse(f"name {name!r}", rule, "rename it")


def _unknown(what: str, name: str, known: list[str]) -> Exception:
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(known)}"
    return refuse(what, f"there is none of the name {name!r}", remedy)
