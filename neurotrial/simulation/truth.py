"""The truth of a simulated trial: the population value of every shipped estimator, by a large simulation.

What was put in is not what an estimator estimates: 10 points added under a ceiling are fewer on average, and a change of
a tract's integrity is a change of anisotropy that noise and partial volume attenuate. The population value is therefore
what the estimator itself gives for a very large trial of the same kind, with its Monte Carlo error.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.loading import StudyData
from neurotrial.models.compare import CLASSICAL
from neurotrial.models.study_fit import fit_study
from neurotrial.outcomes import build_outcomes
from neurotrial.simulation.settings import ARMS
from neurotrial.simulation.trial import make_trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from neurotrial.simulation.settings import TrialSettings
    from neurotrial.simulation.trial import Trial
    from neurotrial.study import Study

__all__ = [
    "MANY_BRAINS",
    "MANY_PEOPLE",
    "compare_with_truth",
    "estimands",
    "for_large_trials",
    "joined_tables",
    "of_source",
    "study_data",
    "twin_names",
    "twin_trials",
]

MANY_PEOPLE = 3000
"""Participants of the large trial for motor outcomes, each in both arms."""

MANY_BRAINS = 600
"""Participants of the large trial for imaging outcomes, which takes longer."""

_SEED_STEP = 1_000_003
_FEWEST_RESAMPLES = 999
_NORMAL_95 = 1.959963984540054
_CONDITIONAL = "lsmean"
_LARGE = (*CLASSICAL, "robust", "median", "effect_sizes")


def twin_trials(settings: TrialSettings, participants: int) -> list[Trial]:
    """Return one trial of the same kind for each arm, with the same many people in it, from random streams of their own."""
    kind = replace(settings.scaled(participants), seed=settings.seed + _SEED_STEP)
    return [make_trial(kind, arm) for arm in ARMS]


def twin_names(table: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Return a table of one of `twin_trials` with names that the other has not."""
    return table.assign(participant_id=table["participant_id"] + f"-{arm}")


def joined_tables(trials: Sequence[Trial]) -> dict[str, pd.DataFrame]:
    """Return the tables of `twin_trials` as those of one trial, in which each participant is once in every arm."""
    import pandas as pd

    return {
        name: pd.concat(
            [twin_names(trial.tables[name], arm) for trial, arm in zip(trials, ARMS, strict=True)],
            ignore_index=True,
        )
        for name in trials[0].tables
    }


def of_source(study: Study, table: str) -> Study:
    """Return the plan with only those analyses whose outcomes all come from one table, and no families."""
    outcomes = [outcome for outcome in study.outcomes if outcome.source.table == table]
    names = {outcome.name for outcome in outcomes}
    kept = [analysis for analysis in study.analyses if set(study.estimand_of(analysis).outcomes) <= names]
    return study.model_copy(update={"outcomes": outcomes, "analyses": kept, "families": []})


def for_large_trials(study: Study) -> Study:
    """Return the plan with the methods that thousands of participants can be analysed by, and what estimates nothing else left out.

    Posteriors, redrawn labels, imputation and exact tests of very large trials take hours and give what the others give.
    """
    kept = [
        analysis.model_copy(update={"methods": methods, "sensitivity": []})
        for analysis in study.analyses
        if (methods := [method for method in analysis.methods if method in _LARGE])
    ]
    return study.model_copy(
        update={"analyses": kept, "bayes": None, "associations": [], "subgroups": [], "power": []}
    )


def study_data(study: Study, tables: Mapping[str, pd.DataFrame]) -> StudyData:
    """Return a study that exists in memory only."""
    outcomes, problems = build_outcomes(study, tables)
    return StudyData(Path(), study, dict(tables), outcomes, {}, tuple(problems))


def estimands(study: Study, tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Estimate everything that a study's plan asks for on the tables of a large trial.

    Parameters
    ----------
    study : Study
        The plan of the simulated study.
    tables : mapping of str to DataFrame
        Tables of a large trial, `features` with them.

    Returns
    -------
    list of dict
        For each key of the table `estimates`: key, value, monte_carlo_error (the estimator's own standard error in the
        large trial, which does not know that both arms hold the same people: the error of a contrast is smaller), unit,
        n_participants.
    """
    plan = for_large_trials(study).model_copy(update={"n_resamples": _FEWEST_RESAMPLES})
    # harms are no estimands, and exact intervals of their rates take minutes in thousands of participants
    needed = {name: table for name, table in tables.items() if name != "harms"}
    rows = fit_study(study_data(plan, needed)).tables["estimates"]
    rank = (rows["conf_high"] - rows["conf_low"]) / (2 * _NORMAL_95)
    error = rows["std_error"].fillna(rank)
    return [
        {
            "key": row["key"],
            "value": _plain(row["estimate"]),
            "monte_carlo_error": _plain(spread),
            "unit": row["unit"],
            "n_participants": int(row["n_participants"]),
        }
        for row, spread in zip(rows.to_dict("records"), error, strict=True)
    ]


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def compare_with_truth(estimates: pd.DataFrame, truth: Mapping[str, Any]) -> pd.DataFrame:
    """Set the estimates of a simulated study beside the values that they estimate.

    Parameters
    ----------
    estimates : DataFrame
        The table `estimates` of the study's results.
    truth : mapping
        The content of ``truth.json``.

    Returns
    -------
    DataFrame
        One row for each estimate with a standard error: key, analysis, outcome, method, term, estimate, std_error,
        truth, monte_carlo_error, and ``distance``: estimate less truth over the root of the sum of both squared
        errors. Least-squares means are left out: their standard errors are conditional on the baselines seen.
    """
    import pandas as pd

    known = pd.DataFrame(truth["estimands"]).set_index("key")
    both = estimates.set_index("key")[
        ["analysis", "outcome", "method", "term", "estimate", "std_error"]
    ].dropna()
    both = both[both["term"] != _CONDITIONAL].join(
        known[["value", "monte_carlo_error"]].rename(columns={"value": "truth"}), how="inner"
    )
    error = np.hypot(both["std_error"], both["monte_carlo_error"])
    return both.assign(distance=(both["estimate"] - both["truth"]) / error).reset_index()
