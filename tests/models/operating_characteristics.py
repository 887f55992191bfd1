"""Coverage of intervals and level of tests around the model, in simulated trials; all data are simulated.

``python tests/models/operating_characteristics.py GROUP [TRIALS]`` prints one group, ``all`` prints every one. In a group the
same trials serve every method. 39 and 15 are randomised; about 10 of them miss the follow-up, the more likely the lower their
baseline, unless the group says otherwise.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
import pandas as pd
from scipy import stats

from neurotrial import models

N = (39, 15)
ROLES = {"arm": "arm", "reference": "control"}
WIDE = {"outcome": "after", "baseline": "before", **ROLES}
LONG = {"outcome": "score", "subject": "who", "visit": "visit", **ROLES}


def trial(rng, effect=0.0, jump=False, lost=True):
    """Return one trial: normal values, correlation 0.7; with `jump` the treated who are lost lose the effect too."""
    n = sum(N)
    treated = np.arange(n) < N[0]
    before = rng.normal(size=n)
    gone = rng.random(n) < 1 / (1 + np.exp(1.6 + 0.8 * before)) if lost else np.zeros(n, dtype=bool)
    benefit = effect * treated * ~(gone & jump)
    after = 0.7 * before + benefit + np.sqrt(0.51) * rng.normal(size=n)
    return pd.DataFrame(
        {
            "who": np.arange(n),
            "arm": np.where(treated, "cells", "control"),
            "before": before,
            "after": np.where(gone, np.nan, after),
        }
    )


def long_form(wide):
    """Return a row for each visit."""
    parts = [
        wide[["who", "arm"]].assign(visit=visit, score=wide[column])
        for visit, column in (("baseline", "before"), ("day90", "after"))
    ]
    return pd.concat(parts, ignore_index=True)


def covers(row, truth):
    """Say whether an interval holds the truth; missing where there is no interval."""
    return float(row["conf_low"] <= truth <= row["conf_high"]) if np.isfinite(row["conf_low"]) else np.nan


def imputation(rng, seed):
    """Imputation under MAR where values are missing at random, and J2R where the treated who are lost jump."""
    found = {}
    data = {"MAR": (long_form(trial(rng, 0.5)), 0.5)}
    jumped = trial(rng, 0.5, jump=True)
    data["J2R"] = (long_form(jumped), 0.5 * SEEN)
    for strategy, (long, truth) in data.items():
        for method, interval in (
            ("conditional-mean", "t"),
            ("conditional-mean", "normal"),
            ("bayes", "t"),
            ("bootstrap", "t"),
        ):
            fit = models.impute(
                long, **LONG, strategy=strategy, method=method, interval=interval, n_imputations=50, seed=seed
            )
            name = f"impute {strategy}, {method}" + (" (normal)" if interval == "normal" else "")
            found[name] = covers(fit.tidy().iloc[0], truth)
    return found


SEEN = float(np.mean(1 - 1 / (1 + np.exp(1.6 + 0.8 * stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)))))
"""Share of the treated with a follow-up, over the distribution of baselines."""


def weighting(rng, seed):
    """Weights for selection that depends on baseline; the unadjusted difference of those observed would be biased."""
    rows = models.selection_weights(
        trial(rng), outcome="after", predictors=["before"], n_resamples=500, seed=seed, **ROLES
    ).tidy()
    return {row["method"]: covers(row, 0.0) for row in rows.to_dict("records")}


def robust(rng, _seed):
    """Robust and quantile regression, normal and heavy-tailed (t on 3 df) residuals."""
    found = {}
    normal = trial(rng, lost=False)
    heavy = normal.assign(after=0.7 * normal["before"] + rng.standard_t(3, len(normal)))
    for label, data in (("normal", normal), ("t3", heavy)):
        rows = [models.robust_regression(data, **WIDE, estimator=kind).tidy() for kind in ("MM", "M")] + [
            models.quantile_regression(data, **WIDE).tidy(),
            models.ancova(data, **WIDE).tidy(),
        ]
        for row in pd.concat(rows).query("term == 'arm'").to_dict("records"):
            found[f"{row['method']}, {label}"] = covers(row, 0.0)
    return found


def ranks(rng, _seed):
    """Rank tests of an unadjusted shift of 0.5 SD; spreads 1 and 2 for Brunner and Munzel."""
    one, two = rng.normal(0.5, 1, N[0]), rng.normal(0, 1, N[1])
    data = pd.DataFrame({"arm": ["cells"] * N[0] + ["control"] * N[1], "after": np.concatenate([one, two])})
    rows = models.rank_comparison(data, outcome="after", **ROLES).tidy()
    found = {"mann_whitney shift": covers(rows.iloc[0], 0.5)}
    found["brunner_munzel, equal spreads"] = covers(rows.iloc[1], stats.norm.cdf(0.5 / np.sqrt(2)))
    wide = data.assign(after=np.concatenate([one - 0.5, 2 * two]))
    row = models.rank_comparison(wide, outcome="after", **ROLES).tidy().iloc[1]
    found["brunner_munzel, spreads 1 and 2"] = covers(row, 0.5)
    return found


def bounded(rng, _seed):
    """Scores from 0 to 66 with floor and ceiling, no effect."""
    data = trial(rng, lost=False)
    data = data.assign(**{c: np.clip(np.round(36 + 22 * data[c]), 0, 66) for c in ("before", "after")})
    found = {}
    for fit in (
        models.proportional_odds,
        models.fractional_logit,
        models.beta_binomial,
        models.censored_gaussian,
    ):
        for row in fit(data, **WIDE, maximum=66).tidy().to_dict("records"):
            found[row["method"]] = covers(row, 0.0)
    return found


def responders(rng, _seed):
    """Proportions of responders 0.5 and 0.25, and both 0.4."""
    found = {}
    for label, shares in (("0.5 v 0.25", (0.5, 0.25)), ("0.4 v 0.4", (0.4, 0.4))):
        hits = [rng.random(n) < share for n, share in zip(N, shares, strict=True)]
        data = pd.DataFrame(
            {
                "arm": ["cells"] * N[0] + ["control"] * N[1],
                "before": 0.0,
                "after": 10.0 * np.concatenate(hits),
            }
        )
        rows = models.responders(data, mcid=9, **WIDE).tidy()
        found[f"difference, {label}"] = covers(rows.iloc[0], shares[0] - shares[1])
        found[f"ratio, {label}"] = covers(rows.iloc[1], shares[0] / shares[1])
        if shares[0] == shares[1]:
            found["Boschloo, share not rejecting"] = float(rows["p_value"].iloc[0] > 0.05)
    return found


def effects(rng, _seed):
    """Effects without a unit of a change of 0.5 SD."""
    data = trial(rng, 0.5, lost=False)
    rows = models.standardised_effects(data, **WIDE).tidy().set_index("method")
    sd = np.sqrt(2 * (1 - 0.7))
    truths = {
        "hedges_g": 0.5 / sd,
        "d_ppc": 0.5,
        "cliffs_delta": 2 * stats.norm.cdf(0.5 / sd / np.sqrt(2)) - 1,
    }
    return {name: covers(rows.loc[name], truth) for name, truth in truths.items()}


def association(rng, seed):
    """Partial correlation of 0.4, its slope, no interaction; permutation test of none; an indirect effect of 0.31."""
    wide = trial(rng, lost=False)
    x = wide["after"] + 0.5 * (wide["arm"] == "cells")
    data = wide.assign(x=x, x0=wide["before"], y0=rng.normal(size=len(wide)))
    residual = wide["after"] - 0.7 * wide["before"]
    slope = 0.4 / np.sqrt(0.84) / np.sqrt(0.51)
    data["y"] = (
        0.5 * data["y0"] + slope * (residual + 0.5 * (wide["arm"] == "cells")) + rng.normal(size=len(wide))
    )
    roles = {"x": "x", "x_baseline": "x0", "y": "y", "y_baseline": "y0", **ROLES}
    rows = models.change_association(data, **roles, n_resamples=199, seed=seed).tidy().set_index("method")
    found = {
        "partial_correlation": covers(rows.loc["partial_correlation"], 0.4),
        "change_slope": covers(rows.loc["change_slope"], slope),
        "change_slope_difference": covers(rows.loc["change_slope_difference"], 0.0),
    }
    null = data.assign(y=rng.exponential(size=len(wide)))
    p = models.change_association(null, **roles, n_resamples=199, seed=seed).tidy()["p_value"].iloc[0]
    found["permutation of residuals, share not rejecting"] = float(p > 0.05)
    rows = models.mediation(
        data, outcome="y", outcome_baseline="y0", mediator="x", mediator_baseline="x0", n_resamples=500, seed=seed, **ROLES
    ).tidy().set_index("method")  # fmt: skip
    found["mediation_indirect"] = covers(rows.loc["mediation_indirect"], 0.5 * slope)
    return found


def subgroups(rng, _seed):
    """Effects 0.5 and 0 in two levels; of a slope of 0.5 an SD of a number; interaction tests where there is none."""
    data = trial(rng, lost=False)
    cells = data["arm"] == "cells"
    # at random, and half in each level on average; three levels of half, a third, a sixth
    two = np.where(rng.random(len(data)) < 0.5, "left", "right")
    three = np.digitize(rng.random(len(data)), [1 / 2, 5 / 6])
    number = rng.normal(size=len(data))
    found = {}
    for errors in ("HC3", "OLS"):
        shared = {**WIDE, "errors": errors}
        moved = data.assign(after=data["after"] + 0.5 * (cells & (two == "left")), side=two, level=three)
        rows = models.effect_by_subgroup(moved, by="side", **shared).table.set_index("level")
        found[f"subgroup_effect, {errors}"] = covers(rows.loc["left"], 0.5)
        found[f"subgroup_difference, {errors}"] = covers(rows.loc["right - left"], -0.5)
        sloped = data.assign(after=data["after"] + 0.5 * cells * number, number=number)
        rows = models.effect_modification(sloped, by="number", at=[0.5], **shared).table.set_index("method")
        found[f"effect_slope, {errors}"] = covers(rows.loc["effect_slope"], 0.5)
        found[f"effect_at, {errors}"] = covers(rows.loc["effect_at"], 0.25)
        null = data.assign(side=two, level=three, number=number)
        tests = {
            "two levels": models.effect_by_subgroup(null, by="side", **shared),
            "three levels": models.effect_by_subgroup(null, by="level", **shared),
            "line": models.effect_modification(null, by="number", **shared),
            "spline": models.effect_modification(null, by="number", spline_df=2, **shared),
        }
        for label, fit in tests.items():
            p = fit.table.set_index("method").loc["interaction", "p_value"]
            found[f"interaction, {label}, {errors}, share not rejecting"] = (
                float(p > 0.05) if np.isfinite(p) else np.nan
            )
    return found


GROUPS = {
    one.__name__: one
    for one in (imputation, weighting, robust, ranks, bounded, responders, effects, association, subgroups)
}


def simulate(group, trials, seed=2026):
    """Return the share covered of every method of a group, and of how many trials; trials without an interval are left out."""
    root = np.random.default_rng(seed)
    rows, failed = [], 0
    for number in range(trials):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows.append(GROUPS[group](root, number))
        except Exception as error:  # noqa: BLE001 - a trial that cannot be analysed is counted and said
            failed += 1
            last = error
    table = pd.DataFrame(rows)
    if failed:
        _say(f"{failed} trials could not be analysed, the last: {last}".replace("\n", " ")[:200])
    return pd.DataFrame({"covered": 100 * table.mean(), "trials": table.notna().sum()})


def _say(words):
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main():
    """Print the tables."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "all"
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    for group in GROUPS if wanted == "all" else [wanted]:
        start = time.perf_counter()
        table = simulate(group, trials)
        _say(f"{group}: {GROUPS[group].__doc__.splitlines()[0]}")
        _say(table.round(1).to_string())
        _say(f"  {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
