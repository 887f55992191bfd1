from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurotrial.table_checks import check_table, identifier_problems
from neurotrial.tables import TABLES, Column, Table

TABLE = Table(
    "toy",
    "a toy",
    ("id", "visit"),
    (
        Column("id", "string", "id", pattern="s[0-9]+"),
        Column("visit", "string", "visit", levels=("v0", "v1")),
        Column("score", "number", "score", minimum=0, maximum=10, nullable=True, unit="points"),
        Column("count", "integer", "count", minimum=0, required=False, nullable=True),
        Column("done", "boolean", "done", required=False, nullable=True),
    ),
)


def frame(**columns: list[str | None]) -> pd.DataFrame:
    base: dict[str, list[str | None]] = {"id": ["s1", "s1"], "visit": ["v0", "v1"], "score": ["1", "2.5"]}
    made = pd.DataFrame({**base, **columns}, dtype="str")
    made.index = pd.Index(range(2, 2 + len(made)), name="line")
    return made


def test_a_good_table_is_typed() -> None:
    typed, problems = check_table(frame(count=["3", None], done=["true", "FALSE"]), TABLE, "toy.tsv")
    assert problems == []
    assert typed["score"].tolist() == [1.0, 2.5]
    assert typed["count"].tolist() == [3, pd.NA]
    assert typed["done"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("columns", "where", "rule", "rows"),
    [
        ({"score": ["1", "x"]}, "toy.tsv: score", "finite number", ("line 3: visit=v1, score=x",)),
        ({"score": ["1", "inf"]}, "toy.tsv: score", "finite number", ("line 3: visit=v1, score=inf",)),
        ({"score": ["-1", "2"]}, "toy.tsv: score", "must lie in [0, 10] points", ("line 2: visit=v0, score=-1",)),
        ({"count": ["1.5", "2"]}, "toy.tsv: count", "whole number", ("line 2: visit=v0, count=1.5",)),
        ({"done": ["yes", "true"]}, "toy.tsv: done", "true or false", ("line 2: visit=v0, done=yes",)),
        ({"id": ["x1", "s1"]}, "toy.tsv: id", "must match s[0-9]+", ("line 2: visit=v0, id=x1",)),
        ({"id": [None, "s1"]}, "toy.tsv: id", "a value is missing", ("line 2: visit=v0, id=n/a",)),
        ({"visit": ["v0", "v2"]}, "toy.tsv: visit", "must be one of v0, v1", ("line 3: visit=v2",)),
        ({"visit": ["v0", "v0"]}, "toy.tsv", "one row for each id x visit",
         ("line 2: id=s1, visit=v0, score=1", "line 3: id=s1, visit=v0, score=2.5")),
    ],
)  # fmt: skip
def test_a_fault_names_column_rule_and_rows(
    columns: dict[str, list[str | None]], where: str, rule: str, rows: tuple[str, ...]
) -> None:
    _, problems = check_table(frame(**columns), TABLE, "toy.tsv")
    assert [problem.where for problem in problems] == [where]
    assert rule in problems[0].rule
    assert problems[0].rows == rows
    assert problems[0].remedy


def test_a_missing_column_is_told_with_a_near_name() -> None:
    _, problems = check_table(frame().rename(columns={"score": "scores"}), TABLE, "toy.tsv")
    assert any(p.where == "toy.tsv: score" and "rename the column 'scores'" in p.remedy for p in problems)
    assert any(p.where == "toy.tsv: scores" and p.severity == "warning" for p in problems)


def test_an_unreadable_cell_is_not_also_called_missing() -> None:
    strict = Table("toy", "toy", (), (Column("score", "number", "score"),))
    _, problems = check_table(pd.DataFrame({"score": ["x", None]}, dtype="str"), strict, "toy.tsv")
    assert [problem.rule for problem in problems] == [
        "every cell must be a finite number",
        "a value is missing",
    ]
    assert [len(problem.rows) for problem in problems] == [1, 1]


def test_only_the_first_rows_are_shown_and_the_rest_counted() -> None:
    many = pd.DataFrame({"id": [f"s{n}" for n in range(20)], "visit": "v0", "score": "99"}, dtype="str")
    _, problems = check_table(many, TABLE, "toy.tsv")
    assert str(problems[0]).count("\n    ") == 6
    assert "... and 15 more" in str(problems[0])


@given(st.lists(st.text(max_size=6), min_size=1, max_size=8))
def test_any_cells_give_problems_and_never_an_exception(cells: list[str]) -> None:
    given_cells = pd.DataFrame({"id": "s1", "visit": "v0", "score": cells}, dtype="str")
    typed, problems = check_table(given_cells, TABLE, "toy.tsv")
    read = typed["score"].dropna()
    assert read.between(0, 10).all() or any("must lie in" in problem.rule for problem in problems)


@pytest.mark.parametrize(
    "name", ["name", "patient_name", "DOB", "date_of_birth", "email", "e_mail", "phone", "hospital_id", "mrn"]
)
def test_columns_like_identifiers_are_refused_unless_allowed(name: str) -> None:
    table = pd.DataFrame({name: ["x"]})
    assert [p.where for p in identifier_problems(table, "t.tsv", [])] == [f"t.tsv: {name}"]
    assert identifier_problems(table, "t.tsv", [name]) == []


def test_no_column_of_a_contract_looks_like_an_identifier() -> None:
    for table in TABLES.values():
        empty = pd.DataFrame(columns=[column.name for column in table.columns])
        assert identifier_problems(empty, table.name, []) == []


@pytest.mark.parametrize(
    ("name", "faults"), [("events", 0), ("harms", 0), ("decisions", 0), ("motor", 1), ("participants", 1)]
)
def test_a_header_alone_says_that_nothing_happened_and_no_more(name: str, faults: int) -> None:
    header = pd.DataFrame(columns=[column.name for column in TABLES[name].columns])
    problems = [
        problem for problem in check_table(header, TABLES[name], name)[1] if "no rows" in problem.rule
    ]
    assert len(problems) == faults
