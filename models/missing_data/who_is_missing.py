"""Who is missing: counts by arm and visit, patterns, and how those missing differ at baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError
from neurotrial.models.checks import arm_order, arm_problems, missing_columns
from neurotrial.models.visits import change_problems, known_visits, row_problems

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["Missingness", "missingness"]

_SEEN, _LOST = "O", "."
_FEWEST = 2


@dataclass(frozen=True)
class Missingness:
    """Who is missing.

    Attributes
    ----------
    counts : DataFrame
        A row for each visit and arm: visit, arm, n, n_observed, n_missing, proportion_missing, p_value (Fisher's exact
        test over the arms, the same in the rows of a visit; NaN for more than two arms).
    patterns : DataFrame
        A row for each pattern: pattern (a sign for each visit, ``O`` observed and ``.`` missing), monotone, n, and a
        column for each arm.
    differences : DataFrame
        A row for each visit and characteristic: mean of those observed and missing, and their difference in pooled SDs.
    observed : DataFrame, shape (n_participants, n_visits)
        Whether a value is there; indexed by arm and participant.
    visits, arms : tuple of str
        In order.
    """

    counts: pd.DataFrame
    patterns: pd.DataFrame
    differences: pd.DataFrame
    observed: pd.DataFrame
    visits: tuple[str, ...]
    arms: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Return the counts, one row for each visit and arm."""
        return self.counts.copy()


def missingness(
    data: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    characteristics: Sequence[str] = (),
    reference: str | None = None,
) -> Missingness:
    """Count and describe missing outcomes.

    Parameters
    ----------
    data : DataFrame
        One row per participant and visit; a missing row is a missing value.
    outcome, subject, visit, arm : str
        Columns with the value, the participant, the visit and the arm.
    characteristics : sequence of str
        Columns of numbers, constant within a participant, in which those missing are compared with those observed.
    reference : str, optional
        The arm that comes first where the arms have no order.

    Returns
    -------
    Missingness
        Test and differences describe; they do not tell whether outcomes are missing at random.

    Raises
    ------
    InputError
        If a column is absent or breaks its rule, or a participant's arm changes.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"who": list("abcd") * 2, "arm": ["control", "cells"] * 4,
    ...                        "visit": ["baseline"] * 4 + ["day90"] * 4, "fa": [0.4, 0.5, 0.4, 0.4, 0.5, None, 0.4, 0.4]})
    >>> found = missingness(scores, outcome="fa", subject="who", visit="visit", arm="arm", reference="control")
    >>> found.tidy()[["visit", "arm", "n_missing"]].tail(1).to_dict("records")
    [{'visit': 'day90', 'arm': 'cells', 'n_missing': 1}]
    """
    frame = _checked(data, outcome, subject, visit, arm, characteristics, reference)
    people = frame.drop_duplicates(subject)
    arms = arm_order(people[arm], reference)
    visits = tuple(known_visits(frame[visit])[0])
    wide = frame.assign(**{visit: frame[visit].astype("str")}).pivot_table(
        index=subject, columns=visit, values=outcome, aggfunc="first", dropna=False, observed=False
    )
    seen = wide.reindex(index=people[subject], columns=list(visits)).notna()
    codes = people[arm].astype("str").to_numpy()
    labelled = seen.set_axis(
        pd.MultiIndex.from_arrays([codes, people[subject]], names=["arm", "participant"])
    )
    return Missingness(
        counts=_counts(seen.to_numpy(), codes, arms, visits),
        patterns=_patterns(seen.to_numpy(), codes, arms),
        differences=_differences(seen.to_numpy(), people, visits, characteristics),
        observed=labelled,
        visits=visits,
        arms=arms,
    )


def _checked(
    data: pd.DataFrame,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    characteristics: Sequence[str],
    reference: str | None,
) -> pd.DataFrame:
    problems = missing_columns(data, dict.fromkeys([subject, visit, outcome, arm, *characteristics]))
    if problems:
        raise InputError(problems)
    frame = data.reset_index(drop=True)
    frame.index.name = "row"
    problems = list(row_problems(frame, outcome, visit, subject))
    for name in (arm, *characteristics):
        problems += change_problems(frame, name, subject, visit, "the value changes")
    people = frame.drop_duplicates(subject)[[subject, arm]]
    problems += list(arm_problems(people, arm, arm_order(people[arm], reference), reference))
    if problems:
        raise InputError(problems)
    return frame


def _counts(seen: np.ndarray, codes: np.ndarray, arms: Sequence[str], visits: Sequence[str]) -> pd.DataFrame:
    rows = []
    for at, visit in enumerate(visits):
        there = np.array([seen[codes == name, at].sum() for name in arms])
        total = np.array([(codes == name).sum() for name in arms])
        p_value = _fisher(there, total)
        rows += [
            {
                "visit": visit,
                "arm": name,
                "n": int(n),
                "n_observed": int(found),
                "n_missing": int(n - found),
                "proportion_missing": float((n - found) / n),
                "p_value": p_value,
            }
            for name, found, n in zip(arms, there, total, strict=True)
        ]
    return pd.DataFrame(rows)


def _fisher(there: np.ndarray, total: np.ndarray) -> float:
    from scipy import stats

    if len(there) != _FEWEST:
        return float("nan")
    return float(stats.fisher_exact(np.array([there, total - there])).pvalue)


def _patterns(seen: np.ndarray, codes: np.ndarray, arms: Sequence[str]) -> pd.DataFrame:
    texts = np.array(["".join(_SEEN if there else _LOST for there in row) for row in seen])
    rows: list[dict[str, Any]] = []
    for text in sorted(set(texts), key=lambda text: (text.count(_LOST), text)):
        own = texts == text
        monotone = _LOST + _SEEN not in text
        counts = {name: int((own & (codes == name)).sum()) for name in arms}
        rows.append({"pattern": text, "monotone": monotone, "n": int(own.sum()), **counts})
    return pd.DataFrame(rows)


def _differences(
    seen: np.ndarray, people: pd.DataFrame, visits: Sequence[str], characteristics: Sequence[str]
) -> pd.DataFrame:
    columns = ["visit", "characteristic", "mean_observed", "mean_missing", "standardised_difference"]
    rows = [
        (visit, name, *_difference(people[name].to_numpy(dtype="float64", na_value=np.nan), seen[:, at]))
        for at, visit in enumerate(visits)
        for name in characteristics
    ]
    return pd.DataFrame(rows, columns=columns)


def _difference(values: FloatArray, there: np.ndarray) -> tuple[float, float, float]:
    groups = [values[mask & np.isfinite(values)] for mask in (there, ~there)]
    means = [float(group.mean()) if group.size else np.nan for group in groups]
    if min(group.size for group in groups) < _FEWEST:
        return means[0], means[1], np.nan
    sd = float(np.sqrt(np.mean([group.var(ddof=1) for group in groups])))
    return means[0], means[1], (means[1] - means[0]) / sd if sd > 0 else np.nan
