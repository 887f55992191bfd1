"""The part of a study file that declares a multiverse: decisions, the combinations that make no sense, and the reference."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from neurotrial.study_part import Name, Part, Text

__all__ = ["MODELS", "Constraint", "Decision", "Exclusion", "MultiversePlan"]

Kind = Literal[
    "outcome",
    "source",
    "transformation",
    "population",
    "exclusion",
    "model",
    "covariance",
    "covariates",
    "missing",
    "prior",
]
MODELS = (
    "ancova_ols",
    "ancova_hc3",
    "change_welch",
    "change_pooled",
    "follow_up_welch",
    "mmrm_group_time",
    "clda",
    "mm_regression",
    "m_regression",
    "median_regression",
    "bayes_ancova",
)
"""Models that a specification may name: those whose estimate is in the unit of the outcome."""

Option = Annotated[str, Field(min_length=1, max_length=60)]
_LARGEST = 20_000


class Exclusion(Part):
    """Participants who are left out: by a quality measure of one of their scans, or by a true/false column.

    Attributes
    ----------
    measure : str or None
        Measure of the table `quality`.
    above, below : float or None
        Who has a scan beyond the limit is left out; exactly one goes with `measure`.
    flag : str or None
        Column of `participants`; who has true in it is left out.
    """

    measure: Text | None = None
    above: float | None = None
    below: float | None = None
    flag: Name | None = None


class Decision(Part):
    """A decision and its options, each under the words that readers see.

    Attributes
    ----------
    name : str
        Name of the decision.
    kind : str
        What an option is: ``outcome`` (name of an outcome), ``source`` (columns of the outcome's source and their values,
        e.g. region, statistic, lesion policy, cleaning strategy, threshold), ``transformation`` (identity, log,
        square_root, logit), ``population`` (name), ``exclusion`` (null or an `Exclusion`), ``model`` (one of `MODELS`),
        ``covariance`` (structure of mixed models), ``covariates`` (list of terms), ``missing`` (complete, mar, j2r, cr,
        cir, lmcf, weights), ``prior`` (sceptical, neutral, enthusiastic).
    options : dict
        Two or more.
    """

    name: Name
    kind: Kind
    label: Text | None = None
    options: Annotated[dict[Option, Any], Field(min_length=2)]


class Constraint(Part):
    """A combination that makes no sense, and why.

    Attributes
    ----------
    forbid : dict of str to str or list of str
        Decision and option, or several options; the combination is left out where all of them fit.
    reason : str
        For readers.
    """

    forbid: Annotated[dict[Name, Option | list[Option]], Field(min_length=1)]
    reason: Text

    def fits(self, options: Mapping[str, str]) -> bool:
        """Tell whether a specification has the forbidden combination."""
        return all(
            options[name] in ([wanted] if isinstance(wanted, str) else wanted)
            for name, wanted in self.forbid.items()
        )


class MultiversePlan(Part):
    """Every defensible way to analyse one effect.

    Attributes
    ----------
    analysis : str
        The analysis whose outcome, population, covariates and main method hold where no decision says otherwise.
    outcome : str or None
        Outcome; the first of the analysis by default.
    decisions : list of Decision
        Crossed with each other.
    constraints : list of Constraint
        Combinations that are left out.
    reference : dict of str to str
        The pre-specified option of each decision; the first one where none is named.
    """

    analysis: Name
    outcome: Name | None = None
    decisions: Annotated[list[Decision], Field(min_length=1, max_length=12)]
    constraints: list[Constraint] = Field(default_factory=list)
    reference: dict[Name, Option] = Field(default_factory=dict)

    @property
    def reference_options(self) -> dict[str, str]:
        """The option of each decision in the reference specification."""
        return {one.name: self.reference.get(one.name, next(iter(one.options))) for one in self.decisions}

    @property
    def n_combinations(self) -> int:
        """Combinations before constraints."""
        count = 1
        for decision in self.decisions:
            count *= len(decision.options)
        return count

    def combinations(self) -> Iterator[dict[str, str]]:
        """Yield every combination of options, those that constraints forbid too."""
        names = [decision.name for decision in self.decisions]
        for chosen in itertools.product(*(decision.options for decision in self.decisions)):
            yield dict(zip(names, chosen, strict=True))

    @property
    def too_many(self) -> bool:
        """Whether there are more combinations than are fitted at once."""
        return self.n_combinations > _LARGEST
