"""Holding a table against its contract: types and values, every fault with its file, column and rows."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from neurotrial.errors import Problem
from neurotrial.tables import TABLES, Column, Table

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

__all__ = ["check_table", "describe_rows", "identifier_problems", "typed_column", "unreadable_cells"]

_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_IDENTIFIERS = re.compile(
    r"^(.*_)?(name|surname|forename|initials|birth_?date|date_of_birth|dob|address|street|zip(_?code)?|postcode|phone|"
    r"telephone|mobile|e_?mail|mrn|ssn|nhs_number|hospital_(number|id)|medical_record.*|patient_name|passport|insurance.*)$",
    re.IGNORECASE,
)


def check_table(
    frame: pd.DataFrame, table: Table, label: str, *, unique: bool = True
) -> tuple[pd.DataFrame, list[Problem]]:
    """Give the columns of a table their types and list everything that breaks its contract.

    Parameters
    ----------
    frame : DataFrame
        As `neurotrial.tabular.read_table` gives it.
    table : Table
        The contract.
    label : str
        What messages call the file.
    unique : bool
        Whether the table's key must be unique; false where a visit rule resolves repeated visits.

    Returns
    -------
    DataFrame
        The typed table; cells that cannot be read are missing. Columns beyond the contract stay as they are.
    list of Problem
        All faults; empty where the contract is kept.
    """
    import pandas as pd

    missing = [column for column in table.columns if column.required and column.name not in frame]
    problems = [_missing_column(column, frame, label) for column in missing]
    problems += _extra_columns(frame, table, label)
    if frame.empty and not table.may_be_empty:
        problems.append(Problem(label, "has no rows", "give it one line a row below the header"))
    typed, unreadable = frame.copy(), pd.DataFrame(index=frame.index)
    for column in table.columns:
        if column.name in frame:
            typed[column.name], unreadable[column.name] = typed_column(frame[column.name], column)
            problems += unreadable_cells(frame, unreadable[column.name], column, label)
    problems += _value_problems(typed, unreadable, table, label)
    return typed, [*problems, *(_key_problems(typed, table, label) if unique else ())]


def identifier_problems(frame: pd.DataFrame, label: str, allowed: Iterable[str]) -> list[Problem]:
    """Refuse columns whose names look like direct identifiers, but for those allowed by name."""
    suspects = [
        str(name) for name in frame.columns if _IDENTIFIERS.match(str(name)) and name not in set(allowed)
    ]
    remedy = "remove the column; if it identifies nobody, name it under `allowed_columns` in study.yaml"
    return [Problem(f"{label}: {name}", "looks like a direct identifier", remedy) for name in suspects]


def describe_rows(frame: pd.DataFrame, index: Iterable[Hashable], columns: Iterable[str]) -> tuple[str, ...]:
    """Describe rows for a message: ``line 14: participant_id=sub-03, score='abc'``."""
    place = str(frame.index.name or "row")
    names = [name for name in columns if name in frame]
    rows = frame.loc[list(index), names]
    return tuple(
        f"{place} {line}: "
        + ", ".join(f"{name}={_shown(value)}" for name, value in zip(names, values, strict=True))
        for line, values in zip(rows.index, rows.itertuples(index=False, name=None), strict=True)
    )


def _shown(value: Any) -> str:
    import pandas as pd

    if pd.isna(value):
        return "n/a"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _missing_column(column: Column, frame: pd.DataFrame, label: str) -> Problem:
    import difflib

    close = difflib.get_close_matches(column.name, [str(name) for name in frame.columns], n=1)
    remedy = f"rename the column {close[0]!r}" if close else f"add the column: {column.description}"
    return Problem(f"{label}: {column.name}", "the column is missing", remedy)


def _extra_columns(frame: pd.DataFrame, table: Table, label: str) -> list[Problem]:
    known = {column.name for column in table.columns}
    extra = [str(name) for name in frame.columns if name not in known]
    if table.open or not extra:
        return []
    rule = f"the table {table.name} has no such column"
    return [
        Problem(f"{label}: {name}", rule, "it is not read; remove or rename it", severity="warning")
        for name in extra
    ]


def typed_column(values: pd.Series[Any], column: Column) -> tuple[pd.Series[Any], pd.Series[bool]]:
    """Return a column with the type of its contract, and which cells could not be read as that type."""
    import numpy as np
    import pandas as pd

    given = values.notna()
    typed: Any
    if column.dtype == "string":
        return values.astype("str"), pd.Series(data=False, index=values.index)
    if column.dtype == "boolean":
        words = values.astype("str").str.lower()
        typed = words.map(_TRUTH).astype("boolean")
    else:
        numbers = pd.to_numeric(values, errors="coerce").astype("float64").replace([np.inf, -np.inf], np.nan)
        if column.dtype == "integer":
            numbers = numbers.where(numbers == numbers.round())
        typed = numbers.astype("Int64") if column.dtype == "integer" else numbers
    return typed, given & typed.isna()


def unreadable_cells(
    frame: pd.DataFrame, unreadable: pd.Series[bool], column: Column, label: str
) -> Iterator[Problem]:
    """Yield the problem of the cells that could not be read as their column's type, if there are any."""
    if unreadable.any():
        rule = {
            "number": "every cell must be a finite number",
            "integer": "every cell must be a whole number",
        }.get(column.dtype, "every cell must be true or false")
        rows = describe_rows(frame, frame.index[unreadable], ("participant_id", "visit", column.name))
        yield Problem(
            f"{label}: {column.name}", rule, "correct the cells; write n/a where a value is missing", rows
        )


def _value_problems(
    typed: pd.DataFrame, unreadable: pd.DataFrame, table: Table, label: str
) -> Iterator[Problem]:
    import pandera.errors

    present = [column for column in table.columns if column.name in typed]
    try:
        _schema(present).validate(typed, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return
    for (name, check), index in cases.groupby(["column", "check"], sort=False)["index"]:
        told = unreadable.index[unreadable[name]] if check == "not_nullable" else ()
        rows = [row for row in index if row not in set(told)]
        if rows:
            yield _value_problem(typed, table.column(str(name)), str(check), rows, label)


def _value_problem(
    typed: pd.DataFrame, column: Column, check: str, index: list[Hashable], label: str
) -> Problem:
    rules = {
        "not_nullable": ("a value is missing", "fill it in, or remove the row"),
        "range": (f"must lie in {_range_text(column)}", "correct the value; write n/a where it is missing"),
        "levels": (f"must be one of {', '.join(column.levels)}", "correct the spelling"),
        "pattern": (_pattern_text(column), "rename the values"),
    }
    rule, remedy = rules[check]
    rows = describe_rows(typed, index, dict.fromkeys(("participant_id", "visit", column.name)))
    return Problem(f"{label}: {column.name}", rule, remedy, rows)


def _pattern_text(column: Column) -> str:
    if column == TABLES["participants"].column("participant_id"):
        return "must be `sub-` followed by letters and digits only, no slash, dot or space"
    return f"must match {column.pattern}"


def _range_text(column: Column) -> str:
    low = "-inf" if column.minimum is None else f"{column.minimum:g}"
    high = "inf" if column.maximum is None else f"{column.maximum:g}"
    return f"[{low}, {high}]" + (f" {column.unit}" if column.unit else "")


def _schema(columns: Iterable[Column]) -> pa.DataFrameSchema:
    import pandera.pandas as pa

    return pa.DataFrameSchema({
        column.name: pa.Column(
            checks=list(_checks(column)),
            nullable=column.nullable,
        )
        for column in columns
    })  # fmt: skip


def _checks(column: Column) -> Iterator[pa.Check]:
    import pandera.pandas as pa

    low, high = column.minimum, column.maximum
    if low is not None or high is not None:
        floor, ceiling = (-float("inf") if low is None else low), (float("inf") if high is None else high)
        yield pa.Check(lambda values: values.between(floor, ceiling), error="range", ignore_na=True)
    if column.levels:
        yield pa.Check(lambda values: values.isin(column.levels), error="levels", ignore_na=True)
    if column.pattern:
        yield pa.Check(lambda values: values.str.fullmatch(column.pattern), error="pattern", ignore_na=True)


def _key_problems(typed: pd.DataFrame, table: Table, label: str) -> Iterator[Problem]:
    key = [name for name in table.key if name in typed]
    if not key or len(key) < len([name for name in table.key if table.column(name).required]):
        return
    doubled = typed.index[typed.duplicated(key, keep=False)]
    if len(doubled):
        rule = f"one row for each {' x '.join(key)}"
        yield Problem(
            label,
            rule,
            "keep one of the rows",
            describe_rows(typed, doubled, (*key, "arm", "score", "value")),
        )
