"""`--sensitivity`: computed when asked for, kept while study and tables are unchanged, else emptied with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from neurotrial import cli
from neurotrial.loading import load_study
from neurotrial.models.study_fit import count_steps, fit_study

METHODS = "change_score, group_time, clda, follow_up, improvement_ratio, share_of_potential, within_arm, rerandomisation]"


@pytest.fixture
def study(tmp_path: Path, write_study: Callable[[Path], None]) -> Path:
    """A study of one analysis, the primary one, by ANCOVA."""
    folder = tmp_path / "study"
    write_study(folder)
    plan = folder / "study.yaml"
    text = plan.read_text("utf-8")
    head, _, rest = text.partition("  - name: secondary\n    label: Secondary motor outcomes")
    _, _, tail = rest.partition("# p-values that are adjusted together")
    _, _, end = tail.partition("families:\n")
    kept = head.replace(f"methods: [ancova, {METHODS}", "methods: [ancova]").replace(
        "    requested_method: ratio_baseline_welch\n    sensitivity: [leave_one_out]\n", ""
    )
    after = "# How the change of one outcome" + end.partition("# How the change of one outcome")[2]
    assert "methods: [ancova]\n" in kept
    assert end
    planning, _, bayes = after.partition("# What the size of the trial is worth")
    lean = planning + "# Bayesian methods." + bayes.partition("# Bayesian methods.")[2]
    assert "power:" not in lean
    plan.write_text((kept + lean).replace("n_resamples: 10000", "n_resamples: 999"), "utf-8")
    return folder


def fit(folder: Path, *more: str) -> pd.DataFrame:
    done = CliRunner().invoke(cli.main, ["fit", str(folder), *more])
    assert done.exit_code == 0, done.output
    return pd.read_parquet(folder / "results" / "sensitivity.parquet")


def decisions(folder: Path) -> list[str]:
    found: list[str] = json.loads((folder / "results" / "provenance.json").read_text("utf-8"))["decisions"]
    return found


def statements(folder: Path) -> pd.Series:
    table = pd.read_parquet(folder / "results" / "statements.parquet")
    return table.set_index("key")["statement"]


def test_it_is_computed_when_asked_for_and_kept_until_something_changes(study: Path) -> None:
    assert fit(study).empty
    assert "what_would_change" not in statements(study)

    asked = fit(study, "--sensitivity")
    main = asked[asked["variation"] == "main"]
    estimates = pd.read_parquet(study / "results" / "estimates.parquet").set_index("key")
    assert (
        main["estimate"].item()
        == estimates.loc["primary/fma_total/itt/ancova_hc3/cells-control/day90", "estimate"]
    )
    assert {"population", "participants", "model", "covariates", "missing", "tipping", "confounding"} <= set(
        asked["group"]
    )
    assert "INFO fit: sensitivity of primary/fma_total" in (study / "neurotrial.log").read_text("utf-8")
    told = statements(study)
    assert "variations of one main comparison" in told["what_would_change"]
    assert "Tipping point" in told["primary/fma_total/itt/what_would_change"]

    before = (study / "results" / "sensitivity.tsv").read_bytes()
    fit(study)
    assert (study / "results" / "sensitivity.tsv").read_bytes() == before
    assert statements(study).equals(told)
    assert decisions(study) == ["every analysis was fitted as planned"]

    plan = study / "study.yaml"
    plan.write_text(plan.read_text("utf-8").replace("\nseed: 20220101", "\nseed: 7"), "utf-8")
    assert fit(study).empty
    assert decisions(study)[0] == (
        "the standard sensitivity set of an earlier fit was left out, because study.yaml has changed: fit with --sensitivity"
    )
    assert "what_would_change" not in statements(study)


def test_progress_tells_every_step(study: Path) -> None:
    data = load_study(study)
    told: list[str] = []
    fit_study(data, told.append, sensitivity=True)
    assert len(told) == count_steps(data.study, sensitivity=True) == count_steps(data.study) + 1


def test_run_fits_again_where_the_set_is_asked_for_and_not_there(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_report", lambda *_: None)
    monkeypatch.setattr(cli, "_extract", lambda *_: 0)
    fit(study)
    done = CliRunner().invoke(cli.main, ["run", str(study), "--sensitivity"])
    assert done.exit_code == 0, done.output
    assert "the standard sensitivity set is asked for and not there" in done.output
    again = CliRunner().invoke(cli.main, ["run", str(study), "--sensitivity"])
    assert "not fitted again" in again.output
