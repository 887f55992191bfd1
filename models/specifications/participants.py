"""What the specifications are computed from: both values of all randomised, and who belongs to each specification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.loading import StudyData
from neurotrial.models.descriptives import population_members
from neurotrial.models.design import covariate_problems, term_columns
from neurotrial.models.harmonisation.study_harmonisation import harmonised_study
from neurotrial.outcomes import build_outcomes
from neurotrial.study import Source

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray
    from neurotrial.multiverse_plan import Exclusion
    from neurotrial.specifications import Specification
    from neurotrial.study import Outcome, Study

__all__ = ["People", "people_of"]

_WHO = "participant_id"
_Made = TypeVar("_Made")
_Variant = tuple[str, tuple[tuple[str, Any], ...]]


@dataclass(frozen=True)
class People:
    """All randomised, in the order of the table `participants`.

    Attributes
    ----------
    study : Study
        The plan.
    tables : mapping of str to DataFrame
        Tables by name.
    frame : DataFrame
        The table `participants`, the arm with the reference first.
    visit : str
        The visit of the effect.
    pairs : mapping
        Baseline and follow-up, shape (n, 2), of each outcome with the values that decisions replace.
    """

    study: Study
    tables: Mapping[str, pd.DataFrame]
    frame: pd.DataFrame
    visit: str
    pairs: Mapping[_Variant, FloatArray]
    _kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def treated(self) -> str:
        """The arm that is compared with the reference."""
        return self.arms[1]

    def outcome(self, specification: Specification) -> Outcome:
        """Return the declared outcome of a specification."""
        return self.study.outcome(specification.outcome)

    def pair(self, specification: Specification) -> FloatArray:
        """Return baseline and follow-up on the scale of a specification, shape (n, 2).

        Raises
        ------
        InputError
            If a value has no place on that scale.
        """
        one = specification
        return self._once(
            ("pair", one.variant, one.transformation),
            lambda: _transformed(self.pairs[one.variant], one.transformation, self.outcome(one)),
        )

    def members(self, specification: Specification) -> np.ndarray:
        """Return who is in the population and not left out, shape (n,)."""
        population, exclusion = specification.population, specification.exclusion
        inside = self._once(("population", population), lambda: self._population(population))
        excluded = self._once(("exclusion", exclusion), lambda: _excluded(self.frame, self.tables, exclusion))
        return np.asarray(inside & ~excluded)

    def baseline_sd(self, specification: Specification) -> float:
        """Return the SD of the baseline of all members who have one, on the scale of the specification."""
        one = specification
        return self._once(
            ("sd", one.variant, one.transformation, one.population, one.exclusion),
            lambda: float(np.nanstd(self.pair(one)[self.members(one), 0], ddof=1)),
        )

    def complete(self, covariates: tuple[str, ...]) -> np.ndarray:
        """Return who has every covariate, shape (n,).

        Raises
        ------
        InputError
            If a covariate is no safe formula term, or names a column that the table lacks.
        """
        return self._once(("complete", covariates), lambda: _complete(self.frame, covariates))

    @cached_property
    def labels(self) -> np.ndarray:
        """Whether each participant has the treatment, shape (n,)."""
        return np.asarray(self.frame["arm"].cat.codes.to_numpy() == 1)

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """The two arms, the reference first."""
        return tuple(str(name) for name in self.frame["arm"].cat.categories)

    def counts(self, seen: np.ndarray) -> dict[str, int]:
        """Return how many of some participants each arm has, the reference first."""
        treated = int(self.labels[seen].sum())
        return dict(zip(self.arms, (seen.size - treated, treated), strict=True))

    def _population(self, name: str) -> np.ndarray:
        ids = population_members(self.study, self.frame, name)[_WHO]
        return np.asarray(self.frame[_WHO].isin(ids).to_numpy())

    def _once(self, key: Any, make: Callable[[], _Made]) -> _Made:
        if key not in self._kept:
            self._kept[key] = make()
        found: _Made = self._kept[key]
        return found

    def table(self, specification: Specification) -> pd.DataFrame:
        """Return the members of a specification, one row each: columns of `participants`, baseline and follow_up."""
        pair = self.pair(specification)
        wide = self.frame.assign(baseline=pair[:, 0], follow_up=pair[:, 1])
        return wide[self.members(specification)].reset_index(drop=True)


def people_of(
    study: Study, tables: Mapping[str, pd.DataFrame], specifications: tuple[Specification, ...], visit: str
) -> People:
    """Collect what the specifications need.

    Raises
    ------
    InputError
        If an outcome with the values that decisions replace is not in the tables, or the tables lack a column that a
        decision names.
    """
    problems = list(_lacking(tables, specifications))
    if problems:
        raise InputError(problems)
    order = [study.reference_arm.name, *(arm.name for arm in study.arms if not arm.reference)]
    frame = tables["participants"].reset_index(drop=True)
    frame = frame.assign(arm=pd.Categorical(frame["arm"].astype("str"), order))
    values, faults = {}, list[Problem]()
    for variant in dict.fromkeys(one.variant for one in specifications):
        try:
            values[variant] = _values(study, tables, frame, visit, variant)
        except InputError as error:
            faults += error.problems
    if faults:
        raise InputError(faults)
    return People(study, tables, frame, visit, values)


def _lacking(tables: Mapping[str, pd.DataFrame], specifications: tuple[Specification, ...]) -> list[Problem]:
    people = tables["participants"]
    problems = {}
    for rule in {one.exclusion for one in specifications} - {None}:
        if rule is None:
            continue
        if rule.flag is not None and rule.flag not in people:
            problems[rule.flag] = Problem(
                f"participants: {rule.flag}",
                "a decision of kind exclusion names it, and it is missing",
                "add the column",
            )
        if rule.measure is not None:
            known = sorted(tables["quality"]["measure"].astype("str").unique()) if "quality" in tables else []
            if rule.measure not in known:
                words = f"use one of: {', '.join(known)}" if known else "add the table `quality`"
                problems[rule.measure] = Problem(
                    f"quality: {rule.measure}",
                    "a decision of kind exclusion names it, and it is missing",
                    words,
                )
    return list(problems.values())


def _values(
    study: Study, tables: Mapping[str, pd.DataFrame], frame: pd.DataFrame, visit: str, variant: _Variant
) -> FloatArray:
    """Return baseline and follow-up of one variant, harmonised where the study asks for it."""
    name, replaced = variant
    long = _harmonised(study, tables, name, dict(replaced))
    visits = [one.name for one in study.visits]
    own = (
        long.loc[long["outcome"] == name, "value"].to_numpy(dtype="float64").reshape(len(frame), len(visits))
    )
    return np.asarray(own[:, [visits.index(study.baseline_visit.name), visits.index(visit)]])


def _harmonised(
    study: Study, tables: Mapping[str, pd.DataFrame], name: str, replaced: dict[str, Any]
) -> pd.DataFrame:
    declared = study.outcome(name)
    source = Source(table=declared.source.table, where={**declared.source.where, **replaced})
    variant = declared.model_copy(update={"source": source})
    plan = study.harmonisation
    together = plan.outcomes if plan is not None and name in plan.outcomes else [name]
    chosen = [variant if one == name else study.outcome(one) for one in together]
    narrow = study.model_copy(
        update={
            "outcomes": chosen,
            "harmonisation": plan if len(together) > 1 else None,
            "multiverse": None,
            "analyses": [],
            "associations": [],
            "subgroups": [],
            "populations": [],
        }
    )
    outcomes, problems = build_outcomes(narrow, tables)
    if problems:
        raise InputError([replace(one, where=f"{one.where} in the multiverse") for one in problems])
    data = StudyData(Path(), narrow, dict(tables), outcomes, {}, ())
    return harmonised_study(data)[0].outcomes


def _complete(frame: pd.DataFrame, covariates: tuple[str, ...]) -> np.ndarray:
    problems = covariate_problems(covariates, frame, ["baseline", "follow_up", "arm"])
    if problems:
        raise InputError(problems)
    columns = [name for term in covariates for name in term_columns(term, frame)]
    missing = [name for name in columns if name not in frame]
    if missing:
        raise refuse(f"participants: {missing[0]}", "is no column", "correct the decision of kind covariates")
    return np.asarray(frame[columns].notna().all(axis=1).to_numpy())


def _excluded(frame: pd.DataFrame, tables: Mapping[str, pd.DataFrame], rule: Exclusion | None) -> np.ndarray:
    if rule is None:
        return np.zeros(len(frame), dtype=bool)
    if rule.flag is not None:
        return frame[rule.flag].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    rows = tables["quality"]
    rows = rows[rows["measure"] == rule.measure]
    values = rows["value"].to_numpy(dtype="float64")
    beyond = values > rule.above if rule.above is not None else values < (rule.below or 0.0)
    return frame[_WHO].isin(rows.loc[beyond, _WHO]).to_numpy()


def _transformed(values: FloatArray, name: str, outcome: Outcome) -> FloatArray:
    seen = values[np.isfinite(values)]
    if name == "identity":
        return values
    low, high = outcome.range or (0.0, np.inf)
    allowed: dict[str, tuple[bool, str]] = {
        "log": (bool((seen > 0).all()), "above 0"),
        "square_root": (bool((seen >= 0).all()), "0 or more"),
        "logit": (
            np.isfinite(high) and bool(((seen > low) & (seen < high)).all()),
            "inside its declared range",
        ),
    }
    fine, words = allowed[name]
    if not fine:
        raise refuse(
            f"outcome {outcome.name!r}",
            f"{name} needs values {words}",
            "leave the transformation out for this outcome",
        )
    functions: dict[str, Callable[[FloatArray], FloatArray]] = {
        "log": np.log,
        "square_root": np.sqrt,
        "logit": lambda x: np.log((x - low) / (high - x)),
    }
    return functions[name](values)
