import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

settings.register_profile("models", settings.get_profile("quick"), max_examples=40)
settings.load_profile("models")


def simulate(seed, sizes, effect=5.0, shift=0.0, slope=0.7, spread=10.0):
    """One row per participant of a made-up trial with a score from 1 to 66."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(list(sizes), list(sizes.values()))
    treated = arm != next(iter(sizes))
    severity = rng.normal(size=arm.size)
    baseline = np.clip(np.round(30 + shift * treated + 12 * severity), 1, 65)
    follow_up = np.clip(
        np.round(12 + slope * baseline + effect * treated + spread * rng.normal(size=arm.size)), 0, 66
    )
    return pd.DataFrame({
        "participant_id": [f"sub-{i:03d}" for i in range(arm.size)],
        "arm": arm,
        "baseline": baseline,
        "day90": follow_up,
        "age": rng.normal(65, 10, size=arm.size).round(1),
        "site": rng.choice(["S1", "S2", "S3"], size=arm.size),
        "sex": rng.choice(["female", "male"], size=arm.size),
    })  # fmt: skip


@pytest.fixture(scope="session")
def make_trial():
    return simulate


@pytest.fixture
def trial():
    return simulate(1, {"control": 13, "cells": 31})


@pytest.fixture
def three_arms():
    return simulate(2, {"control": 12, "low": 15, "high": 17})


@pytest.fixture(scope="session")
def long_form():
    def make(wide):
        people = wide.drop(columns=["baseline", "day90"])
        parts = [people.assign(visit=visit, score=wide[visit]) for visit in ("baseline", "day90")]
        return pd.concat(parts, ignore_index=True)

    return make
