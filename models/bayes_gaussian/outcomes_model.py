"""The hierarchical model of several outcomes: standardised effects that are pooled, residuals that go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.bayes_plan import FAMILY
from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.bayes.coefficients import CoefficientPrior
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_gaussian.ancova_model import tail_prior
from neurotrial.models.bayes_gaussian.covariance_prior import CovariancePrior
from neurotrial.models.bayes_gaussian.gaussian_model import GaussianModel, Pooling, Scaling
from neurotrial.models.bayes_gaussian.gaussian_targets import LinearTarget
from neurotrial.models.checks import missing_columns
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.bayes_plan import BayesPlan, NormalPrior
    from neurotrial.models.bayes.asked import Wording
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes.standardised import Standardised

__all__ = ["OutcomeTables", "outcome_tables", "outcomes_model", "pooled_sampling"]

_TARGET_ACCEPT, _TUNE = 0.95, 1000
_MOST = 12
"""Outcomes; an unrestricted correlation of more asks too much of a trial."""


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeTables:
    """One checked table for each outcome, over the same participants.

    Attributes
    ----------
    names : tuple of str, length K
        The outcomes.
    tables : tuple of Standardised, length K
        Complete participants of each.
    participants : tuple of str, length n
        Who has at least one outcome.
    arms : tuple of str, length n
        Their arms.
    """

    names: tuple[str, ...]
    tables: tuple[Standardised, ...]
    participants: tuple[str, ...]
    arms: tuple[str, ...]

    @property
    def compared(self) -> tuple[str, ...]:
        """The arms that are compared with the reference."""
        return self.tables[0].table.compared


def outcome_tables(
    data: pd.DataFrame,
    *,
    subject: str,
    outcome: str,
    value: str,
    baseline: str,
    arm: str,
    reference: str | None = None,
    covariates: Sequence[str] = (),
) -> OutcomeTables:
    """Check a table with one row for each participant and outcome, and put every outcome on the scale of the priors.

    Parameters
    ----------
    data : DataFrame
        One row per participant and outcome.
    subject, outcome, value, baseline, arm : str
        Columns with the participant, the name of the outcome, its value at follow-up and at baseline, and the arm.
    reference : str, optional
        The arm that the others are compared with.
    covariates : sequence of str
        Columns or formula terms.

    Returns
    -------
    OutcomeTables
        A participant who misses something of one outcome stays in the others.

    Raises
    ------
    InputError
        If a column is missing, a participant has two rows of an outcome or two arms, there are fewer than two or more
        than 12 outcomes, or an outcome breaks a rule of `neurotrial.models.bayes.standardised.standardise`.
    """
    problems = missing_columns(data, [subject, outcome, value, baseline, arm])
    if problems:
        raise InputError(problems)
    names = tuple(str(name) for name in dict.fromkeys(data[outcome].dropna()))
    problems = [*_row_problems(data, subject, outcome, arm)]
    if not 1 < len(names) <= _MOST:
        rule = f"holds {len(names)} outcomes; the model is for 2 to {_MOST}"
        problems.append(Problem(f"column {outcome!r}", rule, "use bayes_ancova for one outcome"))
    if problems:
        raise InputError(problems)
    arms = _arm_factor(data[arm], reference)
    tables = []
    for name in names:
        rows = data.assign(**{arm: arms})[data[outcome].astype("str") == name].set_index(subject)
        try:
            found = standardise(
                rows, outcome=value, baseline=baseline, arm=arm, reference=reference, covariates=covariates
            )
        except InputError as error:
            raise InputError(
                [Problem(f"outcome {name!r}, {p.where}", p.rule, p.remedy, p.rows) for p in error.problems]
            ) from None
        tables.append(found)
    return _joined(names, tables)


def _arm_factor(values: pd.Series, reference: str | None) -> pd.Series:
    """Return the arms as a factor, so that every outcome knows the same order."""
    import pandas as pd

    from neurotrial.models.checks import arm_order

    return pd.Series(
        pd.Categorical(values.astype("str").where(values.notna()), list(arm_order(values, reference))),
        index=values.index,
    )


def _row_problems(data: pd.DataFrame, subject: str, outcome: str, arm: str) -> Iterator[Problem]:
    again = data.index[data.duplicated([subject, outcome], keep=False)]
    if len(again):
        rows = describe_rows(data, again, (subject, outcome))
        yield Problem(f"columns {subject!r}, {outcome!r}", "a participant has one row for each outcome",
                      "remove the rows that do not count", rows)  # fmt: skip
    several = data.groupby(subject, sort=False)[arm].transform("nunique") > 1
    if several.any():
        rows = describe_rows(data, data.index[several], (subject, outcome, arm))
        yield Problem(f"column {arm!r}", "a participant has one arm", "correct the rows", rows)


def _joined(names: tuple[str, ...], tables: list[Standardised]) -> OutcomeTables:
    compared = {found.table.compared for found in tables}
    if len(compared) > 1:
        lacking = "; ".join(
            f"{name}: {', '.join(found.table.arms)}" for name, found in zip(names, tables, strict=True)
        )
        raise refuse("outcomes", f"not every arm has every outcome ({lacking})", "leave out outcomes or arms")
    arms: dict[str, str] = {}
    for found in tables:
        frame = found.table.frame
        arms |= {str(who): str(arm) for who, arm in zip(frame.index, frame[found.table.arm], strict=True)}
    return OutcomeTables(names, tuple(tables), tuple(arms), tuple(arms.values()))


def outcomes_model(
    given: OutcomeTables, effect: NormalPrior, plan: BayesPlan, wordings: Mapping[str, Wording]
) -> GaussianModel:
    """Return the model of all outcomes at follow-up given their baselines.

    In baseline SDs and turned to benefit, the effect of an arm on an outcome is the effect on the family plus a
    deviation; the deviations are normal with a spread of their own, which the data estimate.

    Parameters
    ----------
    given : OutcomeTables
        The outcomes.
    effect : NormalPrior
        Prior of the effect on the family, oriented: above 0 is a benefit.
    plan : BayesPlan
        All other priors; ``others.pooling_sd`` is the scale of the half-normal prior of the spread.
    wordings : mapping of str to Wording
        Direction, names and range of each outcome.

    Returns
    -------
    GaussianModel
        Kind ``bayes_outcomes``; its targets are the effect on each outcome in its unit, and that on the family in
        baseline SDs.
    """
    k, a = len(given.names), len(given.compared)
    signs = np.array([wordings[name].sign for name in given.names])
    values, own, arms = _stacked(given)
    pooled = np.einsum("na,k->nka", arms, signs)
    design = np.concatenate([own, pooled], axis=2) * np.isfinite(values)[:, :, None]
    deviations = np.einsum("na,k,kj->nkaj", arms, signs, np.eye(k)).reshape(len(arms), k, a * k)
    others, p = plan.others, design.shape[2]
    return GaussianModel(
        kind="bayes_outcomes",
        values=values,
        design=design,
        prior=_prior(given, effect, plan, a),
        covariance=CovariancePrior(np.full(k, others.residual_sd), others.correlation_eta, tail_prior(plan)),
        effects=tuple(range(p - a, p)),
        scaling=Scaling(
            np.array([found.centre for found in given.tables]),
            np.array([found.sd for found in given.tables]),
            given.participants,
            given.arms,
            given.names,
            tuple(wordings[name].bounds for name in given.names),
        ),
        asked=tuple(_targets(given, wordings, p)),
        pooling=Pooling(deviations, np.repeat(np.arange(a), k), np.full(a, others.pooling_sd)),
    )


def pooled_sampling(plan: BayesPlan) -> BayesPlan:
    """Return the plan with the least care that a spread of effects takes: smaller steps and a longer warm-up."""
    own = plan.sampling
    changed = {
        "target_accept": max(own.target_accept, _TARGET_ACCEPT),
        "tune": max(own.tune, _TUNE),
    }
    return plan.model_copy(update={"sampling": own.model_copy(update=changed)})


def _prior(given: OutcomeTables, effect: NormalPrior, plan: BayesPlan, a: int) -> CoefficientPrior:
    others, q = plan.others, given.tables[0].visits.covariates.shape[1]
    mean = [0.0, others.slope.mean, *[0.0] * q] * len(given.names) + [effect.mean] * a
    sd = [others.intercept_sd, others.slope.sd, *[others.covariate_sd] * q] * len(given.names) + [
        effect.sd
    ] * a
    return CoefficientPrior(np.array(mean), np.array(sd), np.eye(len(mean)))


def _stacked(given: OutcomeTables) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return values (n, K), the columns of each outcome (n, K, p) and arms (n, compared)."""
    n, k = len(given.participants), len(given.names)
    place = {who: row for row, who in enumerate(given.participants)}
    own = 2 + given.tables[0].visits.covariates.shape[1]
    values, design = np.full((n, k), np.nan), np.zeros((n, k, own * k))
    arms = np.array([[arm == name for name in given.compared] for arm in given.arms], dtype="float64")
    for column, found in enumerate(given.tables):
        rows = np.array([place[str(who)] for who in found.table.frame.index])
        visits = found.visits
        values[rows, column] = visits.follow_up
        block = np.column_stack([np.ones(len(rows)), visits.baseline, visits.covariates])
        design[rows, column, own * column : own * (column + 1)] = block
    return values, design, arms


def _targets(given: OutcomeTables, wordings: Mapping[str, Wording], p: int) -> Iterator[LinearTarget]:
    k, a = len(given.names), len(given.compared)
    reference = given.tables[0].table.reference
    units = np.eye(p + a * k)
    for place, arm in enumerate(given.compared):
        contrast = f"{arm} - {reference}"
        pooled = units[p - a + place]
        for column, name in enumerate(given.names):
            asked = wordings[name]
            weights = asked.sign * (pooled + units[p + place * k + column])
            size = given.tables[column].sd
            yield LinearTarget(weights, size, 0.0, "arm", contrast, asked.visit, name, sign=asked.sign)
        first = wordings[given.names[0]].visit
        yield LinearTarget(pooled, 1.0, 0.0, "arm", contrast, first, FAMILY, "baseline SD", 1)
