"""The house style of tables: plain structure that survives in Word, labels that come out literally."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from great_tables import GT

__all__ = ["make_table"]

Row = Mapping[str, str]


def make_table(
    name: str,
    rows: Iterable[Row],
    labels: Mapping[str, str],
    *,
    spanners: Iterable[tuple[str, Sequence[str]]] = (),
    notes: Iterable[str] = (),
    row_label: str | None = None,
    group: str | None = None,
    centre: bool = True,
) -> GT:
    """Return a table in the house style.

    Parameters
    ----------
    name : str
        Label of the table without ``tbl-``; its HTML ids start with it.
    rows : iterable of mapping
        Column name to finished text.
    labels : mapping of str to str
        Heading of each column, in the order of the columns.
    spanners : iterable of tuple
        Headings above several columns, with these columns.
    notes : iterable of str
        Lines below the table: abbreviations and footnotes.
    row_label : str, optional
        The column that heads the rows.
    group : str, optional
        The column whose values head groups of rows.
    centre : bool
        Whether all columns but the first are centred; false for columns of words.

    Returns
    -------
    great_tables.GT
        All text is escaped.
    """
    from great_tables import GT

    columns = [*([group] if group else []), *labels]
    frame = pd.DataFrame(
        [{column: row[column] for column in columns} for row in rows], columns=columns, dtype="str"
    )
    table = GT(frame, rowname_col=row_label, groupname_col=group, id=f"gt-{name}")
    body = {column: _literal(label) for column, label in labels.items() if column != row_label}
    table = table.cols_label(body) if body else table
    table = table.tab_stubhead(label=_literal(labels[row_label])) if row_label else table
    for number, (label, columns_below) in enumerate(spanners):
        table = table.tab_spanner(label=_literal(label), columns=list(columns_below), id=f"spanner{number}")
    for note in notes:
        table = table.tab_source_note(_literal(note))
    aligned = [column for column in body if column != next(iter(labels))]
    return _styled(table.cols_align("center" if centre else "left", columns=aligned) if aligned else table)


def _literal(text: str) -> Any:
    """Return a label that great_tables takes as it stands; it would read ``{{...}}`` as a unit, and not escape it."""
    from great_tables import html as finished

    return finished(html.escape(text).replace("{", "&#123;"))


def _styled(table: GT) -> GT:
    return table.tab_options(
        table_font_size="0.85em",
        table_width="100%",
        data_row_padding="3px",
        column_labels_font_weight="bold",
        row_group_font_weight="bold",
        source_notes_font_size="0.9em",
        table_border_top_color="black",
        table_border_bottom_color="black",
    )
