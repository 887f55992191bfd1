"""Harmonisation as a study file asks for it: before the fit, baselines too, and nothing else moves."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.loading import load_study
from neurotrial.models import harmonise
from neurotrial.models.harmonisation.study_harmonisation import harmonised_study

PLAN = "harmonisation: {batch: site, outcomes: [fa_cst, fa_plic, efficiency]}\n\n# Rows of Table 1"


@pytest.fixture(scope="module")
def folder(simulated_tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sites") / "study"
    shutil.copytree(simulated_tables, folder)
    table = folder / "tables" / "participants.tsv"
    people = pd.read_csv(table, sep="\t", dtype="str", keep_default_na=False)
    sites = np.where(np.arange(len(people)) % 5 < 3, "north", "south")
    people.assign(site=sites).to_csv(table, sep="\t", index=False)
    plan = folder / "study.yaml"
    text = plan.read_text(encoding="utf-8")
    assert "# Rows of Table 1" in text
    plan.write_text(text.replace("# Rows of Table 1", PLAN), encoding="utf-8")
    return folder


def test_outcomes_and_baselines_are_harmonised_before_the_fit(folder):
    data = load_study(folder)
    after, said = harmonised_study(data)
    long = data.outcomes
    own = long["outcome"].isin(["fa_cst", "fa_plic", "efficiency"])
    assert after.outcomes[~own].equals(long[~own])
    assert not np.allclose(after.outcomes.loc[own, "value"], long.loc[own, "value"], equal_nan=True)
    assert after.outcomes["value"].isna().equals(long["value"].isna())
    sites = data.tables["participants"].set_index("participant_id")["site"]
    alone = harmonise(long[own].assign(site=long.loc[own, "participant_id"].map(sites)), batch="site").data
    assert np.array_equal(after.outcomes.loc[own, "value"], alone["value"], equal_nan=True)
    first = after.outcomes[own & (long["visit"] == "baseline")]
    assert np.array_equal(first["value"], first["baseline"], equal_nan=True)
    assert said[0].startswith("harmonised by ComBat between site (north ")
    assert data.study.spec_hash != data.study.model_copy(update={"harmonisation": None}).spec_hash


def test_without_a_plan_nothing_moves(folder):
    data = load_study(folder)
    plain = data.study.model_copy(update={"harmonisation": None})
    same, said = harmonised_study(replace(data, study=plain))
    assert same.outcomes is data.outcomes
    assert said == []


@pytest.mark.parametrize(
    ("new", "rule"),
    [
        ("batch: clinic", "lacks the column clinic, which `harmonisation` needs"),
        ("batch: site, outcomes: [fa_cst, fma_ue]", "'fma_ue' is no imaging outcome"),
        ("batch: site, outcomes: [fa_cst, fa_cst]", "'fa_cst' is named twice"),
        ("batch: site, outcomes: [fa_cst]", "at least 2"),
        ("batch: site, outcomes: [fa_cst, nothing]", "'nothing' is not a declared outcome"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(folder, tmp_path, new, rule):
    copy = tmp_path / "study"
    shutil.copytree(folder, copy)
    plan = copy / "study.yaml"
    old = "batch: site" if "outcomes" not in new else "batch: site, outcomes: [fa_cst, fa_plic, efficiency]"
    plan.write_text(plan.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_study(copy)
    assert rule in str(error.value)
