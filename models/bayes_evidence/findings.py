"""What the parts of the evidence mean for a fit: the policy of faults and warnings, a finding for each number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurotrial.models.bayes_evidence.power_scaling import COMPONENTS, SENSITIVE

if TYPE_CHECKING:
    from neurotrial.bayes_plan import Acceptance
    from neurotrial.models.bayes_evidence.convergence import Convergence
    from neurotrial.models.bayes_evidence.leave_one_out import LeaveOneOut
    from neurotrial.models.bayes_evidence.loo_pit import LooPit
    from neurotrial.models.bayes_evidence.power_scaling import PowerScaling
    from neurotrial.models.bayes_evidence.predictive import Check, Source
    from neurotrial.models.bayes_evidence.prior_overlap import PriorOverlap

__all__ = [
    "Finding",
    "Verdict",
    "convergence_findings",
    "loo_findings",
    "overlap_findings",
    "pit_findings",
    "power_findings",
    "predictive_findings",
]

Verdict = Literal["ok", "warning", "fault", "info"]

_DEEP = 0.01
"""Share of transitions at the largest depth from which on the sampler is said to be slow; its draws stay valid."""

_UNIFORM = 0.05
"""Level of the tests of uniformity of a fit together."""

_TAIL = 0.005
"""A statistic with a smaller share of replicates on one of its sides is missed: by chance one in a hundred is."""

_OUTSIDE: dict[Source, float] = {"prior": 0.5, "posterior": 0.05}
"""Share of replicated values outside the declared range from which on a model is said not to respect it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One number of the evidence and what it means.

    Attributes
    ----------
    measure : str
        What was computed.
    about : str
        Parameter, target, participant, column and arm; empty for the whole fit.
    value, limit : float
        The limit is NaN where there is none.
    verdict : {"ok", "warning", "fault", "info"}
        A fault forbids to show the fit as it is, a warning is to be told with it, info has no limit.
    words : str
        The fault or the warning as a sentence without full stop; empty where another finding tells it.
    """

    measure: str
    about: str
    value: float
    limit: float = np.nan
    verdict: Verdict = "info"
    words: str = ""


def convergence_findings(found: Convergence, accept: Acceptance) -> Iterator[Finding]:
    """Yield what the draws of the fit, then of each number, are worth."""
    total = [
        ("divergences", found.divergences, 0.0, found.divergences == 0),
        ("worst R-hat", found.worst_rhat, accept.rhat, found.worst_rhat <= accept.rhat),
        ("least ESS", found.least_ess, accept.ess, found.least_ess >= accept.ess),
        ("E-BFMI", found.least_bfmi, accept.bfmi, found.least_bfmi >= accept.bfmi),
    ]
    words = found.faults(accept)
    for measure, value, limit, fine in total:
        yield _fault(measure, "", value, limit, "" if fine else next(words))
    deep = found.depth_share > _DEEP
    sentence = f"{found.depth_share:.1%} of transitions reached the largest tree depth"
    yield _warned("tree depth reached", "", found.depth_share, _DEEP, sentence if deep else "")
    for one in found.numbers:
        rhat: Verdict = "ok" if one.rhat <= accept.rhat else "fault"
        yield Finding("R-hat", one.name, one.rhat, accept.rhat, rhat)
        for measure, ess in (("bulk ESS", one.ess_bulk), ("tail ESS", one.ess_tail)):
            yield Finding(measure, one.name, ess, accept.ess, "ok" if ess >= accept.ess else "fault")
        yield Finding("MCSE of mean", one.name, one.mcse_mean)
        yield Finding("MCSE of SD", one.name, one.mcse_sd)


def loo_findings(found: LeaveOneOut) -> Iterator[Finding]:
    """Yield how the model predicts participants left out, and whose weights are not trusted."""
    yield Finding("elpd_loo", "", found.elpd)
    yield Finding("SE of elpd_loo", "", found.elpd_se)
    yield Finding("p_loo", "", found.p_loo)
    worst = float(found.k.max())
    words = ""
    if found.status == "unreliable":
        left = found.n_distrusted - found.n_refitted
        words = f"leave-one-out is unreliable for {left} participants (Pareto k up to {worst:.2f})"
    yield _fault("worst Pareto k", "", worst, found.limit, words)
    yield Finding("participants refitted without", "", found.n_refitted)
    for row in np.flatnonzero(~(found.k <= found.limit)):
        verdict: Verdict = "info" if found.refitted[row] else "fault"
        yield Finding("Pareto k", found.participants[row], float(found.k[row]), found.limit, verdict)


def pit_findings(found: LooPit) -> Iterator[Finding]:
    """Yield whether observed values lie in their predictions as they should, by column."""
    limit = _UNIFORM / len(found.columns)
    for place, column in enumerate(found.columns):
        p_value = float(found.p_value[place])
        words = f"LOO-PIT of {column} is not uniform (p = {p_value:.2g})" if p_value < limit else ""
        yield _warned("LOO-PIT uniformity p", column, p_value, limit, words)
        share = float(found.n[place])
        for measure, count in (("below 2.5 %", found.below[place]), ("above 97.5 %", found.above[place])):
            yield Finding(f"share of LOO-PIT {measure}", column, float(count) / share if share else np.nan)


def power_findings(found: PowerScaling) -> Iterator[Finding]:
    """Yield whether weights are trusted, then how each target moves with prior and likelihood."""
    for part, component in enumerate(COMPONENTS):
        k = float(found.k[part].max())
        words = (
            "" if k <= found.limit else f"power-scaling of the {component} is unreliable (Pareto k {k:.2f})"
        )
        yield _warned(f"Pareto k of power-scaling: {component}", "", k, found.limit, words)
    for target in range(len(found.targets)):
        yield from _sensitivity_findings(found, target)


def _sensitivity_findings(found: PowerScaling, target: int) -> Iterator[Finding]:
    """Yield the sensitivity of a target to each component; the first prior that is in conflict tells of all."""
    name, values = found.targets[target], [float(value) for value in found.sensitivity[:, target]]
    parts = ", ".join(f"{component} {value:.2f}" for component, value in zip(COMPONENTS, values, strict=True))
    told = False
    for part, component in enumerate(COMPONENTS):
        measure = f"sensitivity: {component}"
        if component == "likelihood":
            yield Finding(measure, name, values[part], SENSITIVE)
            continue
        verdict = found.verdict(target, part)
        tell = verdict not in {"ok", "unreliable k-hat"} and not told
        told = told or tell
        words = f"possible {verdict} for {name} (sensitivity to {parts})" if tell else ""
        yield Finding(measure, name, values[part], SENSITIVE, "ok" if verdict == "ok" else "warning", words)


def overlap_findings(found: PriorOverlap) -> Iterator[Finding]:
    """Yield what each target has in common with its prior."""
    contraction = found.contraction
    for place, (name, overlap) in enumerate(zip(found.targets, found.overlap, strict=True)):
        yield Finding("overlap of prior and posterior", name, float(overlap))
        yield Finding("posterior SD over prior SD", name, float(contraction[place]))


def predictive_findings(found: Iterable[Check]) -> Iterator[Finding]:
    """Yield which features of the data replicates miss, and how many of them leave the declared range."""
    for check in found:
        about = f"{check.column} @ {check.arm}"
        kind = f"{check.source} predictive"
        if check.statistic == "value":
            if not np.isnan(check.outside):
                yield _outside(check, kind, about)
            continue
        tail = min(check.probability, 1 - check.probability)
        missed = not tail >= _TAIL
        words = f"{kind} checks miss the {_spelled(check)} of {about}: {tail:.1%} of replicates are beyond it"
        words = words if missed else ""
        yield _warned(f"{kind} tail: {_spelled(check)}", about, tail, _TAIL, words)


def _outside(check: Check, kind: str, about: str) -> Finding:
    limit = _OUTSIDE[check.source]
    words = f"{check.outside:.1%} of {kind} values of {about} are outside the declared range"
    words = words if check.outside > limit else ""
    return _warned(f"{kind} share outside range", about, check.outside, limit, words)


def _spelled(check: Check) -> str:
    return "SD" if check.statistic == "sd" else check.statistic


def _fault(measure: str, about: str, value: float, limit: float, words: str) -> Finding:
    return Finding(measure, about, value, limit, "fault" if words else "ok", words)


def _warned(measure: str, about: str, value: float, limit: float, words: str) -> Finding:
    return Finding(measure, about, value, limit, "warning" if words else "ok", words)
