"""ComBat for a trial: batch effects of location and scale are taken out, arm by visit and covariates are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.harmonisation.empirical_bayes import shrunken_effects
from neurotrial.models.harmonisation.standardising import standardised_values

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Harmonised", "harmonise"]

_FEWEST_SCANS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Harmonised:
    """Harmonised measures.

    Attributes
    ----------
    data : DataFrame
        The table with harmonised values; its rows, other columns and missing values are as they were.
    batches : DataFrame
        By batch and outcome: scans, mean before and after.
    """

    data: pd.DataFrame
    batches: pd.DataFrame


def harmonise(
    data: pd.DataFrame,
    *,
    batch: str,
    subject: str = "participant_id",
    visit: str = "visit",
    arm: str = "arm",
    outcome: str = "outcome",
    value: str = "value",
    covariates: Sequence[str] = (),
) -> Harmonised:
    """Harmonise measures between batches by longitudinal ComBat [1]_, [2]_.

    Parameters
    ----------
    data : DataFrame
        One row for each participant, visit and outcome; two outcomes or more.
    batch : str
        Column of sites or scanners; missing where a value is missing, at most.
    subject, visit, arm, outcome, value : str
        Columns. Arm by visit is preserved, so that an effect of treatment is not taken for one of the site, and participants
        have a random intercept where they have several visits.
    covariates : sequence of str
        Further columns whose effects are preserved: numbers, or names of groups.

    Returns
    -------
    Harmonised
        Each outcome is harmonised on all of its scans, and borrows from the outcomes that are complete on them.

    Raises
    ------
    InputError
        If a column or a batch is missing, there is one batch or one outcome, a batch has fewer than 3 scans, or it cannot be
        told from arm, visit or covariates.

    Notes
    -----
    With one visit this is ComBat as the package sva has it. Harmonisation uses all data of the trial, so that tests after it
    are conditional on the estimated batch effects; compare with batch as a covariate.

    References
    ----------
    .. [1] Johnson WE, Li C, Rabinovic A. Biostatistics 2007;8:118-127. https://doi.org/10.1093/biostatistics/kxj037
    .. [2] Beer JC et al. NeuroImage 2020;220:117129. https://doi.org/10.1016/j.neuroimage.2020.117129
    """
    import pandas as pd

    columns = [batch, subject, visit, arm, outcome, value, *covariates]
    missing = [name for name in columns if name not in data]
    if missing:
        raise refuse("data", f"lacks the column {', '.join(missing)}", "name columns of the table")
    known = data[data[value].notna()]
    _check(known, batch, outcome, [subject, visit], covariates)
    wide = known.pivot_table(index=[subject, visit], columns=outcome, values=value, sort=False)
    scans = known.drop_duplicates([subject, visit]).set_index([subject, visit]).loc[wide.index]
    found = {name: _one(wide, str(name), scans, batch, arm, subject, visit, covariates) for name in wide}
    long = pd.concat(found, names=[outcome]).rename("harmonised")
    joined = data.join(long, on=[outcome, subject, visit])
    after = data.assign(**{value: joined["harmonised"].to_numpy()})
    return Harmonised(after, _summary(data, after, batch, outcome, value))


def _check(known: pd.DataFrame, batch: str, outcome: str, scan: list[str], covariates: Sequence[str]) -> None:
    """Refuse data that cannot be harmonised."""
    for name in (batch, *covariates):
        lost = known.loc[known[name].isna(), scan].drop_duplicates()
        if len(lost):
            rows = [" ".join(map(str, row)) for row in lost.head().itertuples(index=False)]
            raise refuse(
                name, f"is missing for {len(lost)} scans with values", "fill it, or leave the scans out", rows
            )
    sizes = known.drop_duplicates(scan)[batch].value_counts()
    if len(sizes) < 2:  # noqa: PLR2004 - batches differ from each other
        raise refuse(batch, "has one batch, so there is nothing to harmonise", "leave harmonisation out")
    few = [f"{name}: {count} scans" for name, count in sizes.items() if count < _FEWEST_SCANS]
    if few:
        rule = f"a batch needs at least {_FEWEST_SCANS} scans"
        raise refuse(batch, rule, "join small batches, or leave their scans out", few)
    if known[outcome].nunique() < 2:  # noqa: PLR2004 - borrowing is between outcomes
        raise refuse(
            outcome, "ComBat borrows between outcomes, and there is one", "use the batch as a covariate"
        )


def _one(
    wide: pd.DataFrame, name: str, scans: pd.DataFrame, batch: str, arm: str, subject: str, visit: str,
    covariates: Sequence[str],
) -> pd.Series:  # fmt: skip
    """Harmonise one outcome on all of its scans, together with the outcomes that are complete on them."""
    import pandas as pd

    rows = wide[wide[name].notna()].dropna(axis=1)
    own = scans.loc[rows.index]
    if rows.shape[1] < 2:  # noqa: PLR2004 - borrowing is between outcomes
        rule = "no other outcome is complete on its scans, so there is nothing to borrow from"
        raise refuse(name, rule, "leave it out of the harmonisation")
    groups = own[arm].astype("str") + " " + own.index.get_level_values(visit).astype("str")
    batches = pd.get_dummies(own[batch].astype("str"), dtype="float64").to_numpy()
    preserved = _preserved(own, groups, covariates)
    _check_rank(own[batch], groups, np.column_stack([batches, preserved]), name)
    subjects = own.index.get_level_values(subject).to_numpy()
    return _adjusted(rows, batches, preserved, subjects)[name]


def _preserved(own: pd.DataFrame, groups: pd.Series, covariates: Sequence[str]) -> Any:
    """Return the columns of what is preserved, shape (scans, columns): arm by visit, then covariates."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    parts = [pd.get_dummies(groups, dtype="float64", drop_first=True)]
    for name in covariates:
        if is_numeric_dtype(own[name]) and not is_bool_dtype(own[name]):
            parts.append(own[[name]].astype("float64"))
        else:
            parts.append(pd.get_dummies(own[name].astype("str"), dtype="float64", drop_first=True))
    return np.column_stack([part.to_numpy() for part in parts])


def _check_rank(batches: pd.Series, groups: pd.Series, design: Any, name: str) -> None:
    """Refuse a batch that cannot be told from what is preserved."""
    import pandas as pd

    size = np.linalg.norm(design, axis=0)
    if np.linalg.matrix_rank(design / np.where(size > 0, size, 1.0)) == design.shape[1]:
        return
    table = pd.crosstab(batches.to_numpy(), groups.to_numpy())
    rows = [
        f"{label}: {', '.join(f'{column} {n}' for column, n in own.items())}"
        for label, own in table.iterrows()
    ]
    rule = f"cannot be told from arm, visit or covariates in the scans of {name}"
    raise refuse(str(batches.name), rule, "leave out the covariate, or the harmonisation", rows)


def _adjusted(values: pd.DataFrame, batches: Any, preserved: Any, subjects: Any) -> pd.DataFrame:
    """Return values without the effects of their batch."""
    fits = [standardised_values(values[name].to_numpy(), batches, preserved, subjects) for name in values]
    z = np.column_stack([fit.z for fit in fits])
    for place in range(batches.shape[1]):
        own = batches[:, place] == 1
        effects = shrunken_effects(z[own])
        z[own] = (z[own] - effects.location) / np.sqrt(effects.scale)
    after = np.column_stack([fit.expected + fit.sd * column for fit, column in zip(fits, z.T, strict=True)])
    return values.__class__(after, values.index, values.columns)


def _summary(before: pd.DataFrame, after: pd.DataFrame, batch: str, outcome: str, value: str) -> pd.DataFrame:
    import pandas as pd

    def _of(table: pd.DataFrame, suffix: str) -> pd.DataFrame:
        groups = table.groupby([outcome, batch], sort=False)[value]
        return pd.DataFrame({f"mean_{suffix}": groups.mean(), f"sd_{suffix}": groups.std()})

    counts = before.groupby([outcome, batch], sort=False)[value].count().rename("n")
    return pd.concat([counts, _of(before, "before"), _of(after, "after")], axis=1).reset_index()
