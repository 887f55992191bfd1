"""Diagnostics, evidence and predictive checks of the simulated results store: numbers of the right kind, by formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import BAYES_METHODS, FAMILY, PRIOR_SETS
from neurotrial.results import RESULT_TABLES, estimate_key
from neurotrial.tabular import empty_table

FAILURE = "the sampler did not reach what the plan asks in 3 attempts: 4 divergent transitions"
SLUGS = {
    slug: (kind, prior)
    for kind, slugs in BAYES_METHODS.items()
    for slug, prior in zip(slugs, PRIOR_SETS, strict=True)
}


def shrunk(found, method, study, outcome, sd):
    """Return a posterior for an estimate: normal likelihood and prior, by the closed form."""
    prior = getattr(study.bayes.effect, SLUGS[method][1])
    sign = 1 if outcome.direction == "higher_is_better" else -1
    error = (found["conf_high"] - found["conf_low"]) / 4
    weight = error**-2 + (prior.sd * sd) ** -2
    mean = (found["estimate"] * error**-2 + sign * prior.mean * sd * (prior.sd * sd) ** -2) / weight
    draws = sign * np.random.default_rng(1).normal(mean, weight**-0.5, 4000)
    return {
        "estimate": mean,
        "std_error": weight**-0.5,
        "conf_low": mean - 1.96 * weight**-0.5,
        "conf_high": mean + 1.96 * weight**-0.5,
        "interval_kind": study.bayes.interval,
        "p_value": np.nan,
        "probability_benefit": float((draws > 0).mean()),
        "probability_mcid": float((draws > outcome.mcid.value).mean()) if outcome.mcid else np.nan,
        "probability_rope": float((np.abs(draws) < study.bayes.rope * sd).mean()),
    }


def pooled(study, analysis, rows, sds):
    """Return the rows of the pooled effect: the mean of the outcomes' effects in baseline SDs."""
    own = [row for row in rows if row["method"] in BAYES_METHODS["bayes_outcomes"]]
    places = dict.fromkeys((row["method"], row["contrast"]) for row in own)
    for method, contrast in places:
        found = [row for row in own if (row["method"], row["contrast"]) == (method, contrast)]
        signs = [1 if study.outcome(row["outcome"]).direction == "higher_is_better" else -1 for row in found]
        scales = [sign / sds[row["outcome"]] for sign, row in zip(signs, found, strict=True)]
        mean, low, high = (
            float(np.mean([row[name] * scale for row, scale in zip(found, scales, strict=True)]))
            for name in ("estimate", "conf_low", "conf_high")
        )
        numbers = {
            "estimate": mean,
            "std_error": abs(high - low) / 4,
            "conf_low": min(low, high),
            "conf_high": max(low, high),
        }
        chances = {"probability_benefit": 0.93, "probability_mcid": np.nan, "probability_rope": 0.21}
        key = estimate_key(
            analysis=analysis.name, outcome=FAMILY, population=found[0]["population"], method=method, contrast=contrast,
            visit=found[0]["visit"],
        )  # fmt: skip
        yield found[0] | numbers | chances | {"outcome": FAMILY, "unit": "baseline SD", "key": key}


def diagnostics(study, estimates, sds):
    """Return one row of diagnostics for each posterior."""
    table = RESULT_TABLES["diagnostics"]
    sampling = study.bayes.sampling if study.bayes else None
    rows = []
    for index, row in enumerate(estimates[estimates["method"].isin(SLUGS)].to_dict("records")):
        prior = getattr(study.bayes.effect, SLUGS[row["method"]][1])
        failed = row["status"] == "failed"
        rows.append(
            {
                "key": f"diagnostics/{row['key']}",
                **{name: row[name] for name in ("analysis", "outcome", "estimand", "population", "method")},
                "contrast": row["contrast"], "prior": SLUGS[row["method"]][1], "prior_mean": prior.mean,
                "prior_sd": prior.sd, "baseline_sd": ({FAMILY: 1.0} | sds)[row["outcome"]], "sampler": "nutpie", "chains": sampling.chains,
                "draws": sampling.draws, "target_accept": sampling.target_accept, "attempts": 3 if failed else 1, "rhat": 1.0002, "ess_bulk": 6000.0 + index,
                "ess_tail": 4500.0, "mcse_mean": 0.01 * ({FAMILY: 1.0} | sds)[row["outcome"]], "worst_rhat": 1.0013, "least_ess": 3900.0,
                "bfmi": 0.98, "divergences": 4 if failed else 0, "deepest": 0.0, "status": row["status"],
                "reason": "4 divergent transitions" if failed else None, "posterior": None,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)[[column.name for column in table.columns]] if rows else empty_table(table)


def evidence(estimates):
    """Return the findings of each fit; that of all outcomes is one fit."""
    table = RESULT_TABLES["evidence"]
    chosen = estimates[estimates["method"].isin(SLUGS)]
    together = chosen["method"].isin(BAYES_METHODS["bayes_outcomes"])
    fits = chosen[~together | (chosen["outcome"] == FAMILY)].groupby(
        ["analysis", "outcome", "method"], sort=False
    )
    rows = []
    for index, (_, own) in enumerate(fits):
        first = own.iloc[0]
        place = ("analysis", "outcome", "population", "method")
        for measure, about, value, limit, verdict, words in _findings(own, index):
            key = "/".join(("evidence", *(first[name] for name in place), measure, about)).replace(" ", "_")
            shared = {name: first[name] for name in (*place, "estimand")}
            rows.append(
                {"key": key, **shared, "prior": SLUGS[first["method"]][1], "measure": measure, "about": about or None,
                 "value": value, "limit": limit, "verdict": verdict, "words": words or None}
            )  # fmt: skip
    return pd.DataFrame(rows)[[column.name for column in table.columns]] if rows else empty_table(table)


def _findings(own, index):
    failed = (own["status"] == "failed").any()
    words = "4 divergent transitions" if failed else ""
    yield "divergences", "", 4.0 if failed else 0.0, 0.0, "fault" if failed else "ok", words
    yield "worst R-hat", "", 1.0013, 1.01, "ok", ""
    yield "least ESS", "", 3900.0 + index, 400.0, "ok", ""
    yield "E-BFMI", "", 0.98, 0.3, "ok", ""
    yield "tree depth reached", "", 0.0, 0.01, "ok", ""
    yield "elpd_loo", "", -44.25 - index, np.nan, "info", ""
    yield "SE of elpd_loo", "", 4.5, np.nan, "info", ""
    yield "worst Pareto k", "", 0.74, 0.7, "ok", ""
    yield "participants refitted without", "", 1.0, np.nan, "info", ""
    yield "Pareto k", "sub-004", 0.74, 0.7, "info", ""
    yield "LOO-PIT uniformity p", "day90", 0.31, 0.05, "ok", ""
    for part, k in (("prior", 0.21), ("effect prior", 0.11), ("likelihood", 0.33)):
        yield f"Pareto k of power-scaling: {part}", "", k, 0.7, "ok", ""
    term = "group_by_time" if SLUGS[own["method"].iloc[0]][0] == "bayes_group_time" else "arm"
    for place, contrast in enumerate(own["contrast"]):
        about = f"{term}: {contrast} @ day90"
        moved = SLUGS[own["method"].iloc[0]][1] == "sceptical"
        told = f"possible prior-data conflict for {about}" if moved else ""
        yield "sensitivity: prior", about, 0.02 + 0.1 * moved, 0.05, "warning" if moved else "ok", told
        yield "sensitivity: effect prior", about, 0.01, 0.05, "ok", ""
        yield "sensitivity: likelihood", about, 0.12 + 0.01 * place, 0.05, "info", ""
        yield "overlap of prior and posterior", about, 0.17, np.nan, "info", ""
    yield "sensitivity: prior", "lsmean: mean @ control @ day90", 0.44, 0.05, "ok", ""
    for statistic in ("mean", "SD", "minimum", "maximum"):
        missed = statistic == "minimum" and index == 0
        told = "posterior predictive checks miss the minimum of day90 @ cells" if missed else ""
        tail = 0.001 if missed else 0.3
        yield (
            f"posterior predictive tail: {statistic}",
            "day90 @ cells",
            tail,
            0.005,
            "warning" if missed else "ok",
            told,
        )


def predictions(study, estimates, outcomes):
    """Return predictive checks of every posterior: quantiles about what was observed."""
    table = RESULT_TABLES["predictive"]
    rows = []
    for row in (
        estimates[estimates["method"].isin(SLUGS) & (estimates["outcome"] != FAMILY)]
        .drop_duplicates(["analysis", "outcome", "method"])
        .to_dict("records")
    ):
        own = outcomes[outcomes["outcome"] == row["outcome"]]
        sources = ("prior",) if row["status"] == "failed" else ("prior", "posterior")
        visits = ("baseline", "day90") if SLUGS[row["method"]][0] == "bayes_group_time" else ("day90",)
        for source in sources:
            for visit in visits:
                for arm in study.arms:
                    values = own.loc[(own["visit"] == visit) & (own["arm"] == arm.name), "value"].dropna()
                    rows += list(_checks(row, source, visit, arm.name, values, study))
    return pd.DataFrame(rows)[[column.name for column in table.columns]] if rows else empty_table(table)


def _checks(row, source, visit, arm, values, study):
    wide = 3 if source == "prior" else 1
    outcome = study.outcome(row["outcome"])
    place = (row["analysis"], row["outcome"], row["population"], row["method"], source, visit, arm)
    seen = {
        "value": np.nan,
        "mean": values.mean(),
        "sd": values.std(),
        "minimum": values.min(),
        "maximum": values.max(),
    }
    for statistic, observed in seen.items():
        spread = values.std() * wide / (1 if statistic == "value" else 3)
        centre = values.mean() if statistic == "value" else observed
        quantiles = dict(
            zip(
                ("low", "q1", "median", "q3", "high"),
                centre + spread * np.array([-2, -0.7, 0, 0.7, 2]),
                strict=True,
            )
        )
        yield {
            "key": "/".join(("predictive", *place, statistic)),
            **{name: row[name] for name in ("analysis", "outcome", "estimand", "population", "method")},
            "source": source, "visit": visit, "arm": arm, "statistic": statistic, "n": len(values), "observed": observed,
            **quantiles, "probability": np.nan if statistic == "value" else 0.48,
            "outside_range": 0.12 * wide if statistic == "value" and outcome.range else np.nan,
        }  # fmt: skip
