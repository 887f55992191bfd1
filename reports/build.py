"""Rendering the documents of a study folder from its results."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

import yaml

from neurotrial.errors import refuse
from neurotrial.paths import writable_folder, write_text
from neurotrial.reports.checklists.anchor_file import MANUSCRIPT, write_anchors
from neurotrial.reports.rendering.render import render
from neurotrial.reports.variables import report_variables
from neurotrial.results import read_results
from neurotrial.study import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from neurotrial.results import Results

__all__ = ["OUTPUT_FOLDER", "ReportPlan", "build_reports", "plan_reports", "write_variables"]

OUTPUT_FOLDER = "output"
Engine = Literal["auto", "quarto", "builtin"]
_FORMATS = get_args(Format)


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
    unknown = [name for name in wanted if name not in _FORMATS]
    if unknown:
        raise refuse(
            f"--to {','.join(wanted)}", f"unknown format {unknown[0]!r}", f"use {' or '.join(_FORMATS)}"
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
    for document in plan.documents:
        progress(document.name)
        outputs = render(
            document,
            plan.formats,
            plan.folder / OUTPUT_FOLDER,
            engine=plan.engine,
            progress=detail,
            executed=partial(write_anchors, plan.folder, plan.results)
            if document == plan.folder / MANUSCRIPT
            else None,
        )
        written += [output.path for output in outputs]
    return written


def write_variables(folder: Path, results: Results) -> None:
    """Write what the documents of a study folder take from the study file to ``_variables.yml``."""
    text = yaml.safe_dump(report_variables(results), allow_unicode=True, sort_keys=False)
    write_text(folder / "_variables.yml", text)
