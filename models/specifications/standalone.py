"""A specification by the function that a user would call for it alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.ancova_fit import ancova
from neurotrial.models.bayes.estimators import bayes_ancova
from neurotrial.models.change import change_score, follow_up_only
from neurotrial.models.missing_data.imputation import impute
from neurotrial.models.missing_data.selection import selection_weights
from neurotrial.models.repeated_measures.mmrm_fit import mmrm
from neurotrial.models.robust.regression import quantile_regression, robust_regression
from neurotrial.models.tidy import tidy_frame
from neurotrial.models.two_visit_models import TwoVisitTable, by_visit, common_baseline, group_by_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neurotrial.models.specifications.participants import People
    from neurotrial.specifications import Specification

__all__ = ["alone"]


def alone(people: People, specification: Specification, seed: int = 0) -> Mapping[str, Any]:
    """Return the row of a specification as its own function gives it.

    Parameters
    ----------
    people : People
        All randomised.
    specification : Specification
        What is fitted.
    seed : int
        Of draws, where the model has any.

    Returns
    -------
    mapping
        The columns of `neurotrial.models.tidy`.

    Raises
    ------
    InputError
        If the data break a rule of that function.
    """
    wide = people.table(specification)
    shared: dict[str, Any] = {
        "arm": "arm",
        "reference": people.study.reference_arm.name,
        "conf_level": people.study.conf_level,
    }
    if specification.missing != "complete":
        rows = _missing(people, specification, wide, shared, seed)
    else:
        columns = {"outcome": "follow_up", "baseline": "baseline"}
        rows = _MODELS[specification.model](people, specification, wide, columns | shared, seed)
    contrast = f"{people.treated} - {shared['reference']}"
    wanted = rows[(rows["method"] == specification.method) & (rows["contrast"] == contrast)]
    if len(wanted) != 1:
        raise refuse(specification.model, "gave no single estimate of the contrast", "report this as a fault")
    return dict(wanted.iloc[0])


def _adjusted(fit: Callable[..., Any], **more: Any) -> Callable[..., pd.DataFrame]:
    def rows(
        _: People, one: Specification, wide: pd.DataFrame, given: dict[str, Any], __: int
    ) -> pd.DataFrame:
        found: pd.DataFrame = fit(wide, **given, covariates=one.covariates, **more).tidy()
        return found

    return rows


def _unadjusted(fit: Callable[..., Any]) -> Callable[..., pd.DataFrame]:
    def rows(
        _: People, __: Specification, wide: pd.DataFrame, given: dict[str, Any], ___: int
    ) -> pd.DataFrame:
        found: pd.DataFrame = fit(wide, **given).tidy()
        return found

    return rows


def _mixed(
    people: People, one: Specification, wide: pd.DataFrame, given: dict[str, Any], seed: int
) -> pd.DataFrame:
    del seed
    if one.covariance == "us":
        fit = group_by_time if one.model == "mmrm_group_time" else common_baseline
        return fit(wide, **given, covariates=one.covariates).tidy()
    if one.model == "clda":
        raise refuse(
            "covariance", "a common baseline is fitted with an unstructured covariance only", "forbid it"
        )
    table = TwoVisitTable(wide, "follow_up", "baseline", "arm", given["reference"])
    terms = f"arm * visit{by_visit(one.covariates)}"
    fitted = mmrm(
        f"value ~ {terms}",
        table.long(),
        subject="participant",
        visit="visit",
        covariance=one.covariance,  # type: ignore[arg-type]
    )
    rows = [row for row in fitted.effect_rows("arm", given["conf_level"]) if row.term == "group_by_time"]
    counts = wide.dropna(subset=["baseline", "follow_up"], how="all")["arm"].astype("str").value_counts()
    return _renamed(rows, people, {str(name): int(count) for name, count in counts.items()})


def _renamed(rows: list[Any], people: People, n_per_arm: dict[str, int]) -> pd.DataFrame:
    contrast = f"{people.treated} - {people.study.reference_arm.name}"
    return tidy_frame([replace(rows[0], method="mmrm_group_time", contrast=contrast, n_per_arm=n_per_arm)])


def _bayes(
    people: People, one: Specification, wide: pd.DataFrame, given: dict[str, Any], seed: int
) -> pd.DataFrame:
    outcome = people.outcome(one)
    fit = bayes_ancova(
        wide,
        **given,
        covariates=one.covariates,
        direction=outcome.direction,
        priors=people.study.bayes,
        prior_sets=(one.prior,),
        seed=seed,
        progress=False,
    )
    return fit.tidy()


def _missing(
    people: People, one: Specification, wide: pd.DataFrame, shared: dict[str, Any], seed: int
) -> pd.DataFrame:
    if one.missing == "weights":
        analysis = _analysis(people)
        members = people.members(one)
        pair = people.pair(one)
        everybody = people.frame.assign(baseline=pair[:, 0], follow_up=pair[:, 1])
        everybody.loc[~members, ["baseline", "follow_up"]] = float("nan")
        found = selection_weights(
            everybody,
            outcome="follow_up",
            baseline="baseline",
            predictors=analysis.selection_predictors,
            covariates=one.covariates,
            n_resamples=0,
            seed=seed,
            **shared,
        )
        return found.tidy()
    long = wide.melt(
        id_vars=[name for name in wide if name not in ("baseline", "follow_up")],
        value_vars=["baseline", "follow_up"],
        var_name="occasion",
        value_name="value",
    )
    long["occasion"] = pd.Categorical(long["occasion"], ["baseline", "follow_up"], ordered=True)
    imputed = impute(
        long,
        outcome="value",
        subject="participant_id",
        visit="occasion",
        arm="arm",
        covariates=one.covariates,
        strategy=one.missing.upper(),  # type: ignore[arg-type]
        reference=shared["reference"],
        baseline_visit="baseline",
        conf_level=shared["conf_level"],
    )
    return imputed.tidy()


def _analysis(people: People) -> Any:
    plan = people.study.multiverse
    return next(one for one in people.study.analyses if plan is not None and one.name == plan.analysis)


_MODELS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "ancova_ols": _adjusted(ancova),
    "ancova_hc3": _adjusted(ancova),
    "change_welch": _unadjusted(change_score),
    "change_pooled": _unadjusted(change_score),
    "follow_up_welch": _unadjusted(follow_up_only),
    "mmrm_group_time": _mixed,
    "clda": _mixed,
    "mm_regression": _adjusted(functools.partial(robust_regression, estimator="MM")),
    "m_regression": _adjusted(functools.partial(robust_regression, estimator="M")),
    "median_regression": _adjusted(quantile_regression),
    "bayes_ancova": _bayes,
}
