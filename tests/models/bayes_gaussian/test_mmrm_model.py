"""Repeated measures: rows, means, priors of what the coefficients mean, and targets, each written out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from gaussian_fixture import EFFECT, OTHERS, long_table, mmrm

from neurotrial.errors import InputError
from neurotrial.models import mmrm as fit_mmrm
from neurotrial.models.bayes.asked import Wording

THREE = ("control", "low", "high")
FORMULAS = [
    ("score ~ arm * visit", "first"),
    ("score ~ arm * visit + age + site", "first"),
    ("score ~ visit + arm:visit + age", "first"),
    ("score ~ arm * visit * age", "first"),
    ("score ~ arm + visit + site", "first"),
    ("score ~ arm * visit + age", "none"),
    ("score ~ 1", "common"),
    ("score ~ age * visit + site", "common"),
]


def frame_of(given):
    return given.long.frame


def cell_means(given, coefficients):
    """Standardised means by arm and visit at mean covariates, shape (draws, arms, visits), by names of coefficients."""
    frame, levels = frame_of(given), THREE
    named = dict(zip(given.design.names, coefficients.T, strict=True))
    numbers = {"age": frame["age"].mean()} if "age" in frame else {}
    sites = sorted(frame["site"].unique()) if "site" in frame else []
    out = np.zeros((len(coefficients), len(levels), len(given.long.visits)))
    for a, arm in enumerate(levels):
        for v, visit in enumerate(given.long.visits):
            present = {f"arm[T.{arm}]", f"arm[{arm}]", f"visit[T.{visit}]", f"visit[{visit}]", "Intercept"}
            for name, values in named.items():
                weight = 1.0
                for part in name.split(":"):
                    if part in numbers:
                        weight *= numbers[part]
                    elif part.startswith("site"):
                        weight /= len(sites)
                    else:
                        weight *= part in present
                out[:, a, v] += weight * values
    return out


@pytest.mark.parametrize(("formula", "baseline"), FORMULAS)
def test_targets_are_the_differences_of_means(formula, baseline):
    given, own = mmrm(formula, baseline=baseline, arms=THREE, visits=3)
    parameters = own.draw_prior(np.random.default_rng(1), 4)
    cells = cell_means(given, parameters["coefficients"])
    visits = given.long.visits
    expected = {}
    for a, arm in enumerate(THREE):
        for v, visit in enumerate(visits):
            expected["lsmean", f"mean @ {arm}", visit] = given.centre + given.sd * cells[:, a, v]
            if a:
                expected["arm", f"{arm} - control", visit] = given.sd * (cells[:, a, v] - cells[:, 0, v])
            if v:
                change = given.sd * (cells[:, a, v] - cells[:, a, 0])
                expected["within_arm", f"{visit} - {visits[0]} @ {arm}", visit] = change
            if a and v:
                other = given.sd * (cells[:, 0, v] - cells[:, 0, 0])
                expected["group_by_time", f"{arm} - control @ {visit} - {visits[0]}", visit] = change - other
    found = {(t.term, t.contrast, t.visit): t for t in own.targets(parameters)}
    for key, target in found.items():
        assert target.draws == pytest.approx(expected.pop(key), rel=1e-9, abs=1e-9), key
        assert target.sign == (0 if key[0] == "lsmean" else -1)
        assert target.scale == given.sd
    # what the model sets to zero is not asked
    for values in expected.values():
        assert values == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("formula", "baseline"), FORMULAS)
def test_priors_stand_on_what_coefficients_mean(formula, baseline):
    """Reference mean, its changes, imbalance and effects are independent with the declared mean and SD."""
    given, own = mmrm(formula, baseline=baseline, arms=THREE, visits=3)
    size = len(given.design.names)
    unit = cell_means(given, np.eye(size))
    additive = "arm + visit" in formula
    rows, mean, sd = [unit[:, 0, 0]], [0.0], [OTHERS.intercept_sd]
    for v in (1, 2):
        rows.append(unit[:, 0, v] - unit[:, 0, 0])
        mean.append(0.0)
        sd.append(OTHERS.intercept_sd)
    for a in (1, 2):
        between = unit[:, a] - unit[:, 0]
        first = {"first": [(between[:, 0], 0.0, OTHERS.imbalance_sd)], "none": [], "common": []}[baseline]
        later = [between[:, v] - between[:, 0] for v in (1, 2)]
        if baseline == "none":
            later = [between[:, v] for v in range(3)]
        if additive:
            first, later = [], [between[:, 0]]
        for row, centre, scale in [*first, *((row, -EFFECT.mean, EFFECT.sd) for row in later)]:
            rows.append(row)
            mean.append(centre)
            sd.append(scale)
    functions = np.array(rows)
    covariance = own.prior.root @ own.prior.root.T
    assert functions @ own.prior.location == pytest.approx(np.array(mean), abs=1e-9)
    assert functions @ covariance @ functions.T == pytest.approx(np.diag(np.square(sd)), abs=1e-9)
    effects = own.prior.functions[list(own.effects)]
    assert own.prior.mean[list(own.effects)] == pytest.approx(-EFFECT.mean)
    assert own.prior.sd[list(own.effects)] == pytest.approx(EFFECT.sd)
    assert len(effects) == sum(scale == EFFECT.sd for scale in sd)


def test_a_covariate_has_the_prior_of_one_of_its_sds():
    given, own = mmrm("score ~ arm * visit + age + site", visits=3)
    covariance = own.prior.root @ own.prior.root.T
    for name in ("age", "site[T.b]", "site[T.c]"):
        place = given.design.names.index(name)
        sd = given.design.matrix[:, place].std(ddof=1)
        assert np.sqrt(covariance[place, place]) == pytest.approx(OTHERS.covariate_sd / sd, rel=1e-9)


def test_another_reference_code_of_a_covariate_leaves_the_prior_of_the_arms():
    """The priors of differences between arms do not depend on the origin or unit of a covariate."""
    table = long_table(visits=3)
    found = []
    for moved in (table, table.assign(age=table["age"] * 12 - 700)):
        given = repeated(moved)
        own = model_of(given)
        unit = cell_means_two(given)
        found.append(np.sqrt(np.diag(unit @ own.prior.root @ own.prior.root.T @ unit.T)))
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def repeated(table, formula="score ~ arm * visit + age"):
    from neurotrial.models.bayes_gaussian.mmrm_model import repeated_measures

    return repeated_measures(formula, table, subject="who", visit="visit", arm="arm")


def model_of(given, **options):
    from gaussian_fixture import PLAN

    from neurotrial.models.bayes_gaussian.mmrm_model import mmrm_model

    return mmrm_model(given, EFFECT, PLAN, Wording(), **options)


def cell_means_two(given):
    """Functions that are the means of both arms at all visits, by the package's own grid."""
    from neurotrial.models.repeated_measures.grid import mean_functions

    return mean_functions(given.design, given.long.frame, "visit", "arm", visit="visit")[0]


def test_the_targets_are_those_of_the_classical_model():
    """At the coefficients of the classical fit every number is the classical estimate."""
    table = long_table(visits=3, arms=THREE, n=30)
    formula = "score ~ arm * visit + age + site"
    given = repeated(table, formula)
    own = model_of(given)
    classical = fit_mmrm(formula, table, subject="who", visit="visit")
    coefficients = classical.coefficients.to_numpy()[None] / given.sd
    coefficients[0, 0] -= given.centre / given.sd
    found = pd.DataFrame(
        [(t.term, t.contrast, t.visit, t.draws[0]) for t in own.targets({"coefficients": coefficients})]
    )
    effects = classical.effects("arm")
    expected = effects.set_index(["term", "contrast", "visit"])["estimate"]
    rows = found[found[0] != "lsmean"].set_index([0, 1, 2])[3]
    assert len(rows) == (expected.index.get_level_values("term") != "lsmean").sum()
    for key, value in rows.items():
        assert value == pytest.approx(expected[key], rel=1e-9)


def test_rows_are_by_participant_and_visit():
    table = long_table(visits=4, n=12)
    shuffled = table.sample(frac=1.0, random_state=4)
    given = repeated(shuffled)
    pivot = table.pivot_table(index="who", columns="visit", values="score", observed=True)
    own = model_of(given)
    assert set(own.observed.participants) == set(pivot.index)
    ordered = pivot.loc[list(own.observed.participants)]
    assert pytest.approx(ordered.to_numpy(), nan_ok=True) == own.observed.values  # noqa: PD011
    assert own.observed.columns == ("v0", "v1", "v2", "v3")
    arms = table.drop_duplicates("who").set_index("who")["arm"].astype(str)
    assert own.observed.arms == tuple(arms[list(own.observed.participants)])


def test_the_scale_is_that_of_the_first_visit_within_arms():
    table = long_table(visits=3)
    given = repeated(table)
    first = table[(table["visit"] == "v0") & table["score"].notna()]
    groups = first.groupby("arm", observed=True)["score"]
    pooled = np.sqrt((groups.var() * (groups.count() - 1)).sum() / (len(first) - 2))
    assert (given.centre, given.sd) == pytest.approx((first["score"].mean(), pooled))


def test_arms_as_texts_are_in_alphabetical_order():
    given = repeated(
        long_table(visits=2).assign(arm=lambda table: table["arm"].astype(str)), "score ~ arm * visit"
    )
    assert given.design.names[1] == "arm[T.control]"
    targets = model_of(given).targets({"coefficients": np.zeros((1, 4))})
    assert targets[0].contrast == "control - cells"


def test_who_has_no_row_is_counted():
    table = long_table(visits=2, n=12, missing=0.0)
    table.loc[table["who"] == "sub-03", "score"] = np.nan
    given = repeated(table)
    assert len(given.long.participants) == 11
    assert any("participants without any row in the fit: 1" in line for line in given.long.decisions)


def bad(change=None, formula="score ~ arm * visit", **options):
    table = long_table(visits=3, missing=0.0)
    return (change(table) if change else table), formula, options


BAD = {
    "no arm in the formula": (bad(formula="score ~ visit + age"), ("formula", "the column 'arm' of the arms", "outcome ~ arm * visit")),
    "an arm that changes": (
        bad(lambda t: t.assign(arm=t["arm"].where((t["who"] != "sub-00") | (t["visit"] != "v1"), "cells"))),
        ("column 'arm'", "one arm at all visits; more: sub-00", "correct the rows"),
    ),
    "11 visits": (
        (long_table(visits=11, missing=0.0), "score ~ arm * visit", {}),
        ("visit", "11 visits are more than 10", "structured covariance"),
    ),
    "one visit": (bad(lambda t: t[t["visit"] == "v0"]), ("column 'visit'", "one visit", "")),
    "a constant baseline": (
        bad(lambda t: t.assign(score=t["score"].where(t["visit"] != "v0", 40.0))),
        ("column 'score'", "does not vary within the arms at v0", "check the column"),
    ),
    "an arm of one": (
        bad(lambda t: t[(t["arm"] == "control") | (t["who"] == "sub-01")]),
        ("column 'arm'", "fewer than 2 participants with a value in: cells", "leave the arm out"),
    ),
    "two rows of a visit": (bad(lambda t: pd.concat([t, t.iloc[[0]]])), ("'who', 'visit'", "one row", "")),
    "one arm": (bad(lambda t: t[t["arm"] == "control"]), ("'arm'", "", "")),
    "no such column": (bad(formula="score ~ arm * visit + aeg"), ("column 'aeg'", "missing", "did you mean 'age'?")),
    "text for numbers": (bad(lambda t: t.assign(score=t["score"].astype(str) + "x")), ("column 'score'", "must hold numbers", "")),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_are_named(name):
    (table, formula, options), words = BAD[name]
    from neurotrial.models import bayes_mmrm

    with pytest.raises(InputError) as caught:
        bayes_mmrm(formula, table, subject="who", visit="visit", **options)
    text = str(caught.value)
    assert "remedy" in text
    for word in words:
        assert word in text


def test_a_common_baseline_adds_the_arm_itself():
    from neurotrial.models import bayes_mmrm

    with pytest.raises(InputError, match="names the arm 'arm'"):
        bayes_mmrm(
            "score ~ arm * visit", long_table(visits=3), subject="who", visit="visit", baseline="common"
        )
