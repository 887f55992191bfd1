"""How each shipped model that has no exact posterior analyses a simulated trial: its model, and its effect on each outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import FAMILY, BayesPlan
from neurotrial.models.bayes.asked import Wording
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_calibration.nuts import NutsSampling
from neurotrial.models.bayes_calibration.recovery_scores import CEILING
from neurotrial.models.bayes_calibration.trial_posteriors import SampledAnalysis
from neurotrial.models.bayes_gaussian.joint_model import joint_model
from neurotrial.models.bayes_gaussian.mmrm_model import mmrm_model, repeated_measures
from neurotrial.models.bayes_gaussian.outcomes_model import outcome_tables, outcomes_model
from neurotrial.models.bayes_scores.bounded_model import bounded_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from neurotrial.bayes_plan import NormalPrior
    from neurotrial.models.bayes.model import BayesModel, Target

__all__ = ["sampled"]

_PLAN = BayesPlan()
_VISITS = ("baseline", "day30", "day60", "day90")
_BETWEEN_SD = 0.5
"""SD of the values at the visits between the first and the last about the line that joins these, in baseline SDs."""


def sampled(model: str) -> SampledAnalysis:
    """Return how a shipped model analyses trials, by the sampler that fits of trials use.

    Parameters
    ----------
    model : {"mmrm4", "mmrm4_student", "outcomes", "joint_change", "beta_binomial", "ordered_beta", "recovery"}
        The model.
    """
    make, chosen = _MODELS[model]
    return SampledAnalysis(make, NutsSampling(), chosen)


def _arm(target: Target) -> bool:
    return target.term == "arm" and target.outcome != FAMILY


def _change(target: Target) -> bool:
    return target.term == "group_by_time"


def _last_change(target: Target) -> bool:
    return _change(target) and target.visit == _VISITS[-1]


def _bounded(family: Any) -> Callable[[pd.DataFrame, NormalPrior], BayesModel]:
    def make(frame: pd.DataFrame, effect: NormalPrior) -> BayesModel:
        return bounded_model(
            frame, outcome="follow_up_1", baseline="baseline_1", arm="arm", reference="control", bounds=(0, CEILING),
            family=family, effect=effect, plan=_PLAN, direction="higher_is_better",
        )  # fmt: skip

    return make


def _outcomes(frame: pd.DataFrame, effect: NormalPrior) -> BayesModel:
    wide = _numbered(frame)
    count = sum(str(name).startswith("follow_up_") for name in frame.columns)
    long = pd.concat([
        wide.assign(outcome=f"outcome_{k}", value=wide[f"follow_up_{k}"], baseline=wide[f"baseline_{k}"])
        for k in range(1, count + 1)
    ])  # fmt: skip
    given = outcome_tables(
        long, subject="participant_id", outcome="outcome", value="value", baseline="baseline", arm="arm",
        reference="control",
    )  # fmt: skip
    return outcomes_model(given, effect, _PLAN, dict.fromkeys(given.names, Wording()))


def _joint(frame: pd.DataFrame, effect: NormalPrior) -> BayesModel:
    wide = _numbered(frame).set_index("participant_id")
    pair = [
        standardise(wide, outcome=f"follow_up_{k}", baseline=f"baseline_{k}", arm="arm", reference="control")
        for k in (1, 2)
    ]
    return joint_model(pair[0], pair[1], effect, _PLAN, ("imaging", "motor"), (Wording(), Wording()))


def _repeated(plan: BayesPlan) -> Callable[[pd.DataFrame, NormalPrior], BayesModel]:
    def make(frame: pd.DataFrame, effect: NormalPrior) -> BayesModel:
        given = repeated_measures(
            "value ~ arm * visit", _four_visits(frame), subject="participant_id", visit="visit", arm="arm"
        )
        return mmrm_model(given, effect, plan, Wording(), kind="bayes_mmrm")

    return make


def _four_visits(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a trial with two visits between the first and the last, whose values scatter about a line."""
    wide = _numbered(frame)
    first, last = wide["baseline_1"].to_numpy(), wide["follow_up_1"].to_numpy()
    # the trial itself is the seed, so that the same trial has the same values whoever analyses it
    rng = np.random.default_rng(np.frombuffer(first.tobytes(), dtype=np.uint32))
    scatter = _BETWEEN_SD * first.std(ddof=1)
    each = []
    for place, visit in enumerate(_VISITS):
        share = place / (len(_VISITS) - 1)
        between = 0 < place < len(_VISITS) - 1
        noise = rng.normal(size=len(wide)) * (scatter if between else 0.0)
        each.append(
            wide[["participant_id", "arm"]].assign(visit=visit, value=first + share * (last - first) + noise)
        )
    long = pd.concat(each)
    return long.assign(
        visit=pd.Categorical(long["visit"], _VISITS), arm=pd.Categorical(long["arm"], ["control", "cells"])
    )


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(participant_id=[f"sub-{number + 1:02d}" for number in range(len(frame))])


_MODELS: dict[str, tuple[Callable[[pd.DataFrame, NormalPrior], BayesModel], Callable[[Target], bool]]] = {
    "mmrm4": (_repeated(_PLAN), _last_change),
    "mmrm4_student": (_repeated(BayesPlan(residuals="student")), _last_change),
    "outcomes": (_outcomes, _arm),
    "joint_change": (_joint, _change),
    "beta_binomial": (_bounded("beta_binomial"), _arm),
    "ordered_beta": (_bounded("ordered_beta"), _arm),
    "recovery": (_bounded("recovery"), _arm),
}
