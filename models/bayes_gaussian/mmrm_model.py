"""The Bayesian mixed model for repeated measures: all visits, an unstructured covariance, missing visits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.formulas import formula_names
from neurotrial.models.bayes_gaussian.ancova_model import tail_prior
from neurotrial.models.bayes_gaussian.covariance_prior import CovariancePrior
from neurotrial.models.bayes_gaussian.gaussian_model import GaussianModel, Scaling
from neurotrial.models.bayes_gaussian.gaussian_targets import LinearTarget
from neurotrial.models.bayes_gaussian.mmrm_prior import coefficient_prior
from neurotrial.models.checks import FEWEST
from neurotrial.models.repeated_measures.clda_fit import baseline_columns
from neurotrial.models.repeated_measures.design_matrix import design_matrix
from neurotrial.models.repeated_measures.long_data import long_data
from neurotrial.models.repeated_measures.roles import roles_of
from neurotrial.models.repeated_measures.trial_functions import trial_functions

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.bayes_plan import BayesPlan, NormalPrior
    from neurotrial.models.bayes.asked import Wording
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes_gaussian.gaussian_model import GaussianKind
    from neurotrial.models.repeated_measures.design_matrix import DesignMatrix
    from neurotrial.models.repeated_measures.long_data import LongData
    from neurotrial.models.repeated_measures.roles import Roles

__all__ = ["MOST_VISITS", "RepeatedMeasures", "mmrm_model", "repeated_measures"]

MOST_VISITS = 10
"""An unrestricted covariance of more visits is out of proportion to a trial."""


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedMeasures:
    """A checked long table as rows of participants.

    Attributes
    ----------
    roles : Roles
        Columns.
    long : LongData
        Complete rows, ordered.
    design : DesignMatrix
        The columns of the formula.
    arm : str
        Column with the arm.
    scores : ndarray, shape (n, T)
        In the unit of the outcome; NaN where a visit is missing.
    matrix : ndarray, shape (n, T, p)
        0 where a visit is missing.
    arms : tuple of str, length n
        Arm of each participant.
    centre, sd : float
        Mean at the first visit, and its SD pooled over the arms.
    common_baseline : bool
        Whether the arms have one mean at the first visit.
    """

    roles: Roles
    long: LongData
    design: DesignMatrix
    arm: str
    scores: FloatArray
    matrix: FloatArray
    arms: tuple[str, ...]
    centre: float
    sd: float
    common_baseline: bool


def repeated_measures(
    formula: str, data: pd.DataFrame, *, subject: str, visit: str, arm: str, common_baseline: bool = False
) -> RepeatedMeasures:
    """Check a long table and put its rows by participant.

    Parameters
    ----------
    formula : str
        ``"outcome ~ terms"`` as of `neurotrial.models.mmrm`; with a common baseline the terms lack the arm, which is
        added at every visit but the first.
    data : DataFrame
        One row per participant and visit.
    subject, visit, arm : str
        Columns.
    common_baseline : bool
        Whether the arms have one mean at the first visit.

    Returns
    -------
    RepeatedMeasures
        Rows that miss something are left out, participants with any visit stay.

    Raises
    ------
    InputError
        As `neurotrial.models.mmrm`; and if the arm is not in the formula (or is, with a common baseline), changes, or
        has fewer than two participants, there are more than 10 visits, or the first visit does not vary within arms.
    """
    if common_baseline and arm in formula_names(formula.partition("~")[2]):
        remedy = "leave it out: it is added at every visit but the first"
        raise refuse("formula", f"names the arm {arm!r}, which has a common baseline", remedy)
    whole = f"{formula} + {visit} + {arm}:{visit}" if common_baseline else formula
    roles = roles_of(whole, data, subject=subject, visit=visit)
    if arm not in roles.explaining:
        remedy = f"name the arm in the formula, e.g. outcome ~ {arm} * {visit}"
        raise refuse("formula", f"the column {arm!r} of the arms is not in it", remedy)
    typed = data.assign(**{arm: data[arm] if data[arm].dtype == "category" else data[arm].astype("category")})
    long = long_data(typed, roles)
    levels = [str(name) for name in long.frame[arm].cat.categories]
    without = baseline_columns(levels[1:], arm, visit, long.visits[0]) if common_baseline else ()
    design = design_matrix(long, roles, without=without)
    shape = (len(long.participants), len(long.levels))
    values, matrix = np.full(shape, np.nan), np.zeros((*shape, len(design.names)))
    values[long.participant, long.level] = long.column(roles.outcome)
    matrix[long.participant, long.level] = design.matrix
    first = np.unique(long.participant, return_index=True)[1]
    arms = tuple(str(name) for name in long.frame[arm].iloc[first])
    problems = [*_size_problems(long, arm, arms), *_arm_problems(long, arm)]
    if problems:
        raise InputError(problems)
    centre, sd = _scale(values[:, 0], np.array(arms))
    if not sd > 0:
        rule = f"does not vary within the arms at {long.visits[0]}: its SD, the scale of the priors, is 0"
        raise refuse(f"column {roles.outcome!r}", rule, "check the column and the order of the visits")
    return RepeatedMeasures(
        roles, long, design, arm, values, matrix, arms, centre, sd, common_baseline=common_baseline
    )


def _size_problems(long: LongData, arm: str, arms: Sequence[str]) -> Iterator[Problem]:
    if len(long.levels) > MOST_VISITS:
        rule = f"{len(long.levels)} visits are more than {MOST_VISITS}"
        yield Problem("visit", rule, "use mmrm with a structured covariance, or fewer visits")
    few = [name for name in dict.fromkeys(arms) if arms.count(name) < FEWEST]
    if few:
        rule = f"fewer than {FEWEST} participants with a value in: {', '.join(few)}"
        yield Problem(f"column {arm!r}", rule, "leave the arm out")


def _arm_problems(long: LongData, arm: str) -> Iterator[Problem]:
    codes = long.frame[arm].cat.codes.to_numpy()
    changed = np.unique(long.participant[1:][(np.diff(long.participant) == 0) & (np.diff(codes) != 0)])
    if len(changed):
        who = ", ".join(long.participants[i] for i in changed[:5])
        yield Problem(
            f"column {arm!r}", f"a participant has one arm at all visits; more: {who}", "correct the rows"
        )


def _scale(first: FloatArray, arms: np.ndarray) -> tuple[float, float]:
    """Return the mean of the first visit and its SD pooled over the arms; NaN if nobody has it twice."""
    groups = [first[(arms == name) & np.isfinite(first)] for name in np.unique(arms)]
    freedom = sum(max(len(own) - 1, 0) for own in groups)
    squares = sum(float(((own - own.mean()) ** 2).sum()) for own in groups if len(own))
    return float(np.nanmean(first)), float(np.sqrt(squares / freedom)) if freedom else np.nan


def mmrm_model(
    given: RepeatedMeasures,
    effect: NormalPrior,
    plan: BayesPlan,
    wording: Wording,
    *,
    kind: GaussianKind = "bayes_mmrm",
    baseline: bool = True,
) -> GaussianModel:
    """Return the model of all visits.

    Parameters
    ----------
    given : RepeatedMeasures
        The rows.
    effect : NormalPrior
        Prior of the effect of each compared arm at each visit after baseline, oriented: above 0 is a benefit.
    plan : BayesPlan
        All other priors.
    wording : Wording
        Direction and range.
    kind : str
        Slug.
    baseline : bool
        Whether the first visit is before treatment: arms then differ at it by imbalance alone, and effects are
        differences of changes from it.

    Returns
    -------
    GaussianModel
        Its targets are those of `neurotrial.models.repeated_measures.result.Mmrm.effects`.
    """
    visits = given.long.visits
    prior, effects = coefficient_prior(
        given, wording.sign * effect.mean, effect.sd, plan.others, baseline=baseline
    )
    weights, labels = trial_functions(given.design, given.long.frame, given.arm, given.roles.visit)
    others = plan.others
    return GaussianModel(
        kind=kind,
        values=(given.scores - given.centre) / given.sd,
        design=given.matrix,
        prior=prior,
        covariance=CovariancePrior(
            np.full(len(visits), others.residual_sd), others.correlation_eta, tail_prior(plan)
        ),
        effects=effects,
        scaling=Scaling(
            np.full(len(visits), given.centre),
            np.full(len(visits), given.sd),
            given.long.participants,
            given.arms,
            visits,
            (wording.bounds,) * len(visits),
        ),
        asked=tuple(
            LinearTarget(
                row,
                given.sd,
                given.centre if label.term == "lsmean" else 0.0,
                label.term,
                label.contrast,
                label.visit,
                sign=0 if label.term == "lsmean" else wording.sign,
            )
            for row, label in zip(weights, labels, strict=True)
        ),
    )
