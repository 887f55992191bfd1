"""Imputation of missing outcomes, and the analysis of what was completed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from neurotrial.models.checks import check_level
from neurotrial.models.missing_data.choices import (
    METHOD_SLUGS,
    Method,
    check_choices,
    check_reference,
    deltas_of,
    method_slug,
)
from neurotrial.models.missing_data.completed_fits import Analysis, completed_fits
from neurotrial.models.missing_data.gaussian import Gaussian, gaussian
from neurotrial.models.missing_data.inference import Inferred, jackknifed, pooled
from neurotrial.models.missing_data.layout import Layout, layout
from neurotrial.models.missing_data.replicates import Replicates, replicates
from neurotrial.models.missing_data.rubin import Pooled, pool
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    from neurotrial.models.missing_data.completed_fits import CompletedFits
    from neurotrial.models.missing_data.strategies import Strategy
    from neurotrial.models.permutation import Seed
    from neurotrial.models.student import FloatArray

__all__ = ["Imputation", "impute", "prepared"]


@dataclass(frozen=True)
class Imputation:
    """Completed data and their analysis.

    Attributes
    ----------
    table : Layout
        Participants by visits, with what is missing.
    strategy, method, analysis : str
        As asked for.
    completions : array of float, shape (n_imputations, n, T)
        Completed outcomes, without deltas; one imputation for conditional means.
    baselines : array of float, shape (n_imputations or 1, n)
        Baselines, completed where they were missing.
    deltas : array of float, shape (n_arms,)
        What was added to the imputed values of each arm.
    coefficients : Series
        Of the imputation model, fitted to everybody.
    covariance : array of float, shape (G, L, L)
        Of the levels of the imputation model; one, or one for each arm.
    fits : CompletedFits
        Analyses of the completed (and, for the jackknife, the reduced) data.
    conf_level : float
        Of the intervals.
    interval : {"t", "normal"}
        Of conditional means.
    decisions : tuple of str
        What was decided or should be known, the variance that is shown among it.
    """

    table: Layout
    strategy: Strategy
    method: Method
    analysis: Analysis
    completions: FloatArray
    baselines: FloatArray
    deltas: FloatArray
    coefficients: pd.Series[float]
    covariance: FloatArray
    fits: CompletedFits
    conf_level: float
    interval: Literal["t", "normal"]
    decisions: tuple[str, ...]

    @property
    def n_imputations(self) -> int:
        """Completed data sets."""
        return len(self.completions)

    @property
    def variance(self) -> str:
        """Which variance is shown."""
        return METHOD_SLUGS[self.method][1]

    def inferred(self, deltas: FloatArray | None = None) -> Inferred:
        """Return estimates and tests for rows of deltas, shape (n_deltas, n_arms); for those asked for by default."""
        rows = self.deltas[None] if deltas is None else deltas
        if self.method != "conditional-mean":
            return pooled(self.fits, rows, self.conf_level)
        df = np.full(len(self.table.visits), np.inf)
        if self.interval == "t":
            df = (~self.table.missing).sum(axis=0) - float(self.fits.n_coefficients)
        return jackknifed(self.fits, rows, df, self.conf_level)

    def tidy(self) -> pd.DataFrame:
        """Return contrasts of arms and means of arms at each visit, with the columns of `neurotrial.models.tidy`."""
        found = self.inferred()
        return tidy_frame(
            self._row(found, at, number)
            for at in range(len(self.table.visits))
            for number in range(found.n_functions)
        )

    def with_delta(self, delta: float | Mapping[str, float] | None) -> Imputation:
        """Return the same imputation with other deltas, as `impute` takes them; nothing is fitted again."""
        return replace(self, deltas=deltas_of(delta, self.table.arms))

    def imputed(self) -> pd.DataFrame:
        """Return the imputed outcomes: imputation, participant, visit, value; deltas included."""
        table = self.table
        person, visit = np.nonzero(table.missing)
        values = self.completions[:, person, visit] + self.deltas[table.arm[person]]
        return pd.DataFrame(
            {
                "imputation": np.repeat(np.arange(self.n_imputations), len(person)),
                table.subject: np.tile(table.people[table.subject].to_numpy()[person], self.n_imputations),
                "visit": np.tile(np.array(table.visits, dtype=object)[visit], self.n_imputations),
                "value": values.ravel(),
            }
        )

    def completed(self, number: int = 0) -> pd.DataFrame:
        """Return one completed data set: a row for each participant, a column for each visit, baseline and covariates."""
        table = self.table
        shifted = self.completions[number] + np.where(table.missing, self.deltas[table.arm][:, None], 0.0)
        wide = table.people.assign(baseline=self.baselines[min(number, len(self.baselines) - 1)])
        return pd.concat([wide, pd.DataFrame(shifted, columns=list(table.visits))], axis=1)

    def analyse(
        self,
        analysis: Callable[[pd.DataFrame], tuple[float, float]],
        *,
        df_complete: float = np.inf,
    ) -> Pooled:
        """Apply an analysis of one's own to each completed data set, and pool.

        Parameters
        ----------
        analysis : callable
            From a completed data set, see `completed`, to an estimate and its standard error.
        df_complete : float
            Degrees of freedom with complete data.

        Raises
        ------
        InputError
            For conditional means, which are one data set without variation, and as `neurotrial.models.pool`.
        """
        check_pooling(self)
        found = [analysis(self.completed(number)) for number in range(self.n_imputations)]
        values, errors = zip(*found, strict=True)
        return pool(values, errors, df_complete=df_complete, conf_level=self.conf_level)

    def _row(self, found: Inferred, visit: int, number: int) -> Estimate:
        table, n_arms = self.table, len(self.table.arms)
        is_contrast = number < n_arms - 1
        name = table.arms[number + 1] if is_contrast else table.arms[number - n_arms + 1]
        at = (0, visit, number)
        return Estimate(
            method_slug(self.strategy, self.method),
            "arm" if is_contrast else "lsmean",
            f"{name} - {table.reference}" if is_contrast else f"mean @ {name}",
            table.n_per_arm,
            visit=table.visits[visit],
            estimate=float(found.estimate[at]),
            std_error=float(found.std_error[at]),
            df=float(found.df[at]),
            statistic=float(found.statistic[at]) if is_contrast else np.nan,
            conf_low=float(found.conf_low[at]),
            conf_high=float(found.conf_high[at]),
            conf_level=self.conf_level,
            interval_kind="t" if np.isfinite(found.df[at]) else "normal",
            p_value=float(found.p_value[at]) if is_contrast else np.nan,
            reason=self._reason(found, at),
        )

    def _reason(self, found: Inferred, at: tuple[int, int, int]) -> str:
        visit = at[1]
        lost = self.table.missing[:, visit]
        counts = ", ".join(
            f"{name} {int(lost[self.table.arm == k].sum())}" for k, name in enumerate(self.table.arms)
        )
        parts = [f"imputed: {counts}", f"variance shown: {self.variance}"]
        if self.method != "conditional-mean":
            parts.append(
                f"{self.n_imputations} imputations, Monte Carlo error of the estimate {found.mc_error[at]:.2g}"
            )
        return "; ".join([*parts, *self.decisions])


def check_pooling(imputation: Imputation) -> None:
    """Refuse to pool conditional means.

    Raises
    ------
    InputError
        If there is one completed data set without variation.
    """
    from neurotrial.errors import refuse

    if imputation.method == "conditional-mean":
        rule = '"conditional-mean" fills in one value without variation, which only linear analyses may use'
        raise refuse("method", rule, 'impute with method="bayes" or "bootstrap"')


def impute(
    data: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    covariates: Sequence[str] = (),
    events: pd.DataFrame | None = None,
    analysis: Analysis = "ancova",
    strategy: Strategy = "MAR",
    method: Method = "conditional-mean",
    delta: float | Mapping[str, float] | None = None,
    reference: str | None = None,
    baseline: str | None = None,
    baseline_visit: str | None = None,
    covariance_by_arm: bool = False,
    covariates_by_visit: bool = False,
    n_imputations: int = 200,
    interval: Literal["t", "normal"] = "t",
    conf_level: float = 0.95,
    seed: Seed = 0,
) -> Imputation:
    """Impute missing outcomes by a Gaussian model of the visits, analyse, and put the results together.

    Parameters
    ----------
    data : DataFrame
        One row per participant and visit, the baseline visit among them; a missing row is a missing value. A
        participant without any value has one row without value, so that the arm is known.
    outcome, subject, visit, arm : str
        Columns with the value, the participant, the visit and the arm.
    covariates : sequence of str
        Columns or formula terms, constant within a participant and complete: of the imputation model and the analysis.
    events : DataFrame, optional
        Columns `subject` and `visit`: the first visit that an event affects. From there the strategy holds; gaps
        before it are missing at random. Without it, outcomes missing to the last visit count as affected.
    analysis : {"ancova", "change_score"}
        Of each visit: adjusted for baseline and covariates, or the unadjusted change.
    strategy : {"MAR", "J2R", "CR", "CIR", "LMCF"}
        What holds after an event [1]_: missing at random, jump to reference, copy reference, copy increments in
        reference, last mean carried forward (with an event before the first visit: the baseline's mean, given the
        baseline).
    method : {"conditional-mean", "bayes", "bootstrap"}
        Conditional means from the REML fit with the jackknife [2]_; draws from the posterior (flat in the means,
        |Sigma|^-(L+1)/2); draws around REML fits of bootstrap samples, stratified by arm ("approximate Bayes"). The
        last two are pooled by Rubin's rules.
    delta : float or mapping of str to float, optional
        Added to every imputed value: of all arms but the reference, or of each arm named.
    reference : str, optional
        The arm that the others are compared with, and that reference-based strategies refer to: these need it, or a
        categorical arm, whose first category it is. For MAR the first arm by default.
    baseline : str, optional
        Column with the baseline, where it is no visit; all visits then are after baseline.
    baseline_visit : str, optional
        The visit before treatment; the first where visits are numbers or ordered, else ``"baseline"``.
    covariance_by_arm : bool
        Whether each arm has its own covariance.
    covariates_by_visit : bool
        Whether covariates have a slope at each visit in the imputation model.
    n_imputations : int
        For draws; 2 or more.
    interval : {"t", "normal"}
        For conditional means: t on the residual degrees of freedom of those observed, or normal as rbmi does.
    conf_level : float
        In (0, 1).
    seed : int or SeedSequence
        Of the draws.

    Returns
    -------
    Imputation
        Who has no baseline is kept too: the baseline is then an outcome of the model, with one mean for all arms.

    Raises
    ------
    InputError
        If the data break a rule of the layout, a choice is unknown, a reference-based strategy has no reference arm,
        LMCF has nothing to carry forward, or the model cannot be fitted (for the jackknife: without a participant).

    References
    ----------
    .. [1] Carpenter JR, Roger JH, Kenward MG. J Biopharm Stat 2013;23:1352-1371.
       https://doi.org/10.1080/10543406.2013.834911
    .. [2] Wolbers M, et al. Pharm Stat 2022;21:1246-1257. https://doi.org/10.1002/pst.2234

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"participant_id": [f"sub-{i}" for i in range(10)] * 2,
    ...                        "arm": ["control"] * 5 + ["cells"] * 5 + ["control"] * 5 + ["cells"] * 5,
    ...                        "visit": ["baseline"] * 10 + ["day90"] * 10,
    ...                        "fma": [20, 31, 45, 22, 30, 47, 25, 38, 28, 45,
    ...                                22, 40, 50, None, 35, 60, 37, None, 44, 55]})
    >>> found = impute(scores, outcome="fma", subject="participant_id", visit="visit", arm="arm",
    ...                reference="control", strategy="J2R")
    >>> found.tidy()[["contrast", "estimate"]].head(1).round(2).to_dict("records")
    [{'contrast': 'cells - control', 'estimate': 6.13}]
    """
    check_choices(analysis, strategy, method, interval, n_imputations)
    check_level(conf_level)
    table, model = prepared(
        data,
        outcome=outcome,
        subject=subject,
        visit=visit,
        arm=arm,
        covariates=covariates,
        events=events,
        strategy=strategy,
        reference=reference,
        baseline=baseline,
        baseline_visit=baseline_visit,
        covariance_by_arm=covariance_by_arm,
        covariates_by_visit=covariates_by_visit,
    )
    made = replicates(table, model, strategy, method, n_imputations, seed)
    fits = completed_fits(table, analysis, made.values, made.baselines, made.weights)
    return Imputation(
        table=table,
        strategy=strategy,
        method=method,
        analysis=analysis,
        completions=made.completions,
        baselines=made.baselines[:1] if made.weights is not None else made.baselines,
        deltas=deltas_of(delta, table.arms),
        coefficients=pd.Series(made.fitted.coefficients[0], index=list(model.names)),
        covariance=made.fitted.covariance[0],
        fits=fits,
        conf_level=conf_level,
        interval=interval,
        decisions=_decisions(table, model, strategy, made),
    )


def prepared(
    data: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    covariates: Sequence[str],
    events: pd.DataFrame | None,
    strategy: Strategy,
    reference: str | None,
    baseline: str | None,
    baseline_visit: str | None,
    covariance_by_arm: bool,
    covariates_by_visit: bool,
) -> tuple[Layout, Gaussian]:
    """Return the table and the imputation model; arguments as `impute`."""
    check_reference(data, arm, strategy, reference)
    table = layout(
        data,
        outcome=outcome,
        subject=subject,
        visit=visit,
        arm=arm,
        covariates=covariates,
        events=events,
        infer_events=strategy != "MAR",
        reference=reference,
        baseline=baseline,
        baseline_visit=baseline_visit,
    )
    model = gaussian(
        table,
        strategy=strategy,
        covariance_by_arm=covariance_by_arm,
        covariates_by_visit=covariates_by_visit,
    )
    return table, model


def _decisions(table: Layout, model: Gaussian, strategy: Strategy, made: Replicates) -> tuple[str, ...]:
    said = [*table.decisions, *made.decisions]
    if model.joint:
        count = int(np.isnan(table.baseline).sum())
        said.append(f"{count} baselines were imputed too, with one mean for all arms")
    if strategy in {"J2R", "CR", "CIR"} and len(table.visits) == 1:
        said.append("with a single visit after baseline J2R, CR and CIR are the same")
    after = int((~np.isnan(model.y) & ~model.fitted).sum())
    if after:
        said.append(f"{after} outcomes observed after an event were analysed, but not used to impute")
    return tuple(said)
