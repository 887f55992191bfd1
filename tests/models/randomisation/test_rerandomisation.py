import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models import TIDY_COLUMNS, Allocation, freedman_lane, maxt, rerandomise

ROLES = {"arm": "arm", "reference": "control"}


def trial(seed=1, cells=6, control=4, effect=0.0):
    rng = np.random.default_rng(seed)
    n = cells + control
    frame = pd.DataFrame({"arm": ["cells"] * cells + ["control"] * control, "before": rng.normal(size=n)})
    treated = frame["arm"] == "cells"
    for name in ("after", "other"):
        frame[name] = 0.6 * frame["before"] + rng.normal(size=n) + effect * treated
    return frame.assign(block=np.arange(n) % 2, site=np.where(np.arange(n) % 3 == 0, "a", "b"))


def brute(frame, outcome, baseline, groups):
    """p-value by refitting ordinary regression with HC2 errors under every labelling."""
    treated = (frame["arm"] == "cells").to_numpy()
    sizes = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    choices = [itertools.combinations(at, treated[at].sum()) for at in sizes]
    seen = frame[[outcome, *([baseline] if baseline else [])]].notna().all(axis=1)
    statistics, observed = [], None
    for chosen in itertools.product(*choices):
        label = np.zeros(len(frame))
        label[list(itertools.chain.from_iterable(chosen))] = 1
        data = frame.assign(x=label)[seen]
        if data["x"].min() == data["x"].max():
            t = 0.0
        else:
            formula = f"{outcome} ~ x" + (f" + {baseline}" if baseline else "")
            t = float(smf.ols(formula, data).fit(cov_type="HC2", use_t=True).tvalues["x"])
        statistics.append(abs(t))
        if (label == treated).all():
            observed = abs(t)
    return np.mean(np.array(statistics) >= observed * (1 - 1e-9)), len(statistics)


@pytest.mark.parametrize("baseline", [None, "before"])
@pytest.mark.parametrize("missing", [[], [1, 8]])
@pytest.mark.parametrize("blocks", [None, "block"])
def test_small_trials_are_enumerated(baseline, missing, blocks):
    frame = trial(effect=1.0)
    frame.loc[missing, "after"] = np.nan
    allocation = Allocation(blocks) if blocks else None
    result = rerandomise(
        frame, outcome="after", baseline=baseline, allocation=allocation, interval=False, **ROLES
    )
    groups = frame[blocks].to_numpy() if blocks else np.zeros(len(frame))
    expected, number = brute(frame, "after", baseline, groups)
    assert result.exact
    assert result.n_relabellings == number
    assert result.p_value == pytest.approx(expected, abs=1e-12)
    assert result.p_std_error == 0
    assert result.n_randomised == 10
    assert sum(result.n_per_arm.values()) == 10 - len(missing)


def test_estimate_and_error_are_those_of_regression():
    frame = trial(3, 20, 12, 0.8)
    result = rerandomise(
        frame, outcome="after", baseline="before", covariates=["site"], n_resamples=99, **ROLES
    )
    fit = smf.ols("after ~ before + site + C(arm, Treatment('control'))", frame).fit(
        cov_type="HC2", use_t=True
    )
    name = "C(arm, Treatment('control'))[T.cells]"
    assert result.estimate == pytest.approx(fit.params[name], rel=1e-10)
    assert result.std_error == pytest.approx(fit.bse[name], rel=1e-10)


def test_without_adjustment_the_statistic_is_welchs():
    frame = trial(4, 15, 8)
    result = rerandomise(frame, outcome="after", n_resamples=99, **ROLES)
    cells, control = (frame.loc[frame["arm"] == arm, "after"] for arm in ("cells", "control"))
    assert result.statistic == pytest.approx(
        stats.ttest_ind(cells, control, equal_var=False).statistic, rel=1e-12
    )


def test_the_interval_inverts_the_test():
    frame = trial(5, 7, 5, 1.5)
    result = rerandomise(frame, outcome="after", baseline="before", **ROLES)
    assert result.conf_low < result.estimate < result.conf_high
    for limit, outward in ((result.conf_low, -1), (result.conf_high, 1)):
        shifted = frame.copy()
        for move, rejected in ((outward * 1e-4, True), (-outward * 1e-4, False)):
            shifted["after"] = frame["after"] - (limit + move) * (frame["arm"] == "cells")
            p = rerandomise(shifted, outcome="after", baseline="before", interval=False, **ROLES).p_value
            assert (p <= 0.05) is rejected


def test_the_interval_moves_with_the_outcome():
    frame = trial(6, 9, 6)
    first = rerandomise(frame, outcome="after", n_resamples=999, **ROLES)
    moved = frame.assign(after=10 * frame["after"] + 30 * (frame["arm"] == "cells"))
    second = rerandomise(moved, outcome="after", n_resamples=999, **ROLES)
    assert second.conf_low == pytest.approx(10 * first.conf_low + 30, abs=1e-3)
    assert second.conf_high == pytest.approx(10 * first.conf_high + 30, abs=1e-3)


def test_labels_stay_within_blocks_and_strata():
    frame = trial(7, 12, 6)
    result = rerandomise(
        frame,
        outcome="after",
        allocation=Allocation("block", ("site",)),
        n_resamples=200,
        interval=False,
        **ROLES,
    )
    assert "within blocks within strata of site" in result.words
    strata = rerandomise(
        frame,
        outcome="after",
        allocation=Allocation(strata=("site",)),
        n_resamples=200,
        interval=False,
        **ROLES,
    )
    assert "totals of each stratum (site) kept" in strata.words
    plain = rerandomise(frame, outcome="after", n_resamples=200, interval=False, **ROLES)
    assert "complete randomisation with the totals kept" in plain.words


def test_the_same_seed_gives_the_same_result():
    frame = trial(8, 20, 10)
    first, again, other = (
        rerandomise(frame, outcome="after", n_resamples=2500, seed=seed, interval=False, **ROLES).p_value
        for seed in (1, 1, 2)
    )
    assert first == again
    assert abs(first - other) < 0.06


def test_tidy_has_the_columns_of_every_table():
    row = rerandomise(trial(), outcome="after", **ROLES).tidy()
    assert tuple(row) == TIDY_COLUMNS
    assert row["interval_kind"].item() == "permutation"
    assert "all 210 labellings" in row["reason"].item()


def test_max_t_with_different_people_missing():
    frame = trial(9, 6, 4, 1.0)
    frame.loc[2, "after"] = np.nan
    frame.loc[[3, 9], "other"] = np.nan
    found = maxt(frame, outcomes=["after", "other"], baselines=["before", "before"], **ROLES).table
    single = [
        rerandomise(frame, outcome=name, baseline="before", interval=False, **ROLES).p_value
        for name in ("after", "other")
    ]
    assert found["p_value"].tolist() == single
    assert found["n"].tolist() == [9, 8]
    assert (found["p_adjusted"] >= found["p_value"]).all()
    assert found.loc[found["statistic"].abs().idxmin(), "p_adjusted"] == found["p_adjusted"].max()


def test_one_outcome_is_not_adjusted():
    frame = trial(10)
    found = maxt(frame, outcomes=["after"], **ROLES).table.iloc[0]
    assert found["p_adjusted"] == found["p_value"]


def test_freedman_lane_without_covariates_is_the_permutation_test():
    frame = trial(11, 4, 3, 1.0)
    residuals = freedman_lane(frame, outcomes=["after"], n_resamples=6000, **ROLES)
    labels = rerandomise(frame, outcome="after", statistic="pooled", interval=False, **ROLES)
    assert residuals.exact
    assert residuals.n_permutations == 5040
    assert residuals.table["p_value"].item() == pytest.approx(labels.p_value, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "arguments", "match"),
    [
        ({}, {"outcome": "later"}, "did you mean|the column is missing"),
        ({"arm": "cells"}, {}, "labels of two arms are redrawn; found: cells"),
        ({}, {"reference": "placebo"}, "'placebo' is not an arm"),
        ({}, {"statistic": "t"}, "'t' is not known"),
        ({}, {"n_resamples": 0}, "0 relabellings are too few"),
        ({}, {"allocation": Allocation("wing")}, "the column is missing"),
        ({"block": [0.0] * 9 + [np.nan]}, {"allocation": Allocation("block")}, "has a block and a stratum"),
        ({"block": [0] * 6 + [1] * 4}, {"allocation": Allocation("block")}, "leave one labelling only"),
        ({"after": [np.nan] * 6 + [1.0, 2, 3, 4]}, {}, "nobody of 'cells'"),
        ({"after": [1.0, 2] + [np.nan] * 8}, {}, "too few"),
        ({"after": [np.inf] * 10}, {}, "must be finite"),
        ({}, {"covariates": ["open(before)"]}, "calls 'open'"),
    ],
)
def test_bad_input(change, arguments, match):
    frame = trial().assign(**change)
    with pytest.raises(InputError, match=match):
        rerandomise(frame, **{"outcome": "after", **ROLES, **arguments})


def test_bad_families():
    with pytest.raises(InputError, match="there are 1 for 2 outcomes"):
        maxt(trial(), outcomes=["after", "other"], baselines=["before"], **ROLES)
    with pytest.raises(InputError, match="there are none"):
        maxt(trial(), outcomes=[], **ROLES)


def test_who_misses_a_level_of_a_factor_is_not_analysed():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"arm": ["a", "b"] * 8, "y": rng.normal(size=16), "sex": ["f", "f", "m", "m"] * 4})
    gone = data.assign(sex=data["sex"].where(data.index != 4))
    found = rerandomise(gone, outcome="y", arm="arm", covariates=["sex"], n_resamples=199)
    assert found.n_per_arm == {"a": 7, "b": 8}
    assert found.n_randomised == 16


def blocked():
    arms = ["cells", "cells", "control"] * 4 + ["cells", "control"]
    block = [f"b{k // 6}" for k in range(14)]
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {"arm": arms, "block": block, "site": ["A"] * 8 + ["B"] * 6, "y": rng.normal(size=14)}
    )


def test_an_allocation_that_contradicts_the_data_is_refused():
    data = blocked()
    declared = {"ratio": {"cells": 2, "control": 1}, "block_sizes": (6,)}
    kwargs = {"outcome": "y", "arm": "arm", "n_resamples": 99}
    assert rerandomise(data, allocation=Allocation("block", **declared), **kwargs).n_randomised == 14
    swapped = data.assign(arm=data["arm"].where(data.index != 0, "control"))
    with pytest.raises(InputError) as error:
        rerandomise(swapped, allocation=Allocation("block", **declared), **kwargs)
    assert "1 blocks contradict the declared allocation 2:1 in blocks of 6" in str(error.value)
    assert "b0: 3 cells, 3 control" in str(error.value)
    with pytest.raises(InputError, match="cannot be divided"):
        rerandomise(data, allocation=Allocation("block", ratio=declared["ratio"], block_sizes=(4,)), **kwargs)
    with pytest.raises(InputError, match="does not name: control"):
        rerandomise(data, allocation=Allocation("block", ratio={"cells": 2}), **kwargs)


def test_empty_strata_are_refused():
    data = blocked().assign(site=lambda t: pd.Categorical(t["site"], ["A", "B", "C"]))
    with pytest.raises(InputError, match="nobody was randomised in the declared stratum C"):
        rerandomise(data, outcome="y", arm="arm", allocation=Allocation(strata=("site",)), n_resamples=99)
