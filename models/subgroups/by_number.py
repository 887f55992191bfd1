"""How the effect of an arm changes along a number: time since stroke, age, baseline severity, a dose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.checks import arm_order, missing_columns, number_problems
from neurotrial.models.linear_functions import joint_f, linear_function
from neurotrial.models.subgroups.interaction_words import ALONG, GIVEN, multiplicity_sentence, number_verdict
from neurotrial.models.subgroups.moderated_design import (
    Errors,
    ModeratedFit,
    Roles,
    check_question,
    moderated_fit,
    moderated_participants,
    overall_effects,
)
from neurotrial.models.subgroups.moderated_row import ModeratedRow, moderated_table, with_test, without_test
from neurotrial.models.subgroups.moderator_terms import ModeratorTerms, moderator_terms
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    from neurotrial.models.checks import ArmTable
    from neurotrial.models.student import FloatArray

__all__ = ["EffectModification", "effect_modification"]

_CURVE = 41
_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class EffectModification:
    """The effect of each compared arm along a number.

    Attributes
    ----------
    rows : tuple of ModeratedRow
        For each compared arm ``overall_effect``, ``effect_slope`` (a straight line only), ``effect_at`` of each value, and
        ``interaction``.
    curve : tuple of ModeratedRow
        ``effect_curve`` at 41 values from the smallest to the largest, with pointwise intervals.
    participants : DataFrame
        arm and value of each participant in the model.
    by : str
        The column.
    per : float
        Step of the slope, in the unit of the column.
    dose : bool
        Whether the number is a dose that the reference arm does not get.
    conf_level : float
        Level of the intervals.
    note : str
        Who was left out and why; empty where nobody was.
    """

    rows: tuple[ModeratedRow, ...]
    curve: tuple[ModeratedRow, ...]
    participants: pd.DataFrame
    by: str
    per: float
    dose: bool
    conf_level: float
    note: str

    @property
    def table(self) -> pd.DataFrame:
        """Rows and curve with the columns of `neurotrial.models.tidy` and level, value, num_df; contrasts name the arms only."""
        return moderated_table([*self.rows, *self.curve])

    def tidy(self) -> pd.DataFrame:
        """Return the estimates but for the curve, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(row.estimate for row in self.rows)

    def verdict(self, *, labels: Mapping[str, str] | None = None, by: str = "", unit: str = "") -> str:
        """Say what the interaction test says.

        Parameters
        ----------
        labels : mapping of str to str, optional
            What readers call the contrasts.
        by, unit : str
            What readers call the column, and its unit.
        """
        per = " ".join(filter(None, (f"{self.per:g}", unit)))
        return number_verdict(self.table, by or self.by, self.conf_level, labels or {}, per)

    def sentence(
        self, *, examined: int, labels: Mapping[str, str] | None = None, by: str = "", unit: str = ""
    ) -> str:
        """Say what the interaction test says, of how many, and what the intervals along the number do not.

        Parameters
        ----------
        examined : int
            Subgroup analyses that were made in all, this one among them; 1 or more.
        labels, by, unit
            As in `verdict`.
        """
        tests = examined * self.table["contrast"].nunique()
        said = [self.verdict(labels=labels, by=by, unit=unit), ALONG, *([GIVEN] if self.dose else [])]
        return " ".join([*said, multiplicity_sentence(examined, tests, self.conf_level)])


def effect_modification(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    by: str,
    reference: str | None = None,
    covariates: Sequence[str] = (),
    per: float = 1.0,
    at: Sequence[float] = (),
    spline_df: int | None = None,
    dose: bool = False,
    errors: Errors = "HC3",
    conf_level: float = 0.95,
    visit: str = "",
) -> EffectModification:
    """Estimate how the effect of an arm changes along a number, and test whether it does.

    One model has baseline, covariates, the number, arms and arm x number. To cut a number into groups would lose information and make the
    answer depend on the cut points [1]_.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome : str
        Column with the value at follow-up.
    baseline : str or None
        Column with the value at baseline; None adjusts for the covariates only.
    arm : str
        Column with the arm, two or more.
    by : str
        Column of numbers known before randomisation, which vary in each arm. May be the baseline.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Further terms.
    per : float
        Step of the slope in the unit of the column, above 0, e.g. 10 for the change of the effect per 10 days.
    at : sequence of float
        Values at which the effect is wanted; quartiles of the participants by default.
    spline_df : int, optional
        Terms of a natural cubic spline, 2 to 4, in place of a straight line.
    dose : bool
        Whether `by` is a dose that the reference arm does not get: missing or 0 there. The model has then its products with
        the other arms only. Doses are not randomised; that they go with the outcome does not show that they cause it.
    errors : {"OLS", "HC0", "HC1", "HC2", "HC3"}
        Standard error: least squares, or heteroscedasticity-consistent.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    EffectModification
        ``overall_effect`` is ANCOVA in all participants. Effects at values have pointwise t intervals and, on purpose, no
        p-values: ``interaction`` is the test, F on (terms, n - p) degrees of freedom. A value beyond the observed ones is a
        failed row.

    Raises
    ------
    InputError
        As `neurotrial.models.ancova`; if the number does not vary in an arm, the reference arm has doses, or `per`, `at` or
        `spline_df` are out of range.

    References
    ----------
    .. [1] Royston P, Altman DG, Sauerbrei W. Stat Med 2006;25:127-141. https://doi.org/10.1002/sim.2331

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> simulated = pd.DataFrame({"arm": ["control", "cells"] * 12, "days": rng.integers(10, 60, 24)})
    >>> simulated["fma0"] = rng.normal(30, 10, 24)
    >>> simulated["fma"] = simulated["fma0"] + 5 * (simulated["arm"] == "cells") + rng.normal(0, 5, 24)
    >>> found = effect_modification(simulated, outcome="fma", baseline="fma0", arm="arm", by="days", reference="control", per=10, at=[14, 45])
    >>> found.tidy()["contrast"].tolist()
    ['cells - control', 'cells - control per 10 of days', 'cells - control @ days 14', 'cells - control @ days 45', 'cells - control x days']
    """
    roles = Roles(outcome, arm, by, baseline, tuple(covariates), reference)
    check_question(roles, errors, conf_level)
    _check_choices(per, at)
    problems = missing_columns(data, [by, arm])
    problems = problems or list(number_problems(data.reset_index(drop=True), by))
    if problems:
        raise InputError(problems)
    given = _with_doses(data, roles) if dose else data
    table = moderated_participants(given, roles, by, numeric=True)
    moved = [table.compared, table.arms][not dose]
    values = table.frame[by].to_numpy(dtype="float64")
    inside = table.frame[arm].isin(moved).to_numpy()
    _check_variation(table, by, moved, dose=dose)
    terms = moderator_terms(values[inside], spline_df, by)
    made = roles.design(table, table.frame, baseline=by != baseline)
    columns = np.zeros((len(values), terms.at(values[:1]).shape[1]))
    columns[inside] = terms.at(values[inside])
    fit = moderated_fit(made, columns[:, :0] if dose else columns, columns, errors)
    model = _Model(roles, terms, fit, table, errors, conf_level, visit, values[inside])
    wanted = [float(value) for value in at] or np.quantile(values[inside], _QUARTILES).tolist()
    return EffectModification(
        tuple(model.rows(wanted, per)),
        tuple(model.curve()),
        pd.DataFrame({"arm": table.frame[arm].to_numpy(), "value": values})[inside].reset_index(drop=True),
        by,
        float(per),
        dose,
        conf_level,
        table.note,
    )


def _check_choices(per: float, at: Sequence[float]) -> None:
    problems = []
    if not (np.isfinite(per) and per > 0):
        problems.append(Problem("per", f"{per:g} is no step", "give a number above 0, e.g. 10"))
    if not np.isfinite([float(value) for value in at]).all() or len(set(at)) < len(at):
        problems.append(Problem("at", "values must be finite, each once", "correct the values"))
    if problems:
        raise InputError(problems)


def _with_doses(data: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """Give the reference arm doses of 0."""
    order = arm_order(data[roles.arm], roles.reference)
    name = str(roles.reference) if roles.reference is not None else next(iter(order), "")
    own = (data[roles.arm].astype("str") == name).to_numpy()
    doses = data[roles.by].to_numpy(dtype="float64", na_value=np.nan)
    count = int((np.nan_to_num(doses[own]) != 0).sum())
    if count:
        rule = f"{count} participants of the reference arm {name!r} have a dose"
        raise refuse(f"column {roles.by!r}", rule, "leave out `dose` where both arms have values")
    return data.assign(**{roles.by: np.where(own, 0.0, doses)})


def _check_variation(table: ArmTable, by: str, arms: Sequence[str], *, dose: bool) -> None:
    problems = []
    for name in arms:
        if np.ptp(table.values(by, name)) == 0:
            rule = f"does not vary in arm {name!r}, so that it cannot change the effect there"
            remedy = "name a column that varies in each arm"
            more = "" if dose else "; for a dose that the reference arm does not get, say so (dose)"
            problems.append(Problem(f"column {by!r}", rule, remedy + more))
    if problems:
        raise InputError(problems)


@dataclass(frozen=True, slots=True)
class _Model:
    """A fit and what is asked of it; `values` are those along which the effect may change."""

    roles: Roles
    terms: ModeratorTerms
    fit: ModeratedFit
    table: ArmTable
    errors: Errors
    conf_level: float
    visit: str
    values: FloatArray

    def rows(self, wanted: Sequence[float], per: float) -> Iterator[ModeratedRow]:
        for name, overall in overall_effects(
            self.table, self.roles, self.errors, self.conf_level, self.visit
        ):
            contrast = overall.contrast
            label = Estimate("", "arm", contrast, self.table.pair(name), self.visit)
            yield ModeratedRow(overall, contrast)
            if self.terms.spec is None:
                yield self._slope(replace(label, method="effect_slope", term="contrast"), name, per)
            yield from self._along(replace(label, method="effect_at"), name, np.asarray(wanted))
            own = replace(
                label, method="interaction", term="contrast", contrast=f"{contrast} x {self.roles.by}"
            )
            found = joint_f(self.fit.joint(name), self.fit.fit, self.errors)
            yield ModeratedRow(with_test(own, found), contrast, num_df=found.num_df)

    def curve(self) -> Iterator[ModeratedRow]:
        for name in self.table.compared:
            contrast = f"{name} - {self.table.reference}"
            label = Estimate("effect_curve", "arm", contrast, self.table.pair(name), self.visit)
            yield from self._along(label, name, np.linspace(self.values.min(), self.values.max(), _CURVE))

    def _slope(self, label: Estimate, name: str, per: float) -> ModeratedRow:
        weights = per * self.fit.joint(name)[0]
        found = linear_function(label, weights, self.fit.fit, self.errors, self.conf_level)
        named = replace(found, contrast=f"{label.contrast} per {per:g} of {self.roles.by}")
        return ModeratedRow(without_test(named), label.contrast, value=per)

    def _along(self, label: Estimate, name: str, values: FloatArray) -> Iterator[ModeratedRow]:
        """Yield an arm's effect at values; those beyond the observed ones fail."""
        contrast = f"{name} - {self.table.reference}"
        low, high = self.values.min(), self.values.max()
        for value, terms in zip(values.tolist(), self.terms.at(values), strict=True):
            own = replace(label, contrast=f"{contrast} @ {self.roles.by} {value:.6g}")
            if not low <= value <= high:
                reason = f"{value:g} lies beyond the observed values, {low:g} to {high:g}"
                yield ModeratedRow(without_test(own, reason), contrast, value=value)
                continue
            weights = self.fit.weights(name, terms)
            found = linear_function(own, weights, self.fit.fit, self.errors, self.conf_level)
            yield ModeratedRow(without_test(found), contrast, value=value)
