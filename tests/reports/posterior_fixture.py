"""Diagnostics and predictive checks of the simulated results store: numbers of the right kind, by formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import BAYES_METHODS, PRIOR_SETS
from neurotrial.results import RESULT_TABLES
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
    }


def evidence(study, estimates, sds):
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
                "prior_sd": prior.sd, "baseline_sd": sds[row["outcome"]], "sampler": "nutpie", "chains": sampling.chains,
                "draws": sampling.draws, "target_accept": sampling.target_accept, "attempts": 3 if failed else 1, "rhat": 1.0002, "ess_bulk": 6000.0 + index,
                "ess_tail": 4500.0, "mcse_mean": 0.01 * sds[row["outcome"]], "worst_rhat": 1.0013, "least_ess": 3900.0,
                "bfmi": 0.98, "divergences": 4 if failed else 0, "status": row["status"],
                "reason": "4 divergent transitions" if failed else None, "posterior": None,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)[[column.name for column in table.columns]] if rows else empty_table(table)


def predictions(study, estimates, outcomes):
    """Return predictive checks of every posterior: quantiles about what was observed."""
    table = RESULT_TABLES["predictive"]
    rows = []
    for row in (
        estimates[estimates["method"].isin(SLUGS)]
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
