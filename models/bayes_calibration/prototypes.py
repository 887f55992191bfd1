"""A trial of 31 v 13 participants for each shipped model: its design, its missing values and the default priors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import BayesPlan
from neurotrial.models.bayes.asked import Wording
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_calibration.generators import simulate_trials
from neurotrial.models.bayes_calibration.recovery_scores import CEILING
from neurotrial.models.bayes_calibration.scenarios import Scenario
from neurotrial.models.bayes_gaussian.ancova_model import ancova_model
from neurotrial.models.bayes_gaussian.joint_model import joint_model
from neurotrial.models.bayes_gaussian.mmrm_model import mmrm_model, repeated_measures
from neurotrial.models.bayes_gaussian.outcomes_model import outcome_tables, outcomes_model
from neurotrial.models.bayes_scores.bounded_model import bounded_model

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel
    from neurotrial.models.bayes.standardised import Standardised
    from neurotrial.models.bayes_gaussian.gaussian_model import GaussianKind
    from neurotrial.models.bayes_scores.bounded_model import BoundedFamily

__all__ = [
    "ancova",
    "beta_binomial",
    "group_time",
    "joint_change",
    "mmrm4",
    "mmrm4_student",
    "ordered_beta",
    "outcomes",
    "recovery",
]

_PLAN = BayesPlan()
_EFFECT = _PLAN.effect.neutral
_SEED = 1
_OUTCOMES = 7
_VISITS = ("baseline", "day30", "day60", "day90")
_MISSING = 0.15


def ancova() -> BayesModel:
    """Return the analysis of covariance."""
    return ancova_model(_two_visits(_trial(), 1), _EFFECT, _PLAN, Wording())


def group_time() -> BayesModel:
    """Return group x time over two visits; a fifth of each arm misses the second."""
    wide = _trial(missing=0.2)
    long = pd.concat(
        [
            wide.assign(visit=visit, value=wide[f"{column}_1"])
            for visit, column in (("baseline", "baseline"), ("day90", "follow_up"))
        ]
    )
    return _repeated(long, ("baseline", "day90"), _PLAN, "bayes_group_time")


def mmrm4() -> BayesModel:
    """Return repeated measures at four visits, with gaps."""
    return _repeated(_four_visits(), _VISITS, _PLAN, "bayes_mmrm")


def mmrm4_student() -> BayesModel:
    """Return the same with Student residuals."""
    return _repeated(_four_visits(), _VISITS, BayesPlan(residuals="student"), "bayes_mmrm")


def outcomes() -> BayesModel:
    """Return seven outcomes with pooled effects, each with a missing value or two."""
    wide = _trial(outcomes=_OUTCOMES, between=0.4)
    long = pd.concat(
        [
            wide.assign(
                outcome=f"outcome_{k}", value=wide[f"follow_up_{k}"], baseline=wide[f"baseline_{k}"]
            ).drop(index=[k, -k % len(wide)])
            for k in range(1, _OUTCOMES + 1)
        ]
    )
    given = outcome_tables(
        long, subject="participant_id", outcome="outcome", value="value", baseline="baseline", arm="arm",
        reference="control",
    )  # fmt: skip
    return outcomes_model(given, _EFFECT, _PLAN, dict.fromkeys(given.names, Wording()))


def joint_change() -> BayesModel:
    """Return two outcomes at two visits."""
    wide = _trial(outcomes=2, between=0.4).set_index("participant_id")
    pair = _two_visits(wide, 1), _two_visits(wide, 2)
    return joint_model(*pair, _EFFECT, _PLAN, ("imaging", "motor"), (Wording(), Wording()))


def beta_binomial() -> BayesModel:
    """Return the beta-binomial model of Fugl-Meyer scores of the upper limb."""
    return _bounded("beta_binomial")


def ordered_beta() -> BayesModel:
    """Return the ordered beta model of the same scores."""
    return _bounded("ordered_beta")


def recovery() -> BayesModel:
    """Return the mixture of who recovers and who hardly does."""
    return _bounded("recovery")


def _bounded(family: BoundedFamily) -> BayesModel:
    scenario = Scenario("prototype", 0.5, distribution="recovery")
    scores = simulate_trials(scenario, 1, np.random.SeedSequence(_SEED)).frame(0)
    return bounded_model(
        scores, outcome="follow_up_1", baseline="baseline_1", arm="arm", reference="control",
        bounds=(0, CEILING), family=family, effect=_EFFECT, plan=_PLAN, direction="higher_is_better",
    )  # fmt: skip


def _trial(missing: float = 0.0, outcomes: int = 1, between: float = 0.0) -> pd.DataFrame:
    scenario = Scenario(
        "prototype", 0.5, missing=missing, outcomes=outcomes, between=between, affected=outcomes
    )
    frame = simulate_trials(scenario, 1, np.random.SeedSequence(_SEED)).frame(0)
    return frame.assign(participant_id=[f"sub-{number + 1:02d}" for number in range(len(frame))])


def _two_visits(wide: pd.DataFrame, k: int) -> Standardised:
    return standardise(
        wide, outcome=f"follow_up_{k}", baseline=f"baseline_{k}", arm="arm", reference="control"
    )


def _four_visits() -> pd.DataFrame:
    rng = np.random.default_rng(_SEED)
    people = _trial()[["participant_id", "arm"]]
    person = rng.normal(size=len(people))
    each = []
    for number, visit in enumerate(_VISITS):
        values = person + 0.2 * number + 0.7 * rng.normal(size=len(people))
        gone = rng.random(len(people)) < (_MISSING if number else 0.0)
        each.append(people.assign(visit=visit, value=np.where(gone, np.nan, values)))
    return pd.concat(each)


def _repeated(long: pd.DataFrame, visits: tuple[str, ...], plan: BayesPlan, kind: GaussianKind) -> BayesModel:
    typed = long.assign(
        visit=pd.Categorical(long["visit"], visits), arm=pd.Categorical(long["arm"], ["control", "cells"])
    )
    given = repeated_measures(
        "value ~ arm * visit", typed, subject="participant_id", visit="visit", arm="arm"
    )
    return mmrm_model(given, _EFFECT, plan, Wording(), kind=kind)
