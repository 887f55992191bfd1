"""The results store as documents read it: every value by its key, every key that was used on record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from neurotrial.reports.effects import Effect, effect_of
from neurotrial.reports.markdown_text import closed
from neurotrial.reports.number_format import take_printed
from neurotrial.study import Study

if TYPE_CHECKING:
    from neurotrial.results import Results
    from neurotrial.study import Analysis, Estimand, Outcome

__all__ = ["DERIVED", "PRINTED", "CitedResults", "CitedRow", "DerivedValue", "derived", "take_recent"]

ALL_ARMS = "all"

_WORDS = ("label", "unit", "source", "treatment", "variable", "summary")
"""Keys of a study file whose words stand in sentences and cells beside numbers."""


DerivedValue = TypeVar("DerivedValue", float, str)
_RECENT: dict[str, None] = {}


def take_recent() -> list[str]:
    """Return the citations made in this process since the last call, and the numbers printed, each once.

    Whatever report made them; a number with decimals follows `PRINTED`.
    """
    taken = [*_RECENT, *(f"{PRINTED}{text}" for text in take_printed())]
    _RECENT.clear()
    return taken


PRINTED = "printed "
"""What stands before a printed number among citations."""

DERIVED = "\x1f"
"""What parts the name of a derived value from the value, in a citation that is no key."""


def derived(what: str, value: DerivedValue) -> DerivedValue:
    """Return a value that a document computes of what it has read, after putting it on record for the audit.

    Parameters
    ----------
    what : str
        What it is, in a few words.
    value : float or str
        The value before it is rounded, or words with numbers in them.
    """
    _RECENT[f"{what}{DERIVED}{value if isinstance(value, str) else float(value)}"] = None
    return value


def _cite(record: dict[str, None], citation: str) -> None:
    record[citation] = None
    _RECENT[citation] = None


@dataclass(frozen=True, slots=True)
class CitedRow:
    """A row of the results store; reading a column puts the citation ``key#column`` on record.

    Attributes
    ----------
    key : str
        Key of the row.
    values : dict
        Column to value.
    record : dict
        The record of citations, shared by all rows of a store.
    """

    key: str
    values: dict[str, Any]
    record: dict[str, None]

    def __getitem__(self, column: str) -> Any:
        _cite(self.record, f"{self.key}#{column}")
        return self.values[column]


@dataclass(frozen=True, slots=True)
class CitedResults:
    """Results of a fit, their study file, and the citations that a document made.

    Attributes
    ----------
    results : Results
        As `neurotrial.results.read_results` gives them.
    study : Study
        The study file that they were fitted by.
    record : dict
        Citations ``key#column`` in the order of their first use.
    plain : dict
        Tables as rows, filled as they are read.
    """

    results: Results
    study: Study
    record: dict[str, None] = field(default_factory=dict)
    plain: dict[str, list[dict[str, Any]]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, results: Results) -> CitedResults:
        """Return the results with nothing cited yet."""
        return cls(results, Study.model_validate(_closed_words(results.study)))

    @property
    def citations(self) -> tuple[str, ...]:
        """Every ``key#column`` that has been read, each once."""
        return tuple(self.record)

    def cite(self, citation: str) -> Any:
        """Return the value of ``key#column`` and put it on record; an unknown one is an `InputError`."""
        value = self.results.value(citation)
        _cite(self.record, citation)
        return value

    def rows(self, table: str, **where: str) -> list[CitedRow]:
        """Return the rows of a table whose columns have these values, in the order of the table."""
        return [
            CitedRow(values["key"], values, self.record)
            for values in self._values(table)
            if all(values[column] == wanted for column, wanted in where.items())
        ]

    def _values(self, table: str) -> list[dict[str, Any]]:
        """Return a table as plain rows, made once: documents look up hundreds of single rows."""
        if table not in self.plain:
            frame = self.results.tables[table]
            self.plain[table] = [
                dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)
            ]
        return self.plain[table]

    def row(self, table: str, key: str) -> CitedRow | None:
        """Return the row of a key, or None if the table has no such row."""
        return next(iter(self.rows(table, key=key)), None)

    def effect(self, key: str) -> Effect:
        """Return the estimate of a key with its interval and labels; an unknown key is an `InputError`."""
        self.cite(f"{key}#estimate")
        return effect_of(self.rows("estimates", key=key)[0], self.study)

    def effects(self, analysis: str, outcome: str, method: str, term: str = "arm") -> list[Effect]:
        """Return the estimates of a method for an outcome of an analysis, one for each contrast."""
        rows = self.rows("estimates", analysis=analysis, outcome=outcome, method=method, term=term)
        return [effect_of(row, self.study) for row in rows]

    def methods(self, analysis: str, outcome: str) -> list[str]:
        """Return the methods that compared arms for an outcome of an analysis, in the order of the fit."""
        rows = self.rows("estimates", analysis=analysis, outcome=outcome, term="arm")
        return list(dict.fromkeys(row["method"] for row in rows))

    @property
    def primary(self) -> Analysis:
        """The primary analysis."""
        return next(analysis for analysis in self.study.analyses if analysis.role == "primary")

    @property
    def comparisons(self) -> tuple[str, ...]:
        """Names of the arms that are compared with the reference."""
        return tuple(arm.name for arm in self.study.arms if not arm.reference)

    def outcomes_of(self, analysis: Analysis) -> list[Outcome]:
        """Return the outcomes of an analysis."""
        return [self.study.outcome(name) for name in self.study.estimand_of(analysis).outcomes]

    def arm_label(self, name: str) -> str:
        """Return the label of an arm as the study file has it."""
        return next((arm.label for arm in self.study.arms if arm.name == name), "All")

    def visit_label(self, name: str) -> str:
        """Return the label of a visit."""
        return next(visit.label for visit in self.study.visits if visit.name == name)

    def n_randomised(self, arm: str = ALL_ARMS) -> int:
        """Return how many participants were randomised, to an arm or to all."""
        return int(self.cite(f"flow/randomised/{arm}#n"))

    def n_analysed(self, analysis: Analysis, outcome: str, arm: str = ALL_ARMS) -> int:
        """Return how many participants have baseline and follow-up of an outcome in the population of an analysis."""
        return int(self.cite(f"flow/analysed:{analysis.name}/{outcome}/{arm}#n"))

    def described(
        self, section: str, analysis: Analysis, outcome: str, visit: str
    ) -> Iterator[CitedRow | None]:
        """Yield the summary of an outcome at a visit for each arm, in the order of the arms."""
        population = self.study.population_of(analysis).name
        for arm in self.study.arms:
            yield self.row("descriptives", f"{section}/{population}/{outcome}/{visit}/{arm.name}")

    def estimand_visit(self, analysis: Analysis) -> tuple[Estimand, str]:
        """Return the estimand of an analysis and the label of its visit."""
        estimand = self.study.estimand_of(analysis)
        return estimand, self.visit_label(estimand.visit)


def _closed_words(value: Any, key: str = "") -> Any:
    """Return (part of) a study file with labels after which text goes on from left to right."""
    if isinstance(value, dict):
        return {name: _closed_words(item, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_closed_words(item, key) for item in value]
    return closed(value) if isinstance(value, str) and key in _WORDS else value
