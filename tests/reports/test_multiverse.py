"""The multiverse in a report."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from results_fixture import HOSTILE, make_results

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "specifications"))
from multiverse_study import DECISIONS, decision, study, tables

from neurotrial.models import multiverse
from neurotrial.models.specifications.study_multiverse import tables_of
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.effects import method_label
from neurotrial.reports.multiverse.explorer import explorer_block
from neurotrial.reports.multiverse.figure import curve_plot
from neurotrial.reports.multiverse.section import multiverse_methods, multiverse_section
from neurotrial.reports.multiverse.tables import joint_table, left_out_table, share_table


def cited(plan, given=None):
    found = tables_of(multiverse(plan, given or tables(), n_resamples=99))
    store = make_results()
    return CitedResults.of(
        replace(store, tables={**store.tables, **found}, study=plan.model_dump(mode="json"))
    )


@pytest.fixture(scope="module")
def shown():
    return cited(study([*DECISIONS[:2], *DECISIONS[4:]]))


def test_the_section_has_sentences_figure_tables_and_explorer(shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = str(multiverse_section(shown))
    assert "under 48 specifications" in str(multiverse_methods(shown))
    assert text.startswith("## Multiverse\n")
    assert "There are 48 specifications (@fig-specification-curve)." in text
    assert "Together, the 48 linear Gaussian specifications are compared" in text
    for label in ("fig-specification-curve", "tbl-joint-tests", "tbl-decision-shares", "tbl-left-out"):
        assert f"{{#{label}}}" in text
    assert "multiverse/multiverse/median#value" in shown.citations
    assert "multiverse/joint_tests/median#p_value" in shown.citations
    assert (tmp_path / "figures" / "specification-curve.png").stat().st_size > 10_000


def test_the_explorer_holds_every_fitted_specification_in_order(shown):
    block = str(explorer_block(shown))
    assert block.startswith('::: {.content-visible when-format="html"}')
    assert not re.search(r"src=|https?://(?!www\.w3\.org/2000/svg)|@import|url\(", block)
    data = json.loads(re.search(r'explorer-data">(.*)</script>\n<style', block)[1])
    effects = [row["e"] for row in data["rows"]]
    assert effects == sorted(effects)
    assert len(effects) == 48
    assert sum(row["r"] for row in data["rows"]) == 1
    assert [one["label"] for one in data["decisions"]] == ["statistic", "population", "model", "covariates"]
    assert all(len(one["chosen"]) == 48 for one in data["decisions"])


def test_hostile_options_come_out_literally():
    plan = study([decision("model", "model", {HOSTILE[:55]: "ancova_ols", "</script><b>": "ancova_hc3"})])
    data = cited(plan)
    block = str(explorer_block(data))
    assert "</script><b>" not in block
    assert "\\u003c/script\\u003e\\u003cb\\u003e" in block
    curve_plot(data)


def test_tables(shown):
    assert "labels redrawn within blocks" in joint_table(shown).html
    assert "Interactions of decisions" in share_table(shown).html
    assert f"{method_label('change_welch')} takes no covariates" in left_out_table(shown).html


def test_without_a_multiverse_there_is_no_section_and_an_unfitted_one_is_told():
    store = make_results()
    assert multiverse_section(CitedResults.of(store)) is None
    assert multiverse_methods(CitedResults.of(store)) is None
    plan = study(DECISIONS)
    unfitted = CitedResults.of(replace(store, study=plan.model_dump(mode="json")))
    assert "`neurotrial fit --sensitivity` fits it" in str(multiverse_section(unfitted))
