"""A small simulated trial with a multiverse, made in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from neurotrial.study import Study

VISITS = ("baseline", "day90")
MODELS = {
    "ANCOVA HC3": "ancova_hc3",
    "ANCOVA": "ancova_ols",
    "change": "change_welch",
    "change pooled": "change_pooled",
    "follow-up": "follow_up_welch",
    "mixed": "mmrm_group_time",
}


def decision(name: str, kind: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "kind": kind, "options": options}


DECISIONS = [
    decision("statistic", "source", {"mean": {"statistic": "mean"}, "median": {"statistic": "median"}}),
    decision("population", "population", {"all": "everybody", "treated as planned": "per_protocol"}),
    decision("motion", "exclusion", {"nobody": None, "FD above 0.5": {"measure": "fd_mean", "above": 0.5}}),
    decision("scale", "transformation", {"FA": "identity", "logit": "logit"}),
    decision("model", "model", MODELS),
    decision("covariates", "covariates", {"none": [], "age": ["age"], "age, site": ["age", "site"]}),
]


def study(decisions: list[dict[str, Any]] | None = None, **multiverse: Any) -> Study:
    """Return a plan; `multiverse` replaces or adds keys of that part."""
    chosen = DECISIONS if decisions is None else decisions
    return Study.model_validate(
        {
            "version": 1,
            "study": {"title": "Simulated", "simulated": True},
            "arms": [
                {"name": "control", "label": "Control", "reference": True},
                {"name": "cells", "label": "Cells"},
            ],
            "allocation": {
                "ratio": {"cells": 2, "control": 1},
                "scheme": "permuted_blocks",
                "block_sizes": [6],
            },
            "visits": [
                {"name": "baseline", "label": "Baseline", "day": 0, "baseline": True},
                {"name": "day90", "label": "90 days", "day": 90},
            ],
            "populations": [
                {"name": "everybody", "label": "Everybody"},
                {"name": "per_protocol", "label": "Per protocol", "flag": "per_protocol"},
            ],
            "outcomes": [
                {
                    "name": "fa",
                    "label": "FA",
                    "unit": "FA",
                    "range": [0, 1],
                    "direction": "higher_is_better",
                    "source": {"table": "features", "where": {"feature": "fa", "statistic": "mean"}},
                }
            ],
            "estimands": [
                {
                    "name": "fa",
                    "label": "FA",
                    "population": "everybody",
                    "treatment": "Cells or control",
                    "outcomes": ["fa"],
                    "visit": "day90",
                    "variable": "FA",
                    "intercurrent_events": [],
                    "summary": "Difference of means",
                }
            ],
            "analyses": [
                {
                    "name": "primary",
                    "label": "Primary",
                    "estimand": "fa",
                    "role": "primary",
                    "methods": ["ancova"],
                }
            ],
            "multiverse": {"analysis": "primary", "decisions": chosen, **multiverse},
        }
    )


def tables(n: int = 42, seed: int = 3, effect: float = 0.0, missing: int = 0) -> dict[str, pd.DataFrame]:
    """Return participants, features and quality; the last `missing` participants have no follow-up."""
    rng = np.random.default_rng(seed)
    ids = [f"sub-{number:03d}" for number in range(n)]
    arm = np.concatenate([rng.permutation(["cells"] * 4 + ["control"] * 2) for _ in range(n // 6)])
    people = pd.DataFrame(
        {
            "participant_id": ids,
            "arm": arm,
            "block": np.repeat(np.arange(n // 6), 6),
            "age": rng.normal(60, 9, n).round(1),
            "site": np.tile(["a", "b", "c"], n // 3),
            "per_protocol": pd.array(rng.random(n) > 0.1, dtype="boolean"),
        }
    )
    true = rng.normal(0.45, 0.05, n)
    change = rng.normal(-0.01, 0.02, n) + effect * (arm == "cells")
    parts = []
    for statistic, bias in (("mean", 0.0), ("median", 0.02)):
        for visit, value in (("baseline", true), ("day90", true + change)):
            seen = value + bias + rng.normal(0, 0.004, n)
            if visit == "day90" and missing:
                seen[-missing:] = np.nan
            parts.append(
                pd.DataFrame(
                    {
                        "participant_id": ids,
                        "visit": visit,
                        "feature": "fa",
                        "statistic": statistic,
                        "value": seen,
                        "status": np.where(np.isnan(seen), "missing_input", "ok"),
                    }
                )
            )
    quality = pd.DataFrame(
        {"participant_id": ids, "visit": "day90", "measure": "fd_mean", "value": rng.uniform(0.1, 0.55, n)}
    )
    return {"participants": people, "features": pd.concat(parts, ignore_index=True), "quality": quality}
