"""Rendering the documents of a study anew, beside the files that are there, and comparing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import InputError, refuse
from neurotrial.loading import load_study
from neurotrial.provenance import changes_since
from neurotrial.reports.build import (
    OUTPUT_FOLDER,
    Engine,
    ReportPlan,
    plan_reports,
    render_document,
    report_date,
)
from neurotrial.reports.verification.differences import differing_words, has_words
from neurotrial.study import FORMATS

if TYPE_CHECKING:
    from neurotrial.results import Results

__all__ = ["Verification", "Verified", "plan_verification", "verify_reports"]


@dataclass(frozen=True, slots=True)
class Verified:
    """A file of a report against the one that is rendered now.

    Attributes
    ----------
    file : str
        Name in ``output/``.
    verdict : {"identical", "other bytes", "other words", "missing"}
        ``other bytes``: of html and docx the words are the same, and pictures or markup differ; of a pdf only the bytes
        are compared.
    details : tuple of str
        The first words that differ.
    """

    file: str
    verdict: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found.

    Attributes
    ----------
    outdated : tuple of str
        Why the results are not those of the study as it is now; empty where they are.
    files : tuple of Verified
        One for each file of a report.
    """

    outdated: tuple[str, ...]
    files: tuple[Verified, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing has changed."""
        return not self.outdated and all(file.verdict == "identical" for file in self.files)


def verify_reports(
    plan: ReportPlan,
    progress: Callable[[str], None] = lambda _: None,
    detail: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Render every document of a study folder anew and compare with the files in ``output/``, which stay as they are.

    Parameters
    ----------
    plan : ReportPlan
        As `plan_verification` gives it; its renderer must be the one that made the files.
    progress, detail : callable
        As `neurotrial.reports.build.build_reports` takes them.

    Returns
    -------
    Verification
        Whether the results are up to date, and a verdict for each file.

    Raises
    ------
    InputError, RenderError
        If a document cannot be rendered.
    """
    folder = plan.folder
    outdated = tuple(_outdated(folder, plan.results))
    found: list[Verified] = []
    with tempfile.TemporaryDirectory(prefix="neurotrial-verify-") as name, report_date(plan.results):
        for document in plan.documents:
            progress(document.name)
            formats = [
                form for form in FORMATS if (folder / OUTPUT_FOLDER / f"{document.stem}.{form}").is_file()
            ]
            wanted = list(dict.fromkeys([*formats, *plan.formats]))
            made = render_document(replace(plan, formats=tuple(wanted)), document, Path(name), detail)
            found += [_compared(folder / OUTPUT_FOLDER / path.name, path) for path in made]
    return Verification(outdated, tuple(found))


def plan_verification(folder: Path, engine: Engine = "auto") -> ReportPlan:
    """Return what is rendered anew; an `InputError` where nothing has been rendered yet or the fit did not write the results."""
    plan = plan_reports(folder, None, engine)
    there = [
        path for document in plan.documents for path in (folder / OUTPUT_FOLDER).glob(f"{document.stem}.*")
    ]
    if not there:
        raise refuse(str(folder / OUTPUT_FOLDER), "holds no report", "run `neurotrial report` first")
    return plan


def _outdated(folder: Path, results: Results) -> list[str]:
    try:
        data = load_study(folder)
    except InputError as error:
        first = error.problems[0]
        return [f"the study cannot be read: {first.where}: {first.rule}"]
    return changes_since(results.provenance, data)


def _compared(old: Path, new: Path) -> Verified:
    if not old.is_file():
        return Verified(old.name, "missing")
    if old.read_bytes() == new.read_bytes():
        return Verified(old.name, "identical")
    words = differing_words(old, new) if has_words(old) else []
    return Verified(old.name, "other words" if words else "other bytes", tuple(words))
