"""The evidence of a fit as a whole: its verdict, its words and its table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evidence_fixture import chained, exact_refit, normal_model, statistics

from neurotrial.bayes_plan import Acceptance
from neurotrial.errors import InputError
from neurotrial.models.bayes_evidence.pack import EVIDENCE_COLUMNS, gather_evidence

ACCEPT = Acceptance()


def evidence(model, size=4000, told=None, seed=1, **choices):
    drawn = chained(model.exact_draws(np.random.default_rng(2), size))
    return gather_evidence(model, drawn, told or statistics((4, size // 4)), ACCEPT, seed=seed, **choices)


def with_outlier():
    model = normal_model(15, missing=False)
    values = model.observed.values.copy()
    values[5, 1] += 10
    return model.with_values(values)


def test_a_right_model_has_neither_faults_nor_warnings():
    found = evidence(normal_model())
    assert found.ok
    assert (found.faults, found.warnings) == ((), ())
    frame = found.tidy()
    assert tuple(frame.columns) == EVIDENCE_COLUMNS
    assert [str(dtype) for dtype in frame.dtypes] == ["str", "str", "float64", "float64", "str"]
    assert set(frame["verdict"]) == {"ok", "info"}
    assert not frame.duplicated(["measure", "about"]).any()
    assert frame.loc[frame["verdict"] == "ok", "limit"].notna().all()


def test_the_same_seed_gives_the_same_evidence_of_thinned_draws():
    model = normal_model(12)
    one, other = (evidence(model, size=8000).tidy() for _ in range(2))
    assert one.equals(other)
    assert evidence(model, size=8000).loo.n_draws == 4000


def test_faults_are_told():
    found = evidence(with_outlier(), told=statistics(diverging=2))
    assert not found.ok
    assert found.faults[0] == "2 divergent transitions"
    assert found.faults[1].startswith("leave-one-out is unreliable for 1 participants")
    frame = found.tidy().set_index(["measure", "about"])
    assert frame.loc[("Pareto k", "sub-05"), "verdict"] == "fault"


def test_an_outlier_that_was_refitted_is_no_fault_but_missed():
    refit, _ = exact_refit()
    found = evidence(with_outlier(), refit=refit)
    assert found.ok
    assert found.loo.status == "refitted"
    frame = found.tidy().set_index(["measure", "about"])
    assert frame.loc[("Pareto k", "sub-05"), "verdict"] == "info"
    assert any(
        "posterior predictive checks miss the maximum of day90 @ cells" in word for word in found.warnings
    )


def test_warnings_are_told():
    conflict = evidence(replace(normal_model(), prior_mean=(0.5, 0, 2), prior_sd=(2, 2, 0.3)))
    assert conflict.ok
    words = [word for word in conflict.warnings if "cells - control" in word]
    assert len(words) == 1
    assert words[0].startswith(
        "possible prior-data conflict for arm: cells - control @ day90 (sensitivity to prior 0.2"
    )
    narrow = evidence(replace(normal_model(bounds=(0.0, 1.0)), scale=0.5))
    words = "; ".join(narrow.warnings)
    assert "LOO-PIT of day90 is not uniform" in words
    assert "posterior predictive values of baseline @ cells are outside the declared range" in words
    assert "posterior predictive checks miss the SD of day90 @ cells" in words
    far = evidence(replace(normal_model(), prior_mean=(0.5, 0, 15), prior_sd=(2, 2, 0.3)))
    assert any(word.startswith("power-scaling of the prior is unreliable") for word in far.warnings)
    deep = statistics()
    deep["depth_reached"][0, :200] = True
    assert (
        "5.0% of transitions reached the largest tree depth" in evidence(normal_model(), told=deep).warnings
    )


def test_draws_that_are_no_evidence():
    model = normal_model(12)
    with pytest.raises(InputError, match="100 draws or more"):
        evidence(model, size=80)
    drawn = chained(model.exact_draws(np.random.default_rng(2), 400))
    drawn["effect"][0, 0] = np.inf
    with pytest.raises(InputError, match=r"finite\n    effect"):
        gather_evidence(model, drawn, statistics((4, 100)), ACCEPT, seed=1)
