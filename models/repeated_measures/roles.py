"""What a repeated-measures model is told about its table: which column is what, and how the covariance is shaped."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.formulas import formula_faults, formula_names
from neurotrial.models.checks import missing_columns
from neurotrial.models.repeated_measures.named import NEEDS_TIME, STRUCTURES, Covariance

if TYPE_CHECKING:
    import pandas as pd

Choice = TypeVar("Choice", bound=str)

__all__ = ["Roles", "check_choice", "roles_of"]


@dataclass(frozen=True, slots=True)
class Roles:
    """Columns and settings, checked against the table.

    Attributes
    ----------
    outcome, terms : str
        The two sides of the formula.
    subject, visit : str
        Columns with participant and visit.
    time, weights, by_arm : str or None
        Columns with times, precision weights, and arms that have a covariance of their own.
    covariance : str
        Name of the structure.
    """

    outcome: str
    terms: str
    subject: str
    visit: str
    time: str | None
    weights: str | None
    by_arm: str | None
    covariance: Covariance

    @property
    def explaining(self) -> list[str]:
        """Columns that the terms of the formula name."""
        return formula_names(self.terms)

    def is_factor(self, name: str) -> bool:
        """Say whether the formula makes a factor of a column, as in ``C(site)``."""
        return re.search(rf"\bC\(\s*{re.escape(name)}\s*[,)]", self.terms) is not None

    @property
    def columns(self) -> list[str]:
        """Every column that the model needs, each once."""
        others = [name for name in (self.time, self.weights, self.by_arm) if name]
        return list(dict.fromkeys([self.subject, self.visit, self.outcome, *self.explaining, *others]))

    @property
    def visit_is_factor(self) -> bool:
        """Whether the visit stands for a factor; it is a number where it is the time as well."""
        return self.visit != self.time


def roles_of(
    formula: str,
    data: pd.DataFrame,
    *,
    subject: str,
    visit: str,
    time: str | None = None,
    weights: str | None = None,
    by_arm: str | None = None,
    covariance: str = "us",
) -> Roles:
    """Check formula, columns and structure.

    Parameters
    ----------
    formula : str
        ``"outcome ~ terms"``; terms of names, ``+ - * : ( )``, numbers and ``log poly bs C center``.
    data : DataFrame
        One row per participant and visit.
    subject, visit, time, weights, by_arm, covariance : str
        See `Roles`.

    Returns
    -------
    Roles
        What they mean.

    Raises
    ------
    InputError
        With everything that is wrong.
    """
    name = check_choice("covariance", covariance, STRUCTURES)
    outcome, _, terms = (part.strip() for part in formula.partition("~"))
    roles = Roles(outcome, terms, subject, visit, time, weights, by_arm, name)
    problems = [*_formula_problems(formula, roles), *_time_problems(roles)]
    if problems:
        raise InputError(problems)
    problems = [*missing_columns(data, roles.columns), *_clashes(roles)]
    if problems:
        raise InputError(problems)
    return roles


def check_choice(where: str, value: str, known: Iterable[Choice]) -> Choice:
    """Return a setting if it is one of those known.

    Raises
    ------
    InputError
        If it is not; names the nearest.
    """
    for name in known:
        if value == name:
            return name
    near = difflib.get_close_matches(str(value), list(known), n=1)
    remedy = f"did you mean {near[0]!r}?" if near else f"use one of: {', '.join(known)}"
    raise refuse(where, f"{value!r} is not known", remedy)


def _formula_problems(formula: str, roles: Roles) -> Iterator[Problem]:
    remedy = 'write it as "outcome ~ arm * visit + age"'
    if formula.count("~") != 1 or not roles.outcome or not roles.terms:
        yield Problem("formula", f"{formula!r} does not have an outcome, one ~ and terms", remedy)
        return
    if not roles.outcome.isidentifier():
        rule = f"{roles.outcome!r} is not the name of a column"
        yield Problem("formula", rule, "put a transformed outcome into a column of its own first")
    for fault in formula_faults(roles.terms):
        yield Problem("formula", fault, remedy)
    if roles.outcome in roles.explaining:
        yield Problem("formula", f"{roles.outcome!r} stands on both sides", "leave it out of the terms")


def _time_problems(roles: Roles) -> Iterator[Problem]:
    if roles.covariance in NEEDS_TIME and roles.time is None:
        rule = f"{roles.covariance!r} needs the column with the times"
        yield Problem("time", rule, 'name it, e.g. time="days_since_randomisation"')


def _clashes(roles: Roles) -> Iterator[Problem]:
    if roles.subject in {roles.visit, roles.outcome}:
        yield Problem("subject", f"{roles.subject!r} has another role as well", "name the participant column")
    if roles.subject in roles.explaining:
        rule = f"{roles.subject!r} is the participant, whose effect the covariance holds"
        yield Problem("formula", rule, 'leave it out; covariance="ri" is a random intercept')
