"""Write the simulated tables that `neurotrial demo` runs on. Every number is made up; no person is behind any row.

Usage: python examples/simulate_table_study.py OUTPUT_FOLDER

The Fugl-Meyer scores follow a five-group exponential recovery mixture (posterior means of van der Vliet et al., Ann Neurol 2020,
doi 10.1002/ana.25679) with the floor and ceiling of the scale, among patients whose expected motor score at baseline is below half the scale (severe). The
seed is a date and was never tuned.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SEED = 20261122
PLANNED, BLOCK = 60, ("cells", "cells", "cells", "cells", "control", "control")
LOST, UNSCANNED = 6, {"cells": 31, "control": 13}
UE_MAXIMUM, LE_MAXIMUM = 66, 34
ADDED_POINTS = {"cells": 6.0, "control": 0.0}
RESIDUAL_SD = 3.8
SEVERE, CANDIDATES = 0.5, 60
# weight, share of the potential that is recovered, time constant in weeks, mean and SD of the logit of the first score
GROUPS = np.array([
    (0.28, 0.088, 5.1, -3.14, 0.64),
    (0.13, 0.466, 10.5, -2.24, 2.05),
    (0.14, 0.859, 9.1, -2.16, 2.99),
    (0.19, 0.901, 2.3, -1.25, 2.78),
    (0.25, 0.938, 1.0, -0.14, 2.38),
])  # fmt: skip
# feature, region, side, hemisphere rule, statistic, lesion policy, threshold, mean, SD, SD of change, change in control, in cells
FEATURES: tuple[tuple[Any, ...], ...] = (
    ("fa", "cst", "ipsilesional", "lesion", "mean", "include", None, 0.44, 0.05, 0.024, -0.018, -0.004),
    ("fa", "plic", "ipsilesional", "lesion", "mean", "include", None, 0.55, 0.06, 0.028, -0.020, -0.004),
    ("strength", "motor12", "inter", "both", "mean", "not_applicable", None, 0.36, 0.12, 0.10, 0.01, 0.08),
    (
        "strength",
        "motor12",
        "ipsilesional",
        "lesion",
        "mean",
        "not_applicable",
        None,
        0.40,
        0.12,
        0.10,
        0.02,
        0.06,
    ),
    (
        "strength",
        "motor12",
        "contralesional",
        "other",
        "mean",
        "not_applicable",
        None,
        0.45,
        0.12,
        0.10,
        0.01,
        0.01,
    ),
    (
        "global_efficiency",
        "motor12",
        "bilateral",
        "both",
        "mean",
        "not_applicable",
        None,
        0.42,
        0.08,
        0.06,
        0.01,
        0.03,
    ),
    ("density", "motor12", "bilateral", "both", "mean", "not_applicable", 0.3, 0.55, 0.14, 0.12, 0.01, 0.04),
)
UNITS = {"fa": "FA", "strength": "Fisher z", "global_efficiency": "efficiency", "density": "share of edges"}


def participants(rng: np.random.Generator) -> pd.DataFrame:
    """Return the randomised participants, two cells to one control in blocks of six."""
    arms = np.concatenate([rng.permutation(BLOCK) for _ in range(PLANNED // len(BLOCK))])
    n = len(arms)
    frame = pd.DataFrame({
        "participant_id": [f"sub-{place:03d}" for place in range(1, n + 1)],
        "arm": arms,
        "randomisation_order": np.arange(1, n + 1),
        "block": [f"b{place // len(BLOCK) + 1:02d}" for place in range(n)],
        "days_stroke_to_baseline": np.clip(np.round(rng.lognormal(2.8, 0.6, n)), 5, 89).astype(int),
        "age": np.clip(np.round(rng.normal(66, 11, n)), 28, 83).astype(int),
        "sex": rng.choice(["female", "male"], n, p=[0.42, 0.58]),
        "lesion_side": rng.choice(["left", "right"], n),
        "lesion_volume_ml": np.round(rng.lognormal(4.2, 0.6, n), 1),
        "nihss": np.clip(np.round(rng.normal(12, 3.2, n)), 6, 21).astype(int),
    })  # fmt: skip
    delay = np.round(rng.normal(24, 5, n)).clip(10).astype(int)
    treated = (frame["arm"] == "control") | (rng.random(n) > 0.06)
    frame["treated"] = treated
    frame["treatment_received"] = frame["arm"].where(treated, None)
    frame["days_randomisation_to_treatment"] = pd.Series(delay, dtype="Int64").where(
        treated & (frame["arm"] == "cells")
    )
    return frame


def flags(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """Add the populations: those seen at follow-up, those with MRI at both visits, those treated as allocated."""
    lost = rng.choice(frame.index[frame["arm"] == "control"], LOST - 1, replace=False)
    lost = np.append(lost, rng.choice(frame.index[frame["arm"] == "cells"], 1))
    frame["itt"] = ~frame.index.isin(lost)
    scanned = [
        rng.choice(frame.index[frame["itt"] & (frame["arm"] == arm)], n, replace=False)
        for arm, n in UNSCANNED.items()
    ]
    frame["imaging"] = frame.index.isin(np.concatenate(scanned))
    frame["per_protocol"] = frame["itt"] & frame["treated"]
    return frame


def motor(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """Return upper, lower and total Fugl-Meyer scores at both visits."""
    n = len(frame)
    weeks = {"baseline": frame["days_stroke_to_baseline"].to_numpy() / 7}
    start, share, tau = patients(rng, weeks["baseline"])
    days = {"baseline": -rng.integers(0, 8, n), "day90": rng.integers(80, 104, n)}
    weeks["day90"] = weeks["baseline"] + (days["day90"] - days["baseline"]) / 7
    added = frame["arm"].map(ADDED_POINTS).to_numpy()
    parts = []
    for visit, since in days.items():
        mean = recovered(start, share, tau, weeks[visit])
        gain = added if visit == "day90" else 0
        ue = scores(rng, UE_MAXIMUM * mean + gain * UE_MAXIMUM / 100, UE_MAXIMUM)
        le = scores(rng, LE_MAXIMUM * (0.15 + 0.85 * mean) + gain * LE_MAXIMUM / 100, LE_MAXIMUM)
        for scale, values in (("fma_total", ue + le), ("fma_ue", ue), ("fma_le", le)):
            part = pd.DataFrame({"participant_id": frame["participant_id"], "visit": visit})
            part["days_since_randomisation"] = since
            part["scale"], part["score"] = scale, values
            parts.append(part if visit == "baseline" else part[frame["itt"].to_numpy()])
    return pd.concat(parts, ignore_index=True)


def recovered(start: np.ndarray, share: np.ndarray, tau: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    """Return the share of the scale that is reached some weeks after the stroke."""
    return start + share * (1 - start) * (1 - np.exp(-weeks / tau))


def patients(rng: np.random.Generator, weeks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return first score (as a share of the scale), share recovered and time constant of patients severe at baseline."""
    shape = (CANDIDATES, len(weeks))
    weights = GROUPS[:, 0] / GROUPS[:, 0].sum()
    _, share, tau, centre, spread = np.moveaxis(GROUPS[rng.choice(len(GROUPS), shape, p=weights)], -1, 0)
    start = 1 / (1 + np.exp(-rng.normal(centre, spread)))
    first = (recovered(start, share, tau, weeks) < SEVERE).argmax(axis=0)
    person = np.arange(len(weeks))
    return start[first, person], share[first, person], tau[first, person]


def scores(rng: np.random.Generator, mean: np.ndarray, maximum: int) -> np.ndarray:
    """Return whole scores about a mean, between 0 and the maximum; the noise shrinks with the length of the scale."""
    noisy = mean + rng.normal(0, RESIDUAL_SD * maximum / UE_MAXIMUM, len(mean))
    return np.clip(np.round(noisy), 0, maximum).astype(int)


def features(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the imaging outcomes on the complete grid; without MRI they are missing, with status and reason."""
    person = rng.normal(size=len(frame))
    blocks = []
    for (
        feature,
        region,
        side,
        hemisphere,
        statistic,
        policy,
        threshold,
        mean,
        sd,
        sd_change,
        *shifts,
    ) in FEATURES:
        level = mean + sd * (0.5 * person + np.sqrt(0.75) * rng.normal(size=len(frame)))
        shift = frame["arm"].map(dict(zip(("control", "cells"), shifts, strict=True))).to_numpy()
        change = shift + rng.normal(0, sd_change, len(frame))
        for visit, values in (("baseline", level), ("day90", level + change)):
            block = pd.DataFrame({"participant_id": frame["participant_id"], "visit": visit})
            block["modality"] = "dwi" if feature == "fa" else "bold"
            block["feature"], block["region"] = feature, region
            block["hemisphere"] = hemispheres(frame["lesion_side"], hemisphere)
            block["side"], block["statistic"], block["lesion_policy"] = side, statistic, policy
            block["threshold"] = threshold
            block["value"] = np.round(np.clip(values, 0.01, 0.99), 4)
            block["unit"] = UNITS[feature]
            block["status"] = np.where(frame["imaging"], "ok", "missing_input")
            block["reason"] = np.where(frame["imaging"], None, "no usable MRI at both visits")
            block.loc[~frame["imaging"].to_numpy(), "value"] = np.nan
            blocks.append(block)
    table = pd.concat(blocks, ignore_index=True)
    return table.sort_values(["participant_id", "visit"], kind="stable", ignore_index=True)


def hemispheres(lesion_side: pd.Series, rule: str) -> pd.Series:
    """Return the hemisphere of a measure: that of the lesion, the other one, or both."""
    other = {"left": "right", "right": "left"}
    return {"lesion": lesion_side, "other": lesion_side.map(other)}.get(
        rule, lesion_side.map(lambda _: "both")
    )


def events(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """Return withdrawals, treatments not given and scans not made, with their days."""
    rows = [("withdrawal", row, int(rng.integers(10, 80))) for row in frame.index[~frame["itt"]]]
    rows += [("not_treated", row, int(rng.integers(20, 40))) for row in frame.index[~frame["treated"]]]
    rows += [("no_mri", row, 90) for row in frame.index[frame["itt"] & ~frame["imaging"]]]
    table = pd.DataFrame([
        {"participant_id": frame.loc[row, "participant_id"], "day": day, "type": kind, "strategy": "treatment_policy"}
        for kind, row, day in rows
    ])  # fmt: skip
    return table.sort_values(["participant_id", "day"], ignore_index=True)


def harms(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """Return adverse events."""
    rates = {
        "Fever": (0.2, 0.12),
        "Urinary tract infection": (0.1, 0.12),
        "Seizure": (0.03, 0.05),
        "Fall": (0.1, 0.1),
    }
    rows = []
    for term, (cells, control) in rates.items():
        for person in frame.itertuples():
            if rng.random() < (cells if person.arm == "cells" else control):
                serious = bool(rng.random() < 0.2)
                grade = int(rng.integers(3, 5)) if serious else int(rng.integers(1, 3))
                related = bool(
                    person.treatment_received == "cells" and term == "Fever" and rng.random() < 0.5
                )
                rows.append((person.participant_id, int(rng.integers(1, 90)), term, grade, serious, related))
    table = pd.DataFrame(rows, columns=["participant_id", "day", "term", "grade", "serious", "related"])
    return table.sort_values(["participant_id", "day"], ignore_index=True)


def main(folder: Path) -> None:
    """Write the five tables; one random stream a table, so that a change to one leaves the others alone."""
    streams = [np.random.default_rng(seed) for seed in np.random.SeedSequence(SEED).spawn(6)]
    people = flags(streams[1], participants(streams[0]))
    made = {
        "participants": people,
        "motor": motor(streams[2], people),
        "features": features(streams[3], people),
        "events": events(streams[4], people),
        "harms": harms(streams[5], people),
    }
    for name, table in made.items():
        lower = {
            column: table[column].map({True: "true", False: "false"})
            for column in table.select_dtypes("bool")
        }
        table.assign(**lower).to_csv(
            folder / f"{name}.tsv", sep="\t", index=False, na_rep="n/a", lineterminator="\n"
        )
        print(f"{folder / name}.tsv: {len(table)} rows, simulated")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
