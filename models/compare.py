"""The same outcome by several estimators, side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem
from neurotrial.method_names import METHODS
from neurotrial.models.ancova_fit import ancova
from neurotrial.models.change import change_score, follow_up_only, within_arm
from neurotrial.models.checks import arm_table, check_level
from neurotrial.models.design import covariate_problems
from neurotrial.models.ratio import improvement_ratio
from neurotrial.models.sentences import Direction, agreement
from neurotrial.models.tidy import failed_row
from neurotrial.models.two_visit_models import common_baseline, group_by_time
from neurotrial.models.visits import two_visits

if TYPE_CHECKING:
    from neurotrial.models.permutation import Seed

__all__ = [
    "CLASSICAL",
    "EstimatorComparison",
    "agreement",
    "compare_estimators",
    "computed",
    "estimate_methods",
]

MAIN_METHOD = "ancova_hc3"
CLASSICAL = (
    "ancova",
    "change_score",
    "group_time",
    "clda",
    "follow_up",
    "improvement_ratio",
    "share_of_potential",
    "within_arm",
)
"""Methods that need nothing but the two values of the participants."""
_WITHOUT_MAXIMUM = ("ancova", "clda", "change_score", "follow_up", "improvement_ratio")


@dataclass(frozen=True, slots=True)
class EstimatorComparison:
    """Several estimators of one effect.

    Attributes
    ----------
    estimates : DataFrame
        Columns of `neurotrial.models.tidy`.
    agreement : str
        Whether the estimators agree, in a sentence.
    baseline_means : mapping of str to float
        Mean baseline by arm, of the participants with both visits.
    baseline_visit, follow_up : str
        Names of the two visits.
    note : str
        Who was left out and why; empty where nobody was.
    """

    estimates: pd.DataFrame
    agreement: str
    baseline_means: Mapping[str, float]
    baseline_visit: str
    follow_up: str
    note: str

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return self.estimates.copy()


def compare_estimators(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    subject: str,
    maximum: float | None = None,
    reference: str | None = None,
    covariates: Sequence[str] = (),
    baseline_visit: str | None = None,
    follow_up: str | None = None,
    direction: Direction = "higher_is_better",
    conf_level: float = 0.95,
    n_resamples: int = 10_000,
    seed: Seed = 0,
) -> EstimatorComparison:
    """Compare arms by ANCOVA, a common-baseline mixed model, change score, follow-up value and improvement ratios.

    Parameters
    ----------
    data : DataFrame
        One row per participant and visit.
    outcome, arm, visit, subject : str
        Columns with the value, the arm, the visit and the participant.
    maximum : float, optional
        Highest possible value; with it, the share of potential is compared too.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Columns or formula terms by which ANCOVA adjusts beside baseline; constant within a participant.
    baseline_visit, follow_up : str, optional
        The two visits; see `neurotrial.models.visits.two_visits` for what happens by default.
    direction : {"higher_is_better", "lower_is_better"}
        Which sign of a difference is a benefit.
    conf_level : float
        In (0, 1).
    n_resamples, seed : int
        See `neurotrial.models.permutation.permutation_test`.

    Returns
    -------
    EstimatorComparison
        All estimators use the participants with both visits, less those without a covariate (ANCOVA) or with an
        undefined ratio (improvement ratios); but ``clda`` uses everybody with one value. Each row says how many.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.visits.two_visits` or `neurotrial.models.checks.arm_table`, or
        a choice is unknown. An estimator that cannot be computed is a row with status ``failed``.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"participant_id": [f"sub-{i}" for i in range(8)] * 2, "arm": ["control", "cells"] * 8,
    ...                        "visit": ["baseline"] * 8 + ["day90"] * 8,
    ...                        "fma": [20, 31, 45, 22, 30, 47, 25, 38, 28, 45, 52, 40, 35, 60, 37, 49]})
    >>> result = compare_estimators(scores, outcome="fma", arm="arm", visit="visit", subject="participant_id",
    ...                             reference="control", maximum=66)
    >>> result.agreement.partition(";")[0]
    'All estimators favour cells'
    """
    _check_direction(direction)
    visits = two_visits(
        data,
        outcome=outcome,
        arm=arm,
        visit=visit,
        subject=subject,
        covariates=covariates,
        baseline_visit=baseline_visit,
        follow_up=follow_up,
    )
    table = arm_table(visits.frame, arm="arm", numeric=("follow_up", "baseline"), reference=reference)
    rows = estimate_methods(
        visits.frame,
        methods=[*_WITHOUT_MAXIMUM, *(["share_of_potential"] if maximum is not None else [])],
        arm_order=table.arms,
        reference=table.reference,
        covariates=covariates,
        maximum=maximum,
        follow_up=visits.follow_up,
        baseline_visit=visits.baseline_visit,
        conf_level=conf_level,
        n_resamples=n_resamples,
        seed=seed,
    )
    sentence = agreement(rows, visits.frame, main=MAIN_METHOD, direction=direction, conf_level=conf_level)
    means = {name: float(table.values("baseline", name).mean()) for name in table.arms}
    return EstimatorComparison(rows, sentence, means, visits.baseline_visit, visits.follow_up, table.note)


def estimate_methods(
    wide: pd.DataFrame,
    *,
    methods: Sequence[str],
    arm_order: Sequence[str],
    reference: str,
    covariates: Sequence[str] = (),
    maximum: float | None = None,
    follow_up: str = "",
    baseline_visit: str = "",
    conf_level: float = 0.95,
    n_resamples: int = 10_000,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Estimate the effect by each of several methods.

    Parameters
    ----------
    wide : DataFrame
        One row per participant: ``arm``, ``baseline``, ``follow_up`` and the covariates.
    methods : sequence of str
        Names that an analysis of a study file may give, but for Bayesian ones: of `CLASSICAL`.
    arm_order : sequence of str
        The arms, in the order of the tables.
    reference : str
        The arm that the others are compared with.
    covariates, maximum, conf_level, n_resamples, seed
        As in `compare_estimators`.
    follow_up, baseline_visit : str
        Names of the two visits, for the table only.

    Returns
    -------
    DataFrame
        Columns of `neurotrial.models.tidy`, each method and contrast once. A method that cannot be computed is a row
        with status ``failed`` and the reason.

    Raises
    ------
    InputError
        If the participants cannot be compared by any method, a covariate is no safe formula term, or a method is
        unknown.
    """
    check_level(conf_level)
    frame = wide.assign(arm=pd.Categorical(wide["arm"].astype("str"), categories=[*arm_order]))
    table = arm_table(frame, arm="arm", numeric=("follow_up", "baseline"), reference=reference)
    _check_methods(methods, covariates, wide)
    shared: dict[str, Any] = {
        "outcome": "follow_up",
        "baseline": "baseline",
        "arm": "arm",
        "reference": reference,
        "conf_level": conf_level,
        "visit": follow_up,
    }
    ratio = functools.partial(improvement_ratio, frame, **shared, n_resamples=n_resamples)
    calls: dict[str, Callable[[], pd.DataFrame]] = {
        "ancova": lambda: ancova(frame, **shared, covariates=covariates).tidy(),
        "change_score": lambda: _only("change_welch", change_score(frame, **shared).tidy()),
        "group_time": lambda: group_by_time(frame, **shared, covariates=covariates).tidy(),
        "clda": lambda: common_baseline(frame, **shared, covariates=covariates).tidy(),
        "follow_up": lambda: follow_up_only(frame, **shared).tidy(),
        "improvement_ratio": lambda: ratio(seed=_child(seed, 0)).tidy(),
        "share_of_potential": lambda: ratio(
            definition="potential", maximum=maximum, seed=_child(seed, 1)
        ).tidy(),
        "within_arm": lambda: within_arm(frame, **shared, baseline_visit=baseline_visit).tidy(),
    }
    contrasts = [f"{name} - {reference}" for name in table.compared]
    parts = [computed(calls[name], METHODS[name], contrasts, follow_up) for name in dict.fromkeys(methods)]
    return pd.concat(parts, ignore_index=True).drop_duplicates(["method", "contrast"], ignore_index=True)


def computed(
    call: Callable[[], pd.DataFrame], slugs: Sequence[str], contrasts: Sequence[str], visit: str
) -> pd.DataFrame:
    """Return the rows of a method, or rows with its slugs that say why it cannot be computed."""
    try:
        return call()
    except InputError as error:
        reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
        rows = [failed_row(slug, reason, contrast, visit) for slug in slugs for contrast in contrasts]
        return pd.concat(rows, ignore_index=True)


def _only(method: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["method"] == method]


def _child(seed: Seed, index: int) -> np.random.SeedSequence:
    """Return a stream of its own without touching `seed`, whose `spawn` would count calls."""
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    return np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, index))


def _check_methods(methods: Sequence[str], covariates: Sequence[str], wide: pd.DataFrame) -> None:
    problems = covariate_problems(covariates, wide, ("arm", "baseline", "follow_up"))
    problems += [
        Problem("methods", f"{name!r} is unknown", f"use: {', '.join(CLASSICAL)}")
        for name in methods
        if name not in CLASSICAL
    ]
    if not methods:
        problems.append(Problem("methods", "none is named", f"use: {', '.join(CLASSICAL)}"))
    if problems:
        raise InputError(problems)


def _check_direction(direction: str) -> None:
    if direction not in get_args(Direction):
        rule = f"{direction!r} is unknown"
        raise InputError([Problem("direction", rule, f"use one of: {', '.join(get_args(Direction))}")])
