"""Running a preflight: the manuscript as executed, against the profile of a journal."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from neurotrial.errors import refuse
from neurotrial.paths import writable_folder, write_text
from neurotrial.reports.build import OUTPUT_FOLDER, write_variables
from neurotrial.reports.preflight.checks import Check, check_manuscript
from neurotrial.reports.preflight.manuscript import read_manuscript
from neurotrial.reports.preflight.picture_checks import check_pictures, check_style
from neurotrial.reports.preflight.pictures import measure_pictures
from neurotrial.reports.preflight.places import word_places
from neurotrial.reports.preflight.profile import Profile, chosen_profile
from neurotrial.reports.rendering.render_builtin import execute_document, read_tree
from neurotrial.results import read_results
from neurotrial.study_file import STUDY_FILE, read_study

__all__ = ["TABLE_FILE", "Preflight", "preflight_document", "preflight_study"]

TABLE_FILE = "preflight.tsv"
MANUSCRIPT = "manuscript.qmd"
HEADER = ("check", "limit", "found", "verdict", "source", "details")


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a preflight found.

    Attributes
    ----------
    profile : Profile
        The limits.
    checks : tuple of Check
        One row each.
    """

    profile: Profile
    checks: tuple[Check, ...]

    @property
    def broken(self) -> tuple[Check, ...]:
        """The checks that the manuscript does not pass."""
        return tuple(check for check in self.checks if check.broken)

    def tsv(self) -> str:
        """Return the table as tab-separated values, the details of a check in one cell."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        writer.writerow(HEADER)
        for check in self.checks:
            cells = (check.check, check.limit, check.found, check.verdict, check.source)
            writer.writerow([*cells, "; ".join(check.details)])
        return out.getvalue()


def preflight_study(
    folder: Path, journal: str | None = None, progress: Callable[[str], None] = lambda _: None
) -> Preflight:
    """Execute the manuscript of a study, hold it against a profile, and write ``output/preflight.tsv``.

    Parameters
    ----------
    folder : Path
        The study folder, with results.
    journal : str, optional
        As `chosen_profile`.
    progress : callable
        Told what is done.

    Returns
    -------
    Preflight

    Raises
    ------
    InputError
        If plan, profile, results or manuscript are missing or broken.
    RenderError
        If a cell of the manuscript fails.
    """
    choices = read_study(folder / STUDY_FILE).report
    profile = chosen_profile(folder, choices, journal)
    document = folder / "reports" / MANUSCRIPT
    if not document.is_file():
        raise refuse(
            str(document), "there is no such document", "copy it from a folder that `neurotrial init` wrote"
        )
    results = read_results(folder)
    output = writable_folder(folder / OUTPUT_FOLDER)
    write_variables(folder, results)
    found = preflight_document(document, profile, choices.names_in_capitals, progress)
    write_text(output / TABLE_FILE, found.tsv())
    return found


def preflight_document(
    document: Path,
    profile: Profile,
    names: list[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Preflight:
    """Execute a document and hold it against a profile; nothing is written.

    Parameters
    ----------
    document : Path
        A .qmd file.
    profile : Profile
        The limits.
    names : list of str, optional
        Names in capitals that are no abbreviations.
    progress : callable
        Told what is done.

    Returns
    -------
    Preflight

    Raises
    ------
    InputError, RenderError
        If the document leaves the supported subset or a cell fails.
    """
    with tempfile.TemporaryDirectory(prefix="neurotrial-preflight-") as name:
        executed = execute_document(document, Path(name), progress)
        progress("counting")
        manuscript = read_manuscript(read_tree(executed))
        pictures = measure_pictures(manuscript.floats, executed.places)
    style = executed.document.metadata.get("csl")
    checks = [
        *check_manuscript(manuscript, profile, word_places(executed), names or []),
        *check_pictures(pictures, profile),
        check_style(Path(style) if style else None, profile),
    ]
    return Preflight(profile, tuple(checks))
