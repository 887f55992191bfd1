"""The Bayesian mixed model for repeated measures as a function on a long table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.errors import refuse
from neurotrial.models.bayes.asked import wording
from neurotrial.models.bayes.result import BayesianFit, fit_priors, target_estimate
from neurotrial.models.bayes.settings import models_by_prior, plan_of, shows_progress
from neurotrial.models.bayes_gaussian.gaussian_targets import LinearTarget
from neurotrial.models.bayes_gaussian.mmrm_model import mmrm_model, repeated_measures
from neurotrial.models.repeated_measures.functions import Label, Split, compared
from neurotrial.models.repeated_measures.grid import mean_functions
from neurotrial.models.tidy import tidy_frame

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes_gaussian.mmrm_model import RepeatedMeasures
    from neurotrial.models.repeated_measures.functions import Comparison
    from neurotrial.models.repeated_measures.grid import GridWeights
    from neurotrial.models.sentences import Direction

__all__ = ["BayesianMmrm", "PosteriorFunctions", "bayes_mmrm"]


@dataclass(frozen=True, eq=False)
class PosteriorFunctions:
    """Linear functions of the coefficients of a Bayesian mixed model.

    Attributes
    ----------
    weights : ndarray, shape (m, p)
        On the coefficients.
    labels : tuple of Label, length m
        What they are.
    fit : BayesianMmrm
        The fit.
    split : Split
        Factors, for `contrast`.
    """

    weights: FloatArray
    labels: tuple[Label, ...]
    fit: BayesianMmrm
    split: Split

    def tidy(self) -> pd.DataFrame:
        """Return one row for each prior and function, with the columns of `neurotrial.models.tidy`."""
        asked, given = self.fit.wordings[""], self.fit.given
        rows = []
        for own in self.fit.fits.values():
            for row, label in zip(self.weights, self.labels, strict=True):
                mean = label.term == "lsmean"
                rule = LinearTarget(
                    row, given.sd, given.centre if mean else 0.0, label.term, label.contrast, label.visit,
                    sign=0 if mean else asked.sign,
                )  # fmt: skip
                target = rule.of(own.posterior.draws.flat)
                rows.append(target_estimate(own.question, own.posterior, target, asked, own.method))
        return tidy_frame(rows)

    def contrast(self, how: Comparison | Mapping[str, Sequence[float]] = "reference") -> PosteriorFunctions:
        """Compare the means with one another; as `neurotrial.models.repeated_measures.functions.Functions.contrast`."""
        weights, labels = compared(self.weights, self.labels, self.split, how)
        return PosteriorFunctions(weights, labels, self.fit, self.split)


@dataclass(frozen=True, eq=False)
class BayesianMmrm(BayesianFit):
    """A Bayesian mixed model for repeated measures; `tidy` has what `Mmrm.effects` has.

    Attributes
    ----------
    given : RepeatedMeasures
        Its rows and columns.
    """

    given: RepeatedMeasures = field(kw_only=True)

    def emmeans(
        self,
        factor: str,
        by: str | None = None,
        at: Mapping[str, float | str] | None = None,
        weights: GridWeights | Mapping[str, Mapping[str, float]] = "equal",
    ) -> PosteriorFunctions:
        """Return posteriors of least-squares means; arguments as in `neurotrial.models.repeated_measures.result.Mmrm.emmeans`."""
        visit = self.given.roles.visit
        found, labels = mean_functions(
            self.given.design, self.given.long.frame, factor, by, at=at, weights=weights, visit=visit
        )
        return PosteriorFunctions(found, labels, self, Split(factor, by or "", visit))

    def contrast(self, weights: Mapping[str, Mapping[str, float] | Sequence[float]]) -> PosteriorFunctions:
        """Return posteriors of any linear functions of the coefficients.

        Parameters
        ----------
        weights : mapping
            For each name weights of all coefficients in their order, or a mapping from names of coefficients to
            weights. A function that holds a mean, such as the intercept, is less the mean of the first visit.

        Raises
        ------
        InputError
            If a coefficient is not known, or the weights are not finite or too many or few.
        """
        rows = [self._weights(name, given) for name, given in weights.items()]
        labels = tuple(Label("contrast", name) for name in weights)
        return PosteriorFunctions(np.array(rows), labels, self, Split("", "", self.given.roles.visit))

    def _weights(self, name: str, given: Mapping[str, float] | Sequence[float]) -> FloatArray:
        """Return weights of all coefficients."""
        names = self.given.design.names
        if isinstance(given, Mapping):
            unknown = [key for key in given if key not in names]
            if unknown:
                rule = f"contrast {name!r} names {', '.join(unknown)}"
                raise refuse("contrast", rule, f"use the coefficients: {', '.join(names)}")
            given = [given.get(key, 0.0) for key in names]
        row = np.asarray(given, dtype="float64")
        if row.shape != (len(names),) or not np.isfinite(row).all():
            rule = f"contrast {name!r} does not have one finite weight for each of {len(names)} coefficients"
            raise refuse("contrast", rule, f"in this order: {', '.join(names)}")
        return row


def bayes_mmrm(
    formula: str,
    data: pd.DataFrame,
    *,
    subject: str,
    visit: str,
    arm: str = "arm",
    baseline: Literal["first", "none", "common"] = "first",
    direction: Direction = "higher_is_better",
    mcid: float | None = None,
    rope: float | None = None,
    bounds: tuple[float, float] | None = None,
    priors: BayesPlan | None = None,
    prior_sets: Sequence[str] = PRIOR_SETS,
    conf_level: float = 0.95,
    draws: int | None = None,
    chains: int | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> BayesianMmrm:
    """Fit a Bayesian mixed model for repeated measures with an unrestricted covariance, under each prior of the effect.

    Parameters
    ----------
    formula : str
        ``"outcome ~ terms"``, e.g. ``"fa ~ arm * visit + age"``, as of `neurotrial.models.mmrm`.
    data : DataFrame
        One row per participant and visit, 2 to 10 visits, in any order. Rows that miss something are left out and
        counted; participants stay with the visits that they have.
    subject, visit, arm : str
        Columns with participant, visit and arm. A categorical column gives the order of visits, and of arms, the first
        being the reference.
    baseline : {"first", "none", "common"}
        Whether the first visit is before treatment, so that effects are differences between arms in the change from
        it; or all visits are after it, and effects are differences at each; or the first one is before it and has one
        mean in all arms, in which case the formula lacks the arm (see `neurotrial.models.clda`).
    direction, mcid, rope, bounds, priors, prior_sets, conf_level, draws, chains, seed, progress
        As in `bayes_ancova`. Priors are in SDs of the first visit within arms; with ``BayesPlan(residuals="student")``
        the values of a participant follow a multivariate Student distribution.

    Returns
    -------
    BayesianMmrm
        ``tidy()`` has means by arm and visit, differences between arms, changes within them, and group x time.

    Raises
    ------
    InputError
        As `neurotrial.models.mmrm`; if the arm is not in the formula or enters it in a way that has no prior, there are
        more than 10 visits, an arm has fewer than two participants, or a setting is out of range.

    References
    ----------
    .. [1] Mallinckrodt CH et al. Drug Inf J 2008;42:303-319. https://doi.org/10.1177/009286150804200402
    .. [2] Lewandowski D, Kurowicka D, Joe H. J Multivar Anal 2009;100:1989-2001. https://doi.org/10.1016/j.jmva.2009.04.008
    """
    asked = wording(direction=direction, bounds=bounds, mcid=mcid, rope=rope, conf_level=conf_level)
    plan = plan_of(priors, draws, chains)
    if baseline not in {"first", "none", "common"}:
        raise refuse("baseline", f"{baseline!r} is not known", "use one of: first, none, common")
    given = repeated_measures(
        formula, data, subject=subject, visit=visit, arm=arm, common_baseline=baseline == "common"
    )
    models = models_by_prior(
        plan, prior_sets, lambda effect: mmrm_model(given, effect, plan, asked, baseline=baseline != "none")
    )
    fits = fit_priors(models, plan, seed, progress=shows_progress(progress))
    return BayesianMmrm(fits, {"": asked}, given.long.decisions, given=given)
