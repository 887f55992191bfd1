"""The rows of the standard sensitivity set as readers see them: one block for each main comparison."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from neurotrial.models.sensitivity_variations.sentences_of_changes import UNCOUNTED
from neurotrial.reports.effects import RATIO_DIGITS
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import is_missing, number

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.study import Analysis, Outcome

__all__ = ["CONCLUSIONS", "GROUPS", "Block", "blocks", "e_value_rows", "headline"]

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "main": "Main analysis",
        "population": "Population",
        "participants": "Single participants",
        "model": "Model",
        "covariates": "Covariates",
        "missing": "Missing outcomes",
        "tipping": "Tipping point",
        "prior": "Prior",
        "statistic": "Statistic of the region",
        "lesion": "Lesioned voxels",
        "threshold": "Threshold",
        "motion": "Motion",
    }
)
"""What is varied, in the order of the tables."""

CONCLUSIONS: Mapping[str, str] = MappingProxyType(
    {
        "same": "no",
        "significance": "yes: significance",
        "direction": "yes: direction",
        "not_estimable": "not estimable",
    }
)
"""Whether a variation changes the conclusion."""


@dataclass(frozen=True, slots=True)
class Block:
    """A main comparison and its variations.

    Attributes
    ----------
    analysis : Analysis
        The analysis.
    outcome : Outcome
        Its outcome.
    contrast, comparison : str
        What is compared, as the store has it and in labels.
    main : CitedRow
        The main comparison.
    rows : list of CitedRow
        Its variations.
    """

    analysis: Analysis
    outcome: Outcome
    contrast: str
    comparison: str
    main: CitedRow
    rows: list[CitedRow]

    @property
    def name(self) -> str:
        """Label of its table and figure."""
        return "-".join((self.analysis.name, self.outcome.name, self.contrast.partition(" ")[0])).replace(
            "_", "-"
        )

    @property
    def counted(self) -> list[CitedRow]:
        """The variations that agree with the main analysis or do not."""
        return [
            row
            for row in self.rows
            if row.values["status"] == "ok"
            and row.values["group"] not in UNCOUNTED
            and row.values["conclusion"] != "not_estimable"
        ]

    @property
    def drawn(self) -> list[CitedRow]:
        """The main comparison, then what is in its unit and not its very numbers again."""
        return [
            row
            for row in (self.main, *self.rows)
            if row.values["status"] == "ok"
            and row.values["group"] != "tipping"
            and row.values["unit"] == self.main.values["unit"]
        ]

    def digits(self, row: CitedRow) -> int:
        """Return the decimals of a row: the outcome's in its unit."""
        return self.outcome.digits if row.values["unit"] == self.outcome.unit else RATIO_DIGITS

    def counts(self, row: CitedRow) -> dict[str, int]:
        """Return the participants of a row by arm."""
        text = row["n_per_arm"]
        return {} if is_missing(text) or not text else dict(json.loads(text))

    def shifts(self) -> list[str]:
        """Return the tipping points with their unit; that there is none, if so."""
        found = [
            row for row in self.rows if row.values["group"] == "tipping" and row.values["status"] == "ok"
        ]
        return [
            "none"
            if is_missing(row.values["delta"])
            else f"{number(row['delta'], self.outcome.digits)} {self.outcome.unit}"
            for row in found
        ]


def blocks(data: CitedResults) -> Iterator[Block]:
    """Yield each main comparison with its variations, in the order of the study file."""
    study = data.study
    analyses = {analysis.name: analysis for analysis in study.analyses}
    labels = {arm.name: arm.label for arm in study.arms}
    for main in data.rows("sensitivity", group="main"):
        place = {name: str(main.values[name]) for name in ("analysis", "outcome", "contrast")}
        rows = [
            row
            for row in data.rows("sensitivity", **place)
            if row.values["group"] not in ("main", "confounding")
        ]
        words = " minus ".join(labels.get(part, part) for part in place["contrast"].split(" - "))
        yield Block(
            analyses[place["analysis"]], study.outcome(place["outcome"]), place["contrast"], words, main, rows
        )


def e_value_rows(data: CitedResults) -> list[CitedRow]:
    """Return the rows of unmeasured confounding."""
    return data.rows("sensitivity", group="confounding")


def headline(block: Block, *, several: bool) -> Markdown:
    """Return analysis and outcome, with the comparison where there are several."""
    what = f"{block.analysis.label}, {block.outcome.label}"
    return Markdown(escape(f"{what}, {block.comparison}" if several else what))
