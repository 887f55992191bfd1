"""Several outcomes at once: effects that are pooled over a family, and changes that go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.errors import InputError, refuse
from neurotrial.models.bayes.asked import Wording, wording
from neurotrial.models.bayes.result import BayesianFit, fit_priors
from neurotrial.models.bayes.settings import models_by_prior, plan_of, shows_progress
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_gaussian.joint_model import joint_model
from neurotrial.models.bayes_gaussian.outcomes_model import outcome_tables, outcomes_model, pooled_sampling
from neurotrial.models.checks import arm_table
from neurotrial.models.design import covariate_problems, term_columns

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.models.bayes_gaussian.outcomes_model import OutcomeTables
    from neurotrial.models.sentences import Direction

__all__ = ["bayes_joint_change", "bayes_outcomes"]


def bayes_outcomes(
    data: pd.DataFrame,
    *,
    subject: str = "participant_id",
    outcome: str = "outcome",
    value: str = "value",
    baseline: str = "baseline",
    arm: str = "arm",
    reference: str | None = None,
    covariates: Sequence[str] = (),
    directions: Direction | Mapping[str, Direction] = "higher_is_better",
    mcids: Mapping[str, float] | None = None,
    priors: BayesPlan | None = None,
    prior_sets: Sequence[str] = PRIOR_SETS,
    conf_level: float = 0.95,
    visit: str = "follow_up",
    draws: int | None = None,
    chains: int | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> BayesianFit:
    """Compare arms on several outcomes at once: effects in baseline SDs are pooled, residuals go together.

    Parameters
    ----------
    data : DataFrame
        One row per participant and outcome, as the table ``outcomes`` of a study at one visit. A participant who
        misses an outcome stays in the others.
    subject, outcome, value, baseline, arm : str
        Columns with the participant, the name of the outcome, its value at follow-up and at baseline, and the arm.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Columns or formula terms; each has a slope for each outcome.
    directions : str or mapping of str to str
        Which sign of a difference is a benefit, for all outcomes or for each.
    mcids : mapping of str to float, optional
        Minimal clinically important difference of some outcomes, in their units.
    priors : BayesPlan, optional
        As in `bayes_ancova`; the prior of the effect is that of the effect on the family, and ``others.pooling_sd``
        the scale of the spread of the outcomes' effects about it.
    visit : str
        Name of the follow-up visit, for the tables only.
    prior_sets, conf_level, draws, chains, seed, progress
        As in `bayes_ancova`.

    Returns
    -------
    BayesianFit
        ``tidy()`` has a row for each outcome, in its unit, and one for the outcome ``family``, in baseline SDs, oriented
        to benefit.

    Raises
    ------
    InputError
        As `neurotrial.models.bayes_gaussian.outcomes_model.outcome_tables`; or if a direction or MCID is of an outcome
        that is not there, or a setting is out of range.

    References
    ----------
    Gelman A, Hill J, Yajima M. J Res Educ Eff 2012;5:189-211. https://doi.org/10.1080/19345747.2011.618213
    """
    plan = pooled_sampling(plan_of(priors, draws, chains))
    given = outcome_tables(
        data, subject=subject, outcome=outcome, value=value, baseline=baseline, arm=arm, reference=reference,
        covariates=covariates,
    )  # fmt: skip
    asked = {
        name: wording(direction=direction, visit=visit, mcid=(mcids or {}).get(name), conf_level=conf_level)
        for name, direction in _each(directions, given, mcids or {}).items()
    }
    models = models_by_prior(plan, prior_sets, lambda effect: outcomes_model(given, effect, plan, asked))
    fits = fit_priors(models, plan, seed, progress=shows_progress(progress))
    left_out = tuple(
        f"{name}: {found.table.note}"
        for name, found in zip(given.names, given.tables, strict=True)
        if found.table.note
    )
    return BayesianFit(fits, asked, left_out)


def _each(
    directions: Direction | Mapping[str, Direction], given: OutcomeTables, mcids: Mapping[str, float]
) -> dict[str, Direction]:
    if isinstance(directions, str):
        directions = dict.fromkeys(given.names, directions)
    for where, named in (("directions", directions), ("mcids", mcids)):
        unknown = [name for name in named if name not in given.names]
        if unknown:
            raise refuse(
                where, f"no outcome of the table: {', '.join(unknown)}", f"use: {', '.join(given.names)}"
            )
    lacking = [name for name in given.names if name not in directions]
    if lacking:
        raise refuse(
            "directions", f"lacks {', '.join(lacking)}", "name every outcome, or give one direction for all"
        )
    return dict(directions)


def bayes_joint_change(
    data: pd.DataFrame,
    *,
    x: str,
    x_baseline: str,
    y: str,
    y_baseline: str,
    arm: str,
    reference: str | None = None,
    covariates: Sequence[str] = (),
    directions: tuple[Direction, Direction] = ("higher_is_better", "higher_is_better"),
    priors: BayesPlan | None = None,
    prior_sets: Sequence[str] = PRIOR_SETS,
    conf_level: float = 0.95,
    visit: str = "follow_up",
    baseline_visit: str = "baseline",
    draws: int | None = None,
    chains: int | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> BayesianFit:
    """Fit two outcomes at two visits together: effects on both changes, and how the changes go together.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    x, x_baseline, y, y_baseline, arm : str
        Columns with the outcome that explains (imaging, say) at follow-up and baseline, the one that is explained (the
        motor score, say) at both, and the arm.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Columns or formula terms; each has a slope at the follow-up of each outcome.
    directions : tuple of str
        Which sign of a difference is a benefit, for x and for y.
    priors, prior_sets, conf_level, visit, baseline_visit, draws, chains, seed, progress
        As in `bayes_ancova`.

    Returns
    -------
    BayesianFit
        ``tidy()`` has the effects on both changes (``group_by_time``) and the association: the partial correlation of
        the follow-ups, and the slope of y on x, both in participants of one arm with the same baselines. No ratio or
        difference of noisy values is formed, so that nothing is shared by construction.

    Raises
    ------
    InputError
        If the table breaks a rule of `neurotrial.models.bayes.standardised.standardise`, x and y are one column, or a
        setting is out of range.

    References
    ----------
    Hope TMH et al. Brain 2019;142:15-22. https://doi.org/10.1093/brain/awy302
    """
    if x == y:
        raise refuse("x, y", f"{x!r} is both", "name two outcomes")
    plan = plan_of(priors, draws, chains)
    asked: tuple[Wording, Wording] = tuple(
        wording(direction=direction, visit=visit, baseline_visit=baseline_visit, conf_level=conf_level)
        for direction in directions
    )  # type: ignore[assignment] # two directions
    measured = (x, x_baseline, y, y_baseline)
    problems = covariate_problems(covariates, data, (*measured, arm))
    if problems:
        raise InputError(problems)
    whole = data if data.index.is_unique else data.reset_index(drop=True)
    terms = [name for term in covariates for name in term_columns(term, whole)]
    known = arm_table(
        whole, arm=arm, numeric=measured, others=tuple(dict.fromkeys(terms)), reference=reference
    )
    complete = whole.loc[known.frame.index]
    tables = [
        standardise(
            complete, outcome=after, baseline=before, arm=arm, reference=reference, covariates=covariates
        )
        for after, before in ((x, x_baseline), (y, y_baseline))
    ]
    models = models_by_prior(
        plan, prior_sets, lambda effect: joint_model(tables[0], tables[1], effect, plan, (x, y), asked)
    )
    fits = fit_priors(models, plan, seed, progress=shows_progress(progress))
    return BayesianFit(fits, dict(zip((x, y), asked, strict=True)), (known.note,) if known.note else ())
