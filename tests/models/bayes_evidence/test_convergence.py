"""What draws are worth: known errors of independent draws, faults of stuck ones, and constants left out."""

from __future__ import annotations

import numpy as np
import pytest
from evidence_fixture import statistics

from neurotrial.bayes_plan import Acceptance
from neurotrial.models.bayes_evidence.convergence import convergence, precision

ACCEPT = Acceptance()
SHAPE = (4, 1000)


def drawn(seed=1):
    rng = np.random.default_rng(seed)
    correlation = np.ones((*SHAPE, 2, 2))
    correlation[..., 0, 1] = correlation[..., 1, 0] = rng.uniform(-0.2, 0.6, SHAPE)
    correlation[..., 1, 1] += 1e-16 * rng.normal(size=SHAPE)
    return {
        "effect": rng.normal(3, 2, (*SHAPE, 1)),
        "sigma": rng.uniform(1, 2, SHAPE),
        "correlation": correlation,
    }


def test_independent_draws_have_the_errors_of_the_textbook():
    found = precision("x", np.random.default_rng(2).normal(3, 2, SHAPE))
    assert found.rhat == pytest.approx(1, abs=0.005)
    assert found.ess_bulk == pytest.approx(4000, rel=0.1)
    assert found.mcse_mean == pytest.approx(2 / np.sqrt(4000), rel=0.1)
    assert found.mcse_sd == pytest.approx(2 / np.sqrt(2 * 4000), rel=0.1)


def test_every_number_that_varies_has_a_row():
    given = drawn()
    found = convergence(given, {"arm: a": given["effect"][..., 0]}, statistics())
    names = ["effect[0]", "sigma", "correlation[0,1]", "correlation[1,0]", "arm: a"]
    assert found.tidy()["name"].tolist() == names
    assert found.constant == ("correlation[0,0]", "correlation[1,1]")
    assert not list(found.faults(ACCEPT))
    assert found.least_ess == found.tidy()[["ess_bulk", "ess_tail"]].min().min()
    assert found.bfmi.shape == (4,)


def test_a_stuck_chain_is_a_fault():
    given = drawn()
    given["sigma"][0] += 5
    faults = list(convergence(given, {}, statistics(diverging=3)).faults(ACCEPT))
    assert faults[0] == "3 divergent transitions"
    assert faults[1].startswith("R-hat")
    assert faults[2].endswith("fewer than 400")


def test_chains_that_stand_still_apart_are_a_fault():
    given = drawn()
    given["sigma"][:] = np.arange(4.0)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = convergence(given, {}, statistics())
    assert any(fault.startswith("R-hat") for fault in found.faults(ACCEPT))


def test_not_a_number_is_a_fault():
    given = drawn()
    given["sigma"][0, 0] = np.nan
    faults = list(convergence(given, {}, statistics()).faults(ACCEPT))
    assert [fault.split()[0] for fault in faults] == ["R-hat", "nan"]
    nothing = convergence({"a": np.ones(SHAPE)}, {}, statistics())
    assert len(list(nothing.faults(ACCEPT))) == 2


def test_energy_and_depth_of_the_tree():
    told = statistics()
    told["energy"][2] = np.cumsum(told["energy"][2])
    told["depth_reached"][:, :50] = True
    found = convergence(drawn(), {}, told)
    assert found.least_bfmi == found.bfmi[2] < 0.1
    assert found.depth_share == 0.05
    assert [fault.split()[0] for fault in found.faults(ACCEPT)] == ["E-BFMI"]
