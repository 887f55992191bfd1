"""What is measured is stored, read again, and not measured twice."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from conjugate_fixture import ExactSampling, conjugate_model

from neurotrial.models.bayes_calibration import __main__ as command
from neurotrial.models.bayes_calibration import measuring, stored_results
from neurotrial.models.bayes_calibration.finished_simulations import Finished, fingerprint
from neurotrial.models.bayes_calibration.measuring import Run, measure_calibration, measure_operating
from neurotrial.models.bayes_calibration.shipped_models import OPERATING, SHIPPED, Judged, lazily
from neurotrial.models.bayes_calibration.stored_results import (
    OPERATING_COLUMNS,
    SBC_COLUMNS,
    read_rows,
    stored_operating,
    stored_sbc,
)
from neurotrial.models.bayes_calibration.trial_posteriors import exact_ancovas


class Counting:
    """Exact draws, and how often they were asked for."""

    def __init__(self, stop=None):
        self.calls, self.stop = 0, stop

    def __call__(self, model, seed):
        if self.calls == self.stop:
            raise KeyboardInterrupt
        self.calls += 1
        return ExactSampling()(model, seed)


def measured(tmp_path, n, sampling=None, **how):
    told = []
    run = Run(tmp_path / "sbc.csv", n, progress=told.append)
    own = sampling or Counting()
    found = measure_calibration("conjugate", conjugate_model(), own, run, sampler="exact", chunk=4, **how)
    return found, own.calls, sum(told)


def test_simulations_are_not_repeated(tmp_path):
    first, calls, told = measured(tmp_path, 10)
    assert (calls, told) == (10, 10)
    again, calls, told = measured(tmp_path, 15)
    assert (calls, told) == (5, 15)
    assert np.array_equal(again.ranks[:10], first.ranks)
    fewer, calls, _ = measured(tmp_path, 10)
    assert calls == 0
    assert np.array_equal(fewer.ranks, first.ranks)
    assert measured(tmp_path, 10, fresh=True)[1] == 10


def test_a_run_that_was_stopped_goes_on(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path, 12, Counting(stop=9))
    (kept,) = (tmp_path / "sbc-simulations").iterdir()
    # the last line is cut short, as by a machine that stops
    kept.write_bytes(kept.read_bytes()[:-4])
    found, calls, _ = measured(tmp_path, 12)
    assert calls == 12 - 7
    assert np.array_equal(found.ranks, measured(tmp_path / "whole", 12)[0].ranks)
    assert measured(tmp_path, 12)[1] == 0


def test_other_models_and_settings_have_other_simulations():
    model = conjugate_model()
    assert fingerprint(model, "a") == fingerprint(conjugate_model(), "a")
    assert fingerprint(model, "a") != fingerprint(model, "b")
    assert fingerprint(model, "a") != fingerprint(conjugate_model(seed=2), "a")


def test_rows_of_a_model_are_replaced_and_others_stay(tmp_path, monkeypatch):
    measured(tmp_path, 10)
    path = tmp_path / "sbc.csv"
    monkeypatch.setattr(measuring, "generation", lambda **_: "Python 4")
    measured(tmp_path, 20)
    rows = read_rows(path, SBC_COLUMNS)
    assert tuple(rows.columns) == SBC_COLUMNS
    assert rows.groupby("generation")["n_simulations"].first().sort_values().tolist() == [10, 20]
    monkeypatch.undo()
    measured(tmp_path, 30)
    rows = read_rows(path, SBC_COLUMNS)
    assert sorted(set(rows["n_simulations"])) == [20, 30]
    assert len(rows) == 2 * len(set(rows["quantity"]))
    assert "seed 0; ranked among 99; exact" in set(rows["settings"])
    # a probability survives the file
    table = measured(tmp_path, 30)[0].tidy()
    own = rows[rows["n_simulations"] == 30].set_index("quantity")["p"]
    assert own[table["quantity"]].to_numpy() == pytest.approx(table["p"].to_numpy(), rel=1e-5)


def test_operating_characteristics_are_stored_once(tmp_path):
    calls = []

    def counted(trials, effect, seed):
        calls.append(len(trials))
        return exact_ancovas()(trials, effect, seed)

    judged = Judged(counted, ("no_effect", "uncertain_effect"), exact=True)
    told = []
    run = Run(tmp_path / "operating.csv", 60, progress=told.append)
    measure_operating("ancova", judged, run)
    assert len(calls) == 2 * 3 * 2
    assert sum(told) == 12
    measure_operating("ancova", judged, run)
    assert len(calls) == 12
    rows = read_rows(run.out, OPERATING_COLUMNS)
    assert tuple(rows.columns) == OPERATING_COLUMNS
    assert len(rows) == 2 * 3 * 3
    assert set(rows["outcome"]) == {"1"}
    measure_operating("ancova", judged, Run(run.out, 20))
    assert len(read_rows(run.out, OPERATING_COLUMNS)) == 18


def test_nothing_stored_is_an_empty_table(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_results, "RESULTS_FOLDER", tmp_path)
    assert tuple(stored_sbc().columns) == SBC_COLUMNS
    assert tuple(stored_operating().columns) == OPERATING_COLUMNS
    assert not len(stored_sbc())


def test_the_command_stores_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "SHIPPED", {"conjugate": conjugate_model})
    monkeypatch.setattr(command, "NutsSampling", ExactSampling)
    out = tmp_path / "sbc.csv"
    result = CliRunner().invoke(command.main, ["conjugate", "--simulations", "12", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert len(read_rows(out, SBC_COLUMNS)) == 6
    assert "conjugate: smallest p (Holm)" in result.output
    wrong = CliRunner().invoke(command.main, ["nothing", "--simulations", "12", "--out", str(out)])
    assert wrong.exit_code == 2

    out = tmp_path / "operating.csv"
    monkeypatch.setattr(command, "OPERATING", {"ancova": Judged(exact_ancovas(), ("no_effect",))})
    options = ["all", "--what", "operating", "--simulations", "20", "--out", str(out)]
    assert CliRunner().invoke(command.main, options).exit_code == 0
    assert len(read_rows(out, OPERATING_COLUMNS)) == 9


def test_prototypes_are_made_when_they_are_called():
    made = lazily("conjugate_fixture", "conjugate_model")()
    assert made.kind == "conjugate"
    assert all(callable(prototype) for prototype in SHIPPED.values())
    assert {"ancova", "group_time"} <= set(OPERATING)


def test_finished_simulations_of_no_file(tmp_path):
    assert Finished(tmp_path / "none.csv").read() == {}
