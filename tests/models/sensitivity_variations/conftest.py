"""A simulated study whose imaging outcomes could have been measured otherwise, small enough to be varied in a second or two."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurotrial.loading import load_study
from neurotrial.models import standard_sensitivity
from neurotrial.models.cells import cell_participants, study_cells
from neurotrial.models.study_methods import estimate_cell

FLAGGED = ("sub-003", "sub-010")


def _otherwise(features: pd.DataFrame) -> pd.DataFrame:
    """Add what the simulated table lacks: another statistic, its spread, a ratio of both sides, another threshold."""
    rng = np.random.default_rng(3)
    fa = features[features["feature"].eq("fa") & features["side"].eq("ipsilesional")]
    fa = fa[fa["lesion_policy"].eq("include")]
    parts = [features]
    for statistic, side, unit in (
        ("median", "ipsilesional", "FA"), ("sd", "ipsilesional", "FA"), ("asymmetry", "inter", "index"),
    ):  # fmt: skip
        sign = -1.0 if statistic == "asymmetry" else 1.0
        values = sign * (fa["value"] + rng.normal(0, 0.005, len(fa)))
        changed = {"statistic": statistic, "side": side, "unit": unit, "value": values}
        parts.append(fa.assign(**changed, hemisphere="both" if side == "inter" else fa["hemisphere"]))
    density = features[features["feature"].eq("density")]
    parts.append(density.assign(threshold=0.1, value=(density["value"] * 0.5 + 0.3)))
    return pd.concat(parts, ignore_index=True)


def _quality(features: pd.DataFrame) -> pd.DataFrame:
    """Return the motion of every network scan; two participants moved at follow-up."""
    scans = features.loc[features["feature"].eq("density"), ["participant_id", "visit", "run", "modality"]]
    scans = scans.drop_duplicates()
    moved = scans["participant_id"].isin(FLAGGED) & scans["visit"].eq("day90")
    value = np.where(moved, 0.9, 0.2)
    return scans.assign(measure="fd_mean", value=value, unit="mm", threshold=0.5, flagged=moved)


def _posteriors(data) -> pd.DataFrame:
    """Return rows like those of a fit, with the posterior of one prior: made from ANCOVA, moved."""
    cell = study_cells(data.study)[0]
    rows = estimate_cell(cell, data, ["ancova"])
    rows = rows[rows["method"] == "ancova_hc3"].assign(
        method="bayes_ancova_sceptical",
        estimate=-1.0,
        conf_low=-2.0,
        conf_high=-0.1,
        p_value=np.nan,
        interval_kind="eti",
    )
    return rows.assign(**cell.place, visit=cell.visit)


@pytest.fixture(scope="session")
def flagged():
    """The participants whose scan at follow-up moved."""
    return FLAGGED


@pytest.fixture(scope="session")
def study_data(simulated_tables):
    """The study with the primary analysis, two imaging outcomes, and all else that is declared."""
    data = load_study(simulated_tables)
    study = data.study
    estimands = [
        part.model_copy(update={"outcomes": ["fa_cst", "density"]}) if part.name == "imaging" else part
        for part in study.estimands
    ]
    analyses = [
        part.model_copy(update={"methods": [*part.methods, "bayes_ancova"]})
        if part.name == "primary"
        else part
        for part in study.analyses
    ]
    plan = study.model_copy(update={"estimands": estimands, "analyses": analyses, "n_resamples": 999})
    features = _otherwise(data.tables["features"])
    tables = {**data.tables, "features": features, "quality": _quality(features)}
    return plan, tables, data


@pytest.fixture(scope="session")
def found(study_data):
    """The standard sensitivity set of it, by analysis/outcome/variation."""
    study, tables, data = study_data
    told = []
    table = standard_sensitivity(study, tables, estimates=_posteriors(data), progress=told.append).tidy()
    assert told == [
        f"sensitivity of {name}" for name in ("primary/fma_total", "imaging/fa_cst", "imaging/density")
    ]
    place = table["analysis"] + "/" + table["outcome"] + "/" + table["variation"]
    assert place.is_unique
    return table.set_index(place)


@pytest.fixture(scope="session")
def members(study_data):
    """Return the participants of an analysis and outcome in a population."""
    from dataclasses import replace

    _, _, data = study_data

    def _members(name: str, population: str | None = None) -> pd.DataFrame:
        cell = next(cell for cell in study_cells(data.study) if cell.name == name)
        return cell_participants(replace(cell, population=population or cell.population), data)

    return _members
