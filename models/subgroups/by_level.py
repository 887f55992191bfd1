"""The effect of an arm in each level of a category, from one model, and whether it differs between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import InputError, refuse
from neurotrial.models.checks import missing_columns
from neurotrial.models.linear_functions import joint_f, linear_function
from neurotrial.models.subgroups.interaction_words import WITHIN, level_verdict, multiplicity_sentence
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
from neurotrial.models.subgroups.moderator_levels import moderator_levels
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.checks import ArmTable

__all__ = ["SubgroupEffects", "effect_by_subgroup"]

_TWO = 2


@dataclass(frozen=True, slots=True)
class SubgroupEffects:
    """The effect of each compared arm by level.

    Attributes
    ----------
    rows : tuple of ModeratedRow
        For each compared arm ``overall_effect``, ``subgroup_effect`` of each level, ``subgroup_difference`` of each level but
        the first from the first, and ``interaction``.
    by : str
        The column.
    conf_level : float
        Level of the intervals.
    note : str
        Who was left out and why; empty where nobody was.
    """

    rows: tuple[ModeratedRow, ...]
    by: str
    conf_level: float
    note: str

    @property
    def table(self) -> pd.DataFrame:
        """The rows with the columns of `neurotrial.models.tidy` and level, value, num_df; contrasts name the arms only."""
        return moderated_table(self.rows)

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(row.estimate for row in self.rows)

    def verdict(self, *, labels: Mapping[str, str] | None = None, by: str = "") -> str:
        """Say what the interaction test says.

        Parameters
        ----------
        labels : mapping of str to str, optional
            What readers call the contrasts.
        by : str
            What readers call the column.
        """
        return level_verdict(self.table, by or self.by, self.conf_level, labels or {})

    def sentence(self, *, examined: int, labels: Mapping[str, str] | None = None, by: str = "") -> str:
        """Say what the interaction test says, of how many, and what the effects within levels do not.

        Parameters
        ----------
        examined : int
            Subgroup analyses that were made in all, this one among them; 1 or more.
        labels, by
            As in `verdict`.
        """
        tests = examined * self.table["contrast"].nunique()
        how_many = multiplicity_sentence(examined, tests, self.conf_level)
        return f"{self.verdict(labels=labels, by=by)} {WITHIN} {how_many}"


def effect_by_subgroup(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    by: str,
    reference: str | None = None,
    covariates: Sequence[str] = (),
    cut: Sequence[float] = (),
    fewest: int = 3,
    errors: Errors = "HC3",
    conf_level: float = 0.95,
    visit: str = "",
) -> SubgroupEffects:
    """Estimate the effect of an arm in each level of a category, and test whether it differs between the levels.

    One model has baseline, covariates, levels, arms and arm x level; baseline and covariates have one slope for all levels.

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
        Column with the category, known before randomisation: words, true and false, numbers of few values, or a categorical
        column, which gives the order. May be the baseline, with `cut`.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Further terms.
    cut : sequence of float
        Points at which a column of numbers is cut, each the first value of its level.
    fewest : int
        Participants that a level needs in each arm, 2 or more; others leave the model and are a row with the reason.
    errors : {"OLS", "HC0", "HC1", "HC2", "HC3"}
        Standard error: least squares, or heteroscedasticity-consistent.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    SubgroupEffects
        ``overall_effect`` is ANCOVA in all participants. Effects and differences have t intervals and, on purpose, no p-values:
        ``interaction`` is the test, F on (levels - 1, n - p) degrees of freedom [1]_.

    Raises
    ------
    InputError
        As `neurotrial.models.ancova`; if there are fewer than two levels, or more than 10 numbers are not cut.

    References
    ----------
    .. [1] Wang R et al. N Engl J Med 2007;357:2189-2194. https://doi.org/10.1056/NEJMsr077003

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> simulated = pd.DataFrame({"arm": ["control", "cells"] * 12, "side": ["left", "left", "right"] * 8})
    >>> simulated["fma0"] = rng.normal(30, 10, 24)
    >>> simulated["fma"] = simulated["fma0"] + 5 * (simulated["arm"] == "cells") + rng.normal(0, 5, 24)
    >>> found = effect_by_subgroup(simulated, outcome="fma", baseline="fma0", arm="arm", by="side", reference="control")
    >>> found.tidy()["contrast"].tolist()
    ['cells - control', 'cells - control @ left', 'cells - control @ right', 'cells - control @ right - left', 'cells - control x side']
    """
    roles = Roles(outcome, arm, by, baseline, tuple(covariates), reference)
    check_question(roles, errors, conf_level)
    if fewest < _TWO:
        raise refuse("fewest", f"{fewest} participants in an arm have no spread", "use 2 or more")
    problems = missing_columns(data, [by])
    if problems:
        raise InputError(problems)
    column = by if by != baseline else f"levels of {by}"
    levelled = data.assign(**{column: moderator_levels(data[by], cut)})
    table = moderated_participants(levelled, roles, column, numeric=False)
    model = _Model(roles, column, fewest, errors, conf_level, visit)
    return SubgroupEffects(tuple(model.rows(table)), by, conf_level, table.note)


@dataclass(frozen=True, slots=True)
class _Model:
    """What is asked of the participants; `column` holds the levels."""

    roles: Roles
    column: str
    fewest: int
    errors: Errors
    conf_level: float
    visit: str

    def rows(self, table: ArmTable) -> Iterator[ModeratedRow]:
        counts = self._counts(table)
        kept = [level for level, row in counts.items() if min(row.values()) >= self.fewest]
        fit = self._fit(table, kept)
        for name, overall in overall_effects(table, self.roles, self.errors, self.conf_level, self.visit):
            contrast = overall.contrast
            yield ModeratedRow(overall, contrast)
            yield from self._levels(name, contrast, table, counts, kept, fit)
            yield from self._differences(name, contrast, kept, fit)
            yield self._interaction(name, contrast, kept, counts, fit)

    def _counts(self, table: ArmTable) -> dict[str, dict[str, int]]:
        """Return participants by arm for each level, in the order of the levels."""
        frame = table.frame
        return {
            str(level): {
                name: int(((frame[self.column] == level) & (frame[self.roles.arm] == name)).sum())
                for name in table.arms
            }
            for level in frame[self.column].cat.categories
        }

    def _fit(self, table: ArmTable, kept: Sequence[str]) -> ModeratedFit | None:
        """Fit the levels that are large enough; None if there is none."""
        if not kept:
            return None
        frame = table.frame[table.frame[self.column].isin(kept)]
        made = self.roles.design(table, frame)
        levels = frame[self.column].astype("str").to_numpy()
        terms = np.asarray(levels[:, None] == np.array(kept[1:])[None, :], dtype="float64")
        return moderated_fit(made, terms, terms, self.errors)

    def _levels(
        self,
        name: str,
        contrast: str,
        table: ArmTable,
        counts: Mapping[str, Mapping[str, int]],
        kept: Sequence[str],
        fit: ModeratedFit | None,
    ) -> Iterator[ModeratedRow]:
        for level, row in counts.items():
            pair = {one: n for one, n in row.items() if one in {name, table.reference}}
            label = Estimate("subgroup_effect", "arm", f"{contrast} @ {level}", pair, self.visit)
            if fit is None or level not in kept:
                few = ", ".join(f"{one} {n}" for one, n in row.items() if n < self.fewest)
                reason = f"fewer than {self.fewest} participants in an arm ({few}): not in the model"
                yield ModeratedRow(without_test(label, reason), contrast, level)
                continue
            weights = fit.weights(name, self._position(level, kept))
            found = linear_function(label, weights, fit.fit, self.errors, self.conf_level)
            yield ModeratedRow(without_test(found), contrast, level)

    def _differences(
        self, name: str, contrast: str, kept: Sequence[str], fit: ModeratedFit | None
    ) -> Iterator[ModeratedRow]:
        if fit is None:
            return
        for level in kept[1:]:
            label = Estimate(
                "subgroup_difference",
                "contrast",
                f"{contrast} @ {level} - {kept[0]}",
                fit.made.table.pair(name),
                self.visit,
            )
            weights = fit.products(name, self._position(level, kept))
            found = linear_function(label, weights, fit.fit, self.errors, self.conf_level)
            yield ModeratedRow(without_test(found), contrast, f"{level} - {kept[0]}")

    def _interaction(
        self,
        name: str,
        contrast: str,
        kept: Sequence[str],
        counts: Mapping[str, Mapping[str, int]],
        fit: ModeratedFit | None,
    ) -> ModeratedRow:
        pair = fit.made.table.pair(name) if fit is not None else {}
        label = Estimate("interaction", "contrast", f"{contrast} x {self.roles.by}", pair, self.visit)
        if fit is None or len(kept) < _TWO:
            reason = f"fewer than two levels have {self.fewest} participants in every arm"
            return ModeratedRow(without_test(label, reason), contrast)
        lost = [level for level in counts if level not in kept]
        note = f"without level {', '.join(lost)}: too few participants" if lost else ""
        found = joint_f(fit.joint(name), fit.fit, self.errors)
        return ModeratedRow(with_test(label, found, note), contrast, num_df=found.num_df)

    def _position(self, level: str, kept: Sequence[str]) -> np.ndarray:
        """Return the terms of a level, shape (n_kept - 1,); the first level has zeros."""
        return np.asarray([one == level for one in kept[1:]], dtype="float64")
