"""Reading and writing tables: Parquet is the truth, TSV with ``n/a`` and its JSON dictionary the copy."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import refuse
from neurotrial.paths import file_hash, replacing, write_text
from neurotrial.tables import Table, bids_dictionary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MISSING", "SUFFIXES", "empty_table", "is_written_copy", "read_table", "tsv_text", "write_table"]

MISSING = ("n/a", "")
"""What a missing cell looks like in a text table."""

_COPY = b"neurotrial.copy"

SUFFIXES = (".parquet", ".tsv", ".csv")
"""Kinds of table files, in the order in which they are looked for."""


def read_table(path: Path, label: str) -> pd.DataFrame:
    """Read a table file as it stands, without interpreting its cells.

    Parameters
    ----------
    path : Path
        A ``.parquet``, ``.tsv`` or ``.csv`` file; text is UTF-8, with any kind of line end.
    label : str
        What messages call the file.

    Returns
    -------
    DataFrame
        For text files all columns are strings, missing where the cell is ``n/a`` or empty, and the index is the
        line number in the file; for Parquet the stored types and row numbers from 1.

    Raises
    ------
    InputError
        If the file cannot be read, is no text in UTF-8, is empty, repeats a column, or has ragged lines.
    """
    if path.suffix == ".parquet":
        return _read_parquet(path, label)
    if path.suffix not in SUFFIXES:
        raise refuse(label, f"is no table: {path.suffix or 'no suffix'}", f"use one of {', '.join(SUFFIXES)}")
    return _read_text(path, label)


def _read_parquet(path: Path, label: str) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path)
    except (OSError, pa.ArrowException) as error:
        raise refuse(label, f"is not readable Parquet: {error}", "write the table again") from None
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def _read_text(path: Path, label: str) -> pd.DataFrame:
    import pandas as pd

    delimiter = "\t" if path.suffix == ".tsv" else ","
    reader = csv.reader(io.StringIO(_decode(path, label), newline=None), delimiter=delimiter)
    try:
        numbered = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        rule = f"line {reader.line_num} is not readable: {error}"
        raise refuse(label, rule, "mend this line") from None
    if not numbered:
        raise refuse(label, "is empty", "give it a header line and one line a row")
    header = [cell.strip() for cell in numbered[0][1]]
    _check_header(label, header, path.suffix)
    ragged = [f"line {line}: {len(row)} cells" for line, row in numbered[1:] if len(row) != len(header)]
    if ragged:
        raise refuse(
            label,
            f"every line must have the header's {len(header)} cells",
            "mend the delimiters of these lines",
            ragged,
        )
    cells = [[_cell(cell) for cell in row] for _, row in numbered[1:]]
    index = pd.Index([line for line, _ in numbered[1:]], name="line", dtype="int64")
    return pd.DataFrame(cells, columns=header, index=index, dtype="str")


def _cell(text: str) -> str | None:
    stripped = text.strip()
    return None if stripped in MISSING else stripped


def _decode(path: Path, label: str) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise refuse(
            label, f"cannot be read: {error.strerror}", "check the file and its permissions"
        ) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(raw[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
        row = f"line {line}: byte {raw[error.start]:#04x}"
        raise refuse(label, "must be UTF-8 text", "save the table with the encoding UTF-8", [row]) from None


def _check_header(label: str, header: list[str], suffix: str) -> None:
    repeated = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if repeated or "" in header:
        rule = "every column needs a name of its own"
        raise refuse(label, rule, "rename the columns", [f"column {name!r}" for name in repeated or [""]])
    if len(header) == 1 and any(mark in header[0] for mark in "\t,;"):
        wanted = "tab" if suffix == ".tsv" else "comma"
        raise refuse(
            label,
            f"cells of a {suffix} file are separated by a {wanted}",
            f"save it again with a {wanted} between cells",
        )


def empty_table(table: Table) -> pd.DataFrame:
    """Return a table without rows that has every column of its contract, typed."""
    import pandas as pd

    kinds = {"string": "str", "integer": "Int64", "number": "float64", "boolean": "boolean"}
    return pd.DataFrame({column.name: pd.Series([], dtype=kinds[column.dtype]) for column in table.columns})


def tsv_text(frame: pd.DataFrame) -> str:
    """Return a table as tab-separated text, with ``n/a`` for missing cells and ``true`` and ``false``."""
    shown = frame.copy()
    for name in frame:
        if frame[name].dtype.kind == "b":
            shown[name] = frame[name].map({True: "true", False: "false"})
    return shown.to_csv(sep="\t", na_rep="n/a", index=False, lineterminator="\n")


def write_table(frame: pd.DataFrame, folder: Path, table: Table) -> list[Path]:
    """Write a table as Parquet, with its TSV copy and the JSON dictionary of the columns.

    Parameters
    ----------
    frame : DataFrame
        Rows that keep the contract of ``table``.
    folder : Path
        Existing folder.
    table : Table
        The contract; it names the files.

    Returns
    -------
    list of Path
        The three files, each written under another name first and then put in place.
    """
    paths = [folder / f"{table.name}{suffix}" for suffix in (".parquet", ".tsv", ".json")]
    copy = tsv_text(frame)
    dictionary = json.dumps(bids_dictionary(table), indent=2, ensure_ascii=False)
    _write_parquet(frame, paths[0], copy)
    for path, content in zip(paths[1:], (copy, dictionary + "\n"), strict=True):
        write_text(path, content)
    return paths


def _write_parquet(frame: pd.DataFrame, path: Path, copy: str) -> None:
    """Write the Parquet file with the hash of its TSV copy, by which `is_written_copy` knows it again."""
    import pyarrow as pa
    from pyarrow import parquet

    stored = pa.Table.from_pandas(frame, preserve_index=False)
    digest = hashlib.blake2b(copy.encode(), digest_size=16).hexdigest()
    stored = stored.replace_schema_metadata({**(stored.schema.metadata or {}), _COPY: digest.encode()})
    with replacing(path) as temporary:
        parquet.write_table(stored, temporary)


def is_written_copy(path: Path, truth: Path) -> bool:
    """Tell whether a file is the TSV copy that was written with a Parquet file, and not edited since.

    Parameters
    ----------
    path : Path
        The file that may be the copy.
    truth : Path
        The Parquet file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        metadata = parquet.read_schema(truth).metadata or {}
    except (OSError, pa.ArrowException):
        return False
    return metadata.get(_COPY) == file_hash(path).encode()
