"""Rendering the documents of a study folder from its results."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import yaml

from neurotrial.errors import refuse
from neurotrial.paths import writable_folder, write_text
from neurotrial.reports.checklists.anchor_file import MANUSCRIPT, write_anchors
from neurotrial.reports.rendering.render import render
from neurotrial.reports.variables import report_variables
from neurotrial.results import read_results
from neurotrial.study import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from neurotrial.reports.rendering.render_builtin import Executed
    from neurotrial.results import Results

__all__ = [
    "OUTPUT_FOLDER",
    "Engine",
    "ReportPlan",
    "build_reports",
    "plan_reports",
    "render_document",
    "report_date",
    "write_variables",
]

OUTPUT_FOLDER = "output"
Engine = Literal["auto", "quarto", "builtin"]


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """What is to be rendered; made before anything is written.

    Attributes
    ----------
    folder : Path
        The study folder.
    documents : tuple of Path
        The ``.qmd`` files in ``reports/``, the manuscript first.
    formats : tuple of str
        Formats of every document.
    engine : {"auto", "quarto", "builtin"}
        The renderer.
    results : Results
        What the documents show.
    """

    folder: Path
    documents: tuple[Path, ...]
    formats: tuple[str, ...]
    engine: Engine
    results: Results

    @property
    def steps(self) -> list[str]:
        """One name for each document."""
        return [document.name for document in self.documents]


def plan_reports(folder: Path, formats: Sequence[str] | None, engine: Engine) -> ReportPlan:
    """Check that the reports of a folder can be rendered.

    Parameters
    ----------
    folder : Path
        The study folder.
    formats : sequence of str or None
        ``html``, ``docx``, ``pdf``; None takes those of the study file.
    engine : {"auto", "quarto", "builtin"}
        The renderer.

    Returns
    -------
    ReportPlan
        Documents, formats and results.

    Raises
    ------
    InputError
        If there are no results or no documents, a format is unknown, or the output folder cannot be written.
    """
    results = read_results(folder)
    wanted = tuple(formats or results.study["report"]["formats"])
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown:
        raise refuse(
            f"--to {','.join(wanted)}", f"unknown format {unknown[0]!r}", f"use {' or '.join(FORMATS)}"
        )
    found = (path for path in (folder / "reports").glob("*.qmd") if not path.name.startswith("_"))
    # the checklists in other documents are filled from the manuscript
    documents = tuple(sorted(found, key=lambda path: (path != folder / MANUSCRIPT, path)))
    if not documents:
        raise refuse(
            str(folder / "reports"),
            "holds no .qmd document",
            "run `neurotrial init` in a new folder and copy its reports/",
        )
    writable_folder(folder / OUTPUT_FOLDER)
    return ReportPlan(folder, documents, wanted, engine, results)


def build_reports(
    plan: ReportPlan,
    progress: Callable[[str], None] = lambda _: None,
    detail: Callable[[str], None] = lambda _: None,
    executed_document: Callable[[Executed], None] | None = None,
) -> list[Path]:
    """Render every document of a plan.

    Parameters
    ----------
    plan : ReportPlan
        As `plan_reports` gives it.
    progress : callable
        Told the name of each document before it is rendered.
    detail : callable
        Told what the renderer is at.
    executed_document : callable, optional
        Given each document when its cells have run; with Quarto they are then run twice.

    Returns
    -------
    list of Path
        The files written, in ``output/``.

    Raises
    ------
    RenderError, InputError
        If a document leaves the supported subset or one of its cells fails; its files are not written then.
    """
    write_variables(plan.folder, plan.results)
    written = []
    with report_date(plan.results):
        for document in plan.documents:
            progress(document.name)

            def executed_now(executed: Executed, document: Path = document) -> None:
                if document == plan.folder / MANUSCRIPT:
                    write_anchors(plan.folder, plan.results, executed.text)
                if executed_document:
                    executed_document(executed)

            wanted = document == plan.folder / MANUSCRIPT or executed_document is not None
            written += render_document(
                plan, document, plan.folder / OUTPUT_FOLDER, detail, executed_now if wanted else None
            )
    return written


def render_document(
    plan: ReportPlan,
    document: Path,
    output: Path,
    detail: Callable[[str], None],
    executed: Callable[[Executed], None] | None = None,
) -> list[Path]:
    """Render one document of a plan into a folder and return the files."""
    outputs = render(document, plan.formats, output, engine=plan.engine, progress=detail, executed=executed)
    return [made.path for made in outputs]


@contextmanager
def report_date(results: Results) -> Iterator[None]:
    """Let files carry the date of the fit, unless ``SOURCE_DATE_EPOCH`` names another: the same results give the same bytes."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        yield
        return
    fitted = datetime.fromisoformat(results.provenance["created"])
    os.environ["SOURCE_DATE_EPOCH"] = str(int(fitted.timestamp()))
    try:
        yield
    finally:
        del os.environ["SOURCE_DATE_EPOCH"]


def write_variables(folder: Path, results: Results) -> None:
    """Write what the documents of a study folder take from the study file to ``_variables.yml``."""
    text = yaml.safe_dump(report_variables(results), allow_unicode=True, sort_keys=False)
    write_text(folder / "_variables.yml", text)
