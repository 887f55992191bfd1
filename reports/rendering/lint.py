"""The linter: what lies outside the subset that the builtin renderer keeps, and what a document lacks."""

from __future__ import annotations

from pathlib import Path

from neurotrial.errors import InputError, Problem
from neurotrial.reports.rendering.document import Document, read_document
from neurotrial.reports.rendering.labels import label_problems
from neurotrial.reports.rendering.lint_cells import cell_problems
from neurotrial.reports.rendering.lint_images import image_problems
from neurotrial.reports.rendering.lint_settings import settings_problems
from neurotrial.reports.rendering.lint_text import text_problems
from neurotrial.reports.rendering.visible import visible_text

__all__ = ["checked_document", "lint"]


def lint(path: Path) -> list[Problem]:
    """List everything in a document that the builtin renderer would not render as Quarto does.

    Parameters
    ----------
    path : Path
        A .qmd file; its project settings, includes and images are looked at too.

    Returns
    -------
    list of Problem
        Each with ``file:line``; the rule says "needs Quarto" where the syntax is outside the subset. Empty for a
        document that can be rendered.
    """
    try:
        document, problems = read_document(path)
    except InputError as error:
        return list(error.problems)
    return problems + _document_problems(document)


def checked_document(path: Path) -> Document:
    """Read a document that passes the linter.

    Raises
    ------
    InputError
        With every problem.
    """
    document, problems = read_document(path)
    problems += _document_problems(document)
    if problems:
        raise InputError(problems)
    return document


def _document_problems(document: Document) -> list[Problem]:
    visible = visible_text(document.markdown)
    return [
        *settings_problems(document),
        *cell_problems(document),
        *text_problems(visible),
        *image_problems(document, visible),
        *label_problems(document, visible),
    ]
