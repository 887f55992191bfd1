"""What the commands show on the terminal, and the log that they leave."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.progress import Progress

    from neurotrial.errors import Problem

__all__ = [
    "LOG_FILE",
    "Bar",
    "console",
    "logging_to",
    "progress_bar",
    "show_problems",
    "show_table",
    "show_texts",
]

LOG_FILE = "neurotrial.log"
WIDTH_OF_FILES = 120
_LOG = logging.getLogger("neurotrial")


def console(*, stderr: bool = False) -> Console:
    """Return a console that wraps no paths, colours only on a terminal, and has room for tables in a file."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_FILES
    return Console(stderr=stderr, soft_wrap=True, highlight=False, width=width)


def show_problems(problems: Sequence[Problem]) -> None:
    """Print problems, errors first, and count them."""
    from rich.markup import escape

    screen = console(stderr=True)
    colours = {"error": "bold red", "warning": "bold yellow"}
    for severity, colour in colours.items():
        found = [problem for problem in problems if problem.severity == severity]
        for problem in found:
            screen.print(f"[{colour}]{severity}[/] {escape(str(problem))}")
        if found:
            screen.print(f"{len(found)} {severity}{'s' if len(found) > 1 else ''}", style=colour)


def show_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a small table; every column but the first is aligned to the right."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def show_texts(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of words, every column aligned to the left and wrapped where it is too wide."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(escaped, row))
    console().print(table, soft_wrap=False)


def escaped(text: str) -> str:
    """Return text whose brackets rich prints as they stand."""
    from rich.markup import escape

    return escape(text)


class Bar:
    """A progress bar: `step` names the step that begins, `detail` says what it is at."""

    def __init__(self, title: str, progress: Progress, total: int) -> None:
        self._title, self._progress, self._begun = title, progress, 0
        self._task = progress.add_task(title, total=total, step="")

    def step(self, name: str) -> None:
        """Count the step before as done and show the name of the one that begins."""
        self._progress.update(self._task, completed=self._begun, step=name)
        _LOG.info("%s: %s", self._title, name)
        self._begun += 1

    def done(self, name: str) -> None:
        """Count one more step as done, in whatever order steps end."""
        self._begun += 1
        self._progress.update(self._task, completed=self._begun, step=name)
        _LOG.info("%s: %s", self._title, name)

    def detail(self, text: str) -> None:
        """Show what the step is at."""
        self._progress.update(self._task, step=text)

    def finish(self) -> None:
        """Count the last step as done."""
        self._progress.update(self._task, completed=self._begun, step="")


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Bar]:
    """Show a progress bar with the time that has passed."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}", markup=False),
    )
    with Progress(*columns, console=console(stderr=True)) as progress:
        bar = Bar(title, progress, total)
        yield bar
        bar.finish()


@contextmanager
def logging_to(folder: Path) -> Iterator[logging.Logger]:
    """Append what happens to ``neurotrial.log`` in a folder; an error is logged before it goes on its way."""
    handler = logging.FileHandler(folder / LOG_FILE, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _LOG.setLevel(logging.INFO)
    _LOG.addHandler(handler)
    try:
        yield _LOG
    except Exception:
        _LOG.exception("stopped by an error")
        raise
    finally:
        _LOG.removeHandler(handler)
        handler.close()
