"""The numbers of the references on imputation and on Rubin's rules, under the references' keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from neurotrial.models.missing_data.imputation import Imputation, impute
from neurotrial.models.missing_data.rubin import pool

if TYPE_CHECKING:
    from neurotrial.models.verify_model_values import Values

__all__ = ["imputation_values"]

_NAMES = {"MAR": "MAR", "J2R": "JR", "CR": "CR", "CIR": "CIR", "LMCF": "LMCF"}
"""The strategies, and what rbmi calls them."""

_DELTAS = ("MAR", "J2R")
_TESTS = {"estimate": "estimate", "std_error": "se", "conf_low": "lower", "conf_high": "upper"}
_POOLED = {
    "estimate": "estimate",
    "within": "within",
    "between": "between",
    "total": "total",
    "df": "df",
    "relative_increase": "riv",
    "fraction_missing": "fmi",
    "std_error": "se",
}
_COMPLETE_DF = (12.0, 40.0, 250.0, np.inf)


def imputation_values(
    data: pd.DataFrame, spec: Mapping[str, Any], events: pd.DataFrame, estimates: pd.DataFrame
) -> Values:
    """Yield every number of the case ``rbmi``.

    Parameters
    ----------
    data : DataFrame
        The case's ``data.csv``, one row per participant and visit.
    spec : mapping
        Its ``spec.json``.
    events : DataFrame
        Its ``ice.csv``: participant_id and first visit affected.
    estimates : DataFrame
        Its ``estimates.csv``: imputation, estimate, se.
    """
    frame = data.assign(
        arm=pd.Categorical(data["arm"], spec["arms"]),
        visit=pd.Categorical(data["visit"], spec["visits"], ordered=True),
    )
    for by_arm in (False, True):
        place = ("condmean_by_arm", "us|arm") if by_arm else ("condmean", "us")
        yield from _imputations(frame, spec, events, place, by_arm=by_arm)
    yield from _rules(estimates)


def _imputations(
    frame: pd.DataFrame,
    spec: Mapping[str, Any],
    events: pd.DataFrame,
    place: tuple[str, str],
    *,
    by_arm: bool,
) -> Values:
    roles: dict[str, Any] = {"outcome": "change", "subject": "participant_id", "visit": "visit", "arm": "arm"}
    roles |= {"baseline": "base", "covariates": spec["covariates"], "interval": "normal"}
    for strategy, name in _NAMES.items():
        found = impute(frame, **roles, events=events, strategy=strategy, covariance_by_arm=by_arm)  # type: ignore[arg-type]
        if strategy == "MAR":
            yield from _covariances(found, spec, place)
        yield from _tests(found, (*place, f"rbmi:{name}"))
        for row in found.imputed().to_dict("records"):
            label = f"imputed {row['participant_id']} @ {row['visit']}"
            yield (*place, f"rbmi:{name}", label, "imputed"), float(row["value"])
        for delta in spec["deltas"] if strategy in _DELTAS else ():
            shifted = found.with_delta({spec["arms"][1]: delta})
            yield from _tests(shifted, (*place, f"rbmi:{name}_delta_{delta}"))


def _covariances(found: Imputation, spec: Mapping[str, Any], place: tuple[str, str]) -> Values:
    labels = ["sigma"] if len(found.covariance) == 1 else [f"sigma_{arm}" for arm in spec["arms"]]
    visits = spec["visits"]
    for label, matrix in zip(labels, found.covariance, strict=True):
        for i, first in enumerate(visits):
            for j, second in enumerate(visits[: i + 1]):
                key = (*place, "rbmi:draws", f"{label}[{first},{second}]", "covariance")
                yield key, float(matrix[i, j])


def _tests(found: Imputation, place: tuple[str, str, str]) -> Values:
    for row in found.tidy().to_dict("records"):
        contrast = str(row["contrast"])
        term = f"lsmean {contrast.removeprefix('mean @ ')}" if contrast.startswith("mean") else contrast
        key = (*place, f"{term} @ {row['visit']}")
        for column, quantity in _TESTS.items():
            yield (*key, quantity), float(row[column])
        z = abs(row["estimate"] / row["std_error"])
        p_value = row["p_value"] if row["term"] == "arm" else 2 * stats.norm.sf(z)
        yield (*key, "p"), float(p_value)


def _rules(estimates: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str, str, str], float]]:
    for df_complete in _COMPLETE_DF:
        found = pool(estimates["estimate"], estimates["se"], df_complete=df_complete)
        label = f"df_complete={'Inf' if np.isinf(df_complete) else int(df_complete)}"
        for column, quantity in _POOLED.items():
            yield ("rubin", "none", "mice:pool.scalar", label, quantity), getattr(found, column)
        for column in ("df", "total"):
            yield ("rubin", "none", "rbmi:rubin_rules", label, column), getattr(found, column)
        tests = {"t": found.statistic, "p": found.p_value, "lower": found.conf_low, "upper": found.conf_high}
        for quantity, value in tests.items():
            yield ("rubin", "none", "rubin_t_test", label, quantity), value
