"""Coverage of the population values by the intervals of 1,000 simulated table studies and more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neurotrial.executors import default_jobs, open_executor
from neurotrial.models.compare import estimate_methods
from neurotrial.outcomes import build_outcomes
from neurotrial.simulation.measures import measure_brains
from neurotrial.simulation.settings import ARMS, TrialSettings
from neurotrial.simulation.study import default_plan
from neurotrial.simulation.trial import make_trial
from neurotrial.simulation.truth import estimands, joined_tables, of_source, twin_trials
from neurotrial.study_file import read_study

pytestmark = pytest.mark.slow

CHUNK = 25
SETTINGS = TrialSettings(seed=77)


def band(studies):
    """Return the limits of the 99.9 % Monte Carlo band about a coverage of 95 %."""
    half = 3.2905 * np.sqrt(0.95 * 0.05 / studies)
    return 0.95 - half, 0.95 + half


def plan_of(folder, table, analysis, methods):
    """The plan with one analysis by methods without permutations."""
    study = of_source(read_study(folder / "study.yaml"), table)
    lean = next(one for one in study.analyses if one.name == analysis)
    lean = lean.model_copy(update={"methods": methods, "requested_method": None})
    wanted = study.estimand_of(lean).outcomes
    outcomes = [outcome for outcome in study.outcomes if outcome.name in wanted]
    return study.model_copy(update={"analyses": [lean], "outcomes": outcomes})


def population_values(plan, tables):
    return pd.DataFrame(estimands(plan, tables)).set_index("key")["value"]


def arm_effects(plan, tables):
    """The effects of one simulated study by key, without what else a fit writes.

    Least-squares means are left out: their standard errors are conditional on the baselines that were drawn, so that
    their intervals are none for the mean of the population.
    """
    analysis = plan.analyses[0]
    population = plan.population_of(analysis)
    outcomes, _ = build_outcomes(plan, tables)
    parts = []
    for name, rows in outcomes[outcomes[population.flag] & (outcomes["visit"] == "day90")].groupby("outcome"):
        found = estimate_methods(
            rows.rename(columns={"value": "follow_up"}).reset_index(drop=True),
            methods=analysis.methods,
            arm_order=[arm.name for arm in plan.arms],
            reference=plan.reference_arm.name,
        )
        stem = f"{analysis.name}/{name}/{population.name}"
        found.index = [f"{stem}/{method}/cells-control/day90" for method in found["method"]]
        parts.append(found[found["term"] == "arm"])
    return pd.concat(parts)


def covered(plan, tables, truth):
    """Whether each interval of a study holds the population value."""
    rows = arm_effects(plan, tables)
    value = truth.loc[rows.index]
    return (rows["conf_low"] <= value) & (value <= rows["conf_high"])


def motor_studies(seeds, plan, truth):
    return [covered(plan, make_trial(replace(SETTINGS, seed=int(seed))).tables, truth) for seed in seeds]


def imaging_studies(seeds, plan, truth, tables):
    return [covered(plan, resampled(tables, np.random.default_rng(int(seed))), truth) for seed in seeds]


def resampled(tables, rng):
    """A study of 31 and 13 patients drawn, with replacement, from the finite population that the tables hold."""
    pool = tables["participants"]
    sizes = zip(ARMS, SETTINGS.imaged, strict=True)
    places = np.concatenate([rng.choice(np.flatnonzero(pool["arm"] == arm), size) for arm, size in sizes])
    people = pool.iloc[places].reset_index(drop=True)
    names = [f"sub-{place:03d}" for place in range(1, len(people) + 1)]
    rows = people[["participant_id"]].assign(name=names).merge(tables["features"], on="participant_id")
    return {
        **tables,
        "participants": people.assign(participant_id=names),
        "features": rows.drop(columns="participant_id").rename(columns={"name": "participant_id"}),
    }


def coverage(studies, call, *arguments):
    seeds = np.arange(1, studies + 1)
    with open_executor(default_jobs()) as executor:
        calls = [executor.submit(call, part, *arguments) for part in np.split(seeds, studies // CHUNK)]
        return pd.DataFrame([row for done in calls for row in done.result()]).mean()


def test_intervals_of_the_motor_outcome_hold_its_population_value(simulated_tables):
    """4,000 studies, held against the band of 1,000 for every estimator, and against their own for ANCOVA.

    With fifteen skewed changes in one arm Welch's intervals are a little too short: 0.935 to 0.945 in runs of some
    thousands. At 1,000 studies luck would decide whether that lies inside the band.
    """
    plan = plan_of(simulated_tables, "motor", "primary", ["ancova", "change_score", "follow_up"])
    truth = population_values(plan, joined_tables(twin_trials(SETTINGS, 12_000)))
    rates = coverage(4000, motor_studies, plan, truth)
    assert len(rates) == 4
    assert rates.between(*band(1000)).all(), rates.to_string()
    assert rates[rates.index.str.contains("/ancova_")].between(*band(4000)).all(), rates.to_string()


def test_intervals_of_the_imaging_outcomes_hold_their_population_values(simulated_tables):
    plan = plan_of(simulated_tables, "features", "imaging", ["ancova", "group_time"])
    many = make_trial(replace(SETTINGS.scaled(600), seed=78))
    people = many.people[many.people["imaging"]]
    features = measure_brains(people, many.brains, SETTINGS, default_plan())
    tables = {**many.tables, "participants": many.participants.loc[people.index], "features": features}
    rates = coverage(1000, imaging_studies, plan, population_values(plan, tables), tables)
    assert len(rates) == 7 * 3
    assert rates.between(*band(1000)).all(), rates.to_string()
