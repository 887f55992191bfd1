"""What an audit writes beside the reports, and what it reads: the list of numbers, of cited values, and of what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from neurotrial.errors import refuse
from neurotrial.paths import write_text
from neurotrial.reports.audit.audit import Finding, audited
from neurotrial.reports.audit.binding import cited_values
from neurotrial.reports.cited import DERIVED

if TYPE_CHECKING:
    from neurotrial.reports.rendering.render_builtin import Executed
    from neurotrial.results import Results

__all__ = ["ALLOWED_FILE", "AUDIT_FILE", "CITED_FILE", "Audit", "Auditor", "allowed_patterns"]

ALLOWED_FILE = "reports/allowed-numbers.yaml"
"""The study's own list of numbers that come from no data."""

AUDIT_FILE, CITED_FILE = "output/audit.tsv", "output/cited.tsv"


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    findings : tuple of Finding
        Every number of every document.
    changes : tuple of (str, str, str)
        Citation, value at the last audit, value now; of those that both audits saw.
    first : bool
        Whether there was no audit before.
    """

    findings: tuple[Finding, ...]
    changes: tuple[tuple[str, str, str], ...]
    first: bool

    @property
    def unbound(self) -> tuple[Finding, ...]:
        """Numbers that come from nowhere."""
        return tuple(finding for finding in self.findings if not finding.origin)


class Auditor:
    """Audits the documents of a study folder one by one as they are rendered.

    Parameters
    ----------
    folder : Path
        The study folder.
    results : Results
        What the documents show.

    Raises
    ------
    InputError
        If the study's list of allowed numbers breaks a rule.
    """

    def __init__(self, folder: Path, results: Results) -> None:
        self._folder, self._results = folder, results
        self._allowed = allowed_patterns(folder)
        self._findings: list[Finding] = []
        self._citations: dict[str, None] = {}

    def see(self, executed: Executed) -> None:
        """Audit a document."""
        self._findings += audited(executed, self._results, self._allowed)
        self._citations |= dict.fromkeys(
            citation for block in executed.cited for citation in block if DERIVED not in citation
        )

    def finish(self) -> Audit:
        """Write the lists of numbers and of cited values, and return what was found and what has changed."""
        past = _read_cited(self._folder / CITED_FILE)
        now = {item.citation: str(item.value) for item in cited_values(self._results, self._citations)}
        changes = tuple(
            (citation, past[citation], value)
            for citation, value in now.items()
            if past is not None and past.get(citation, value) != value
        )
        names = [field.name for field in fields(Finding)]
        rows = (asdict(finding) for finding in self._findings)
        write_text(self._folder / AUDIT_FILE, _tsv(names, ([row[name] for name in names] for row in rows)))
        write_text(self._folder / CITED_FILE, _tsv(["citation", "value"], now.items()))
        return Audit(tuple(self._findings), changes, past is None)


def allowed_patterns(folder: Path) -> list[str]:
    """Return the patterns of numbers that come from no data: those that ship, then the study's own."""
    shipped = yaml.safe_load(files("neurotrial.reports.audit").joinpath("allowed.yaml").read_text("utf-8"))
    own = folder / ALLOWED_FILE
    if not own.is_file():
        return list(shipped)
    try:
        listed = yaml.safe_load(own.read_text("utf-8")) or []
    except yaml.YAMLError as error:
        raise refuse(ALLOWED_FILE, f"is no YAML: {error}", "write a list of patterns in quotes") from None
    faulty = [item for item in listed if not _is_pattern(item)] if isinstance(listed, list) else [listed]
    if faulty:
        rule = "each item is a regular expression with {n} in the place of the number"
        raise refuse(ALLOWED_FILE, rule, 'write e.g. - "within {n} hours"', [str(item) for item in faulty])
    return [*shipped, *listed]


def _is_pattern(item: object) -> bool:
    if not isinstance(item, str) or "{n}" not in item:
        return False
    try:
        re.compile(item.replace("{n}", "N"))
    except re.error:
        return False
    return True


def _read_cited(path: Path) -> Mapping[str, str] | None:
    if not path.is_file():
        return None
    lines = path.read_text("utf-8").splitlines()[1:]
    return dict(line.split("\t", 1) for line in lines if "\t" in line)


def _tsv(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    # a context may hold tabs and line ends
    lines = ("\t".join(" ".join(str(cell).split()) for cell in row) for row in rows)
    return "\n".join(["\t".join(names), *lines]) + "\n"
