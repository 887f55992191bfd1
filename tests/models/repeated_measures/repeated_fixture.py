"""Made-up repeated measures, and the likelihood written out participant by participant."""

import numpy as np
import pandas as pd

VISITS = ("v1", "v2", "v3", "v4")
WEEKS = (0.0, 2.0, 5.0, 12.0)


def made_up(seed=1, sizes=(14, 9), n_visits=4, lost=0.15):
    """Return a long table with an outcome `y`; rows without it are missing at random."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    arm = np.repeat(["control", "cells"], sizes)
    age = rng.normal(60, 9, n).round(1)
    sd = np.linspace(3, 5, n_visits)
    lag = np.abs(np.subtract.outer(np.arange(n_visits), np.arange(n_visits)))
    errors = rng.multivariate_normal(np.zeros(n_visits), 0.6**lag * np.outer(sd, sd), size=n)
    mean = 40 + 2.0 * np.arange(n_visits) + 1.5 * np.outer(arm == "cells", np.arange(n_visits))
    y = mean + 0.2 * (age[:, None] - 60) + errors
    y[rng.random(y.shape) < lost] = np.nan
    who, visit = np.divmod(np.arange(n * n_visits), n_visits)
    return pd.DataFrame(
        {
            "who": [f"p{number:02d}" for number in who],
            "visit": pd.Categorical([VISITS[v] for v in visit], VISITS[:n_visits]),
            "week": np.array(WEEKS)[visit],
            "arm": pd.Categorical(arm[who], ["control", "cells"]),
            "age": age[who],
            "sex": np.where(who % 3 == 0, "female", "male"),
            "y": y.ravel(),
        }
    )


def dense_neg2_loglik(x, y, participant, level, covariance, *, reml=True):
    """Return -2 log (restricted) likelihood from one covariance matrix for each participant."""
    p = x.shape[1]
    precision, score, value = np.zeros((p, p)), np.zeros(p), 0.0
    for number in np.unique(participant):
        at = np.flatnonzero(participant == number)
        own = covariance[np.ix_(level[at], level[at])]
        inverse = np.linalg.inv(own)
        precision += x[at].T @ inverse @ x[at]
        score += x[at].T @ inverse @ y[at]
        value += np.linalg.slogdet(own)[1] + y[at] @ inverse @ y[at]
    value += len(y) * np.log(2 * np.pi) - score @ np.linalg.solve(precision, score)
    return value + np.linalg.slogdet(precision)[1] - p * np.log(2 * np.pi) if reml else value
