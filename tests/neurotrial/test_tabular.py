from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.tables import TABLES, bids_dictionary
from neurotrial.tabular import read_table, write_table


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_any_line_end_and_a_byte_order_mark_are_read(tmp_path: Path, end: bytes, mark: bytes) -> None:
    path = tmp_path / "motor.tsv"
    path.write_bytes(mark + end.join([b"a\tb", b"1\tn/a", b"", b"2.5\t"]) + end)
    frame = read_table(path, "motor")
    assert list(frame.columns) == ["a", "b"]
    assert list(frame.index) == [2, 4]
    assert list(frame["a"]) == ["1", "2.5"]
    assert frame["b"].isna().all()


def test_quoted_cells_may_hold_the_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "motor.csv"
    path.write_text('a,b\n"x, y",2\n')
    assert read_table(path, "motor").iloc[0].tolist() == ["x, y", "2"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.tsv", b"", "is empty"),
        ("x.tsv", b"\n\n", "is empty"),
        ("x.tsv", b"a\ta\n1\t2\n", "a name of its own"),
        ("x.tsv", b"a\t\n1\t2\n", "a name of its own"),
        ("x.tsv", b"a\tb\n1\t2\t3\n1\t2\n", "line 2: 3 cells"),
        ("x.tsv", b"a,b\n1,2\n", "separated by a tab"),
        ("x.csv", b"a;b\n1;2\n", "separated by a comma"),
        ("x.tsv", "a\tb\n1\té\n".encode("latin-1"), "line 2: byte 0xe9"),
        ("x.tsv", "a\tb\n1\t2\n".encode("utf-16"), "must be UTF-8"),
        ("x.parquet", b"no parquet", "not readable Parquet"),
        ("x.xlsx", b"", "is no table"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_table(tmp_path / name, name)
    assert words in str(caught.value)
    assert name in str(caught.value)


def test_a_table_is_written_as_parquet_tsv_and_dictionary(tmp_path: Path) -> None:
    table = TABLES["motor"]
    frame = pd.DataFrame({
        "participant_id": ["sub-1", "sub-2"], "visit": ["baseline"] * 2, "days_since_randomisation": [0.0, None],
        "scale": ["fma_ue"] * 2, "score": [0.1 + 0.2, None],
    })  # fmt: skip
    paths = write_table(frame, tmp_path, table)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    stored = read_table(paths[0], "motor")
    assert list(stored.index) == [1, 2]
    pd.testing.assert_frame_equal(stored.reset_index(drop=True), frame, check_dtype=False)
    assert paths[1].read_text().splitlines()[1].endswith("\t0.30000000000000004")
    assert paths[1].read_text().splitlines()[2] == "sub-2\tbaseline\tn/a\tfma_ue\tn/a"
    assert json.loads(paths[2].read_text()) == bids_dictionary(table)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_contracts_are_consistent(table: object) -> None:
    from neurotrial.tables import Table

    assert isinstance(table, Table)
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert all(column.description for column in table.columns)


def test_the_dictionary_holds_units_levels_and_range() -> None:
    entries = bids_dictionary(TABLES["participants"])
    assert entries["age"] == {
        "Description": "age at randomisation",
        "Units": "years",
        "Minimum": 0,
        "Maximum": 120,
    }
    assert entries["sex"]["Levels"] == {"female": "female", "male": "male", "other": "other"}
