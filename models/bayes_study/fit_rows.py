"""From one posterior to the rows of the results: estimates, diagnostics, evidence and predictive checks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from neurotrial.errors import InputError
from neurotrial.models.bayes.result import gather, target_estimate
from neurotrial.models.bayes_evidence.draws import target_name
from neurotrial.models.bayes_study.posterior_file import Stored
from neurotrial.models.tidy import Estimate, tidy_frame
from neurotrial.results import estimate_key

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.bayes.fit import Posterior
    from neurotrial.models.bayes.model import Target
    from neurotrial.models.bayes_study.study_tasks import Task

__all__ = [
    "association_rows",
    "diagnostic_rows",
    "estimate_rows",
    "evidence_rows",
    "gathered",
    "predictive_rows",
]

Row = dict[str, Any]

_EFFECTS = ("arm", "group_by_time")
_QUANTILES = ("low", "q1", "median", "q3", "high")


def gathered(task: Task, posterior: Posterior) -> Stored:
    """Return a posterior with its evidence; draws that are too few or not finite have none but their fault."""
    try:
        evidence = gather(task.question, posterior)
    except InputError:
        return Stored(posterior, [], [])
    findings = [asdict(found) for found in evidence.findings]
    shown = evidence.prior_checks if posterior.fault else (*evidence.prior_checks, *evidence.posterior_checks)
    return Stored(posterior, findings, [asdict(check) for check in shown])


def _effects(task: Task, posterior: Posterior) -> Iterator[tuple[str, Target]]:
    """Yield the differences between arms at the visit of the task, by outcome."""
    for target in task.question.model.targets(posterior.draws.flat):
        if target.term in _EFFECTS and target.visit == task.visit and _is_wanted(task, target):
            contrast = target.contrast.split(" @ ", maxsplit=1)[0]
            yield target.outcome, replace(target, contrast=contrast)


def _is_wanted(task: Task, target: Target) -> bool:
    """Tell group x time from the difference at follow-up, which has another estimator."""
    return task.kind != "bayes_group_time" or target.term == "group_by_time"


def estimate_rows(task: Task, stored: Stored) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield for each outcome the rows of its differences between arms."""
    posterior = stored.posterior
    found: dict[str, list[Estimate]] = {}
    for outcome, target in _effects(task, posterior):
        row = target_estimate(
            task.question, posterior, target, task.wordings[outcome], task.method, task.note
        )
        found.setdefault(outcome, []).append(replace(row, term="arm", n_per_arm=_pair(task, row, target)))
    for outcome, rows in found.items():
        yield outcome, tidy_frame(rows)


def _pair(task: Task, row: Estimate, target: Target) -> dict[str, int]:
    """Return the participants of the two arms, the reference as the study file has it."""
    order = list(dict.fromkeys(task.question.model.observed.arms))
    return {
        arm: row.n_per_arm[arm] for arm in sorted(row.n_per_arm, key=order.index) if arm in target.contrast
    }


def diagnostic_rows(task: Task, stored: Stored) -> Iterator[Row]:
    """Yield what the draws are worth, for each difference between arms; of a failed fit too."""
    posterior, model = stored.posterior, task.question.model
    found = posterior.convergence
    numbers = {one.name: one for one in found.numbers}
    prior = getattr(task.question.plan.effect, task.prior)
    names = {id(target): target_name(target) for target in model.targets(posterior.draws.flat)}
    by_place = list(names.values())
    for number, target in enumerate(model.targets(posterior.draws.flat)):
        if target.term not in _EFFECTS or target.visit != task.visit or not _is_wanted(task, target):
            continue
        own, place = numbers.get(by_place[number]), task.places[target.outcome]
        contrast = target.contrast.split(" @ ", maxsplit=1)[0]
        yield {
            "key": f"diagnostics/{_key(task, place, contrast)}",
            **place,
            "method": task.method,
            "contrast": contrast,
            "prior": task.prior,
            "prior_mean": prior.mean,
            "prior_sd": prior.sd,
            "baseline_sd": target.scale,
            "sampler": posterior.sampler,
            **posterior.sampling.model_dump(include={"chains", "draws", "target_accept"}),
            "attempts": posterior.attempts,
            **{name: getattr(own, name, None) for name in ("rhat", "ess_bulk", "ess_tail", "mcse_mean")},
            "worst_rhat": found.worst_rhat,
            "least_ess": found.least_ess,
            "bfmi": found.least_bfmi,
            "divergences": found.divergences,
            "deepest": found.depth_share,
            "status": "failed" if posterior.fault else "ok",
            "reason": posterior.fault or None,
            "posterior": task.path.name,
        }


def _key(task: Task, place: Any, contrast: str) -> str:
    return estimate_key(
        analysis=place["analysis"],
        outcome=place["outcome"],
        population=place["population"],
        method=task.method,
        contrast=contrast,
        visit=task.visit,
    )


def evidence_rows(task: Task, stored: Stored) -> Iterator[Row]:
    """Yield the evidence of the whole fit."""
    home = task.home
    stem = "/".join(("evidence", home["analysis"], home["outcome"], home["population"], task.method))
    for found in stored.evidence:
        about = found["about"]
        slug = re.sub(r"\s+", "_", "/".join(filter(None, (found["measure"], about))))
        yield {
            "key": f"{stem}/{slug}",
            **home,
            "method": task.method,
            "prior": task.prior,
            **found,
            "about": about or None,
            "words": found["words"] or None,
        }


def predictive_rows(task: Task, stored: Stored) -> Iterator[Row]:
    """Yield the predictive checks of prior and posterior by outcome, visit and arm; none of a joint model."""
    outcomes = [name for name in task.places if name]
    for check in stored.checks if task.kind != "bayes_joint_change" else ():
        outcome = check["column"] if outcomes else ""
        visit = task.visit if outcomes else check["column"]
        place = task.places[outcome]
        parts = (
            place["analysis"],
            place["outcome"],
            place["population"],
            task.method,
            check["source"],
            visit,
        )
        yield {
            "key": "/".join(("predictive", *parts, check["arm"], check["statistic"])),
            **place,
            "method": task.method,
            "source": check["source"],
            "visit": visit,
            **{name: check[name] for name in ("arm", "statistic", "n", "observed", "probability")},
            **dict(zip(_QUANTILES, check["quantiles"], strict=True)),
            "outside_range": check["outside"],
        }


def association_rows(task: Task, stored: Stored, unit: str) -> Iterator[Row]:
    """Yield the rows of the table `associations` of a joint model, whose explained outcome has a unit."""
    posterior = stored.posterior
    outcomes = [name for name in task.places if name]
    for target in task.question.model.targets(posterior.draws.flat):
        if target.term != "association":
            continue
        x, y, home = outcomes[0], outcomes[1], task.home
        row = target_estimate(task.question, posterior, target, task.wordings[y], task.method, task.note)
        method = f"bayes_joint_{target.unit}"
        yield {
            "key": f"association/{home['analysis']}/{home['population']}/{method}/{y}~{x}/{task.visit}",
            "association": home["analysis"],
            "x": x,
            "y": y,
            "population": home["population"],
            "visit": task.visit,
            "method": method,
            "contrast": f"{y} ~ {x}",
            **{
                name: getattr(row, name)
                for name in ("estimate", "std_error", "conf_low", "conf_high", "conf_level")
            },
            "interval_kind": row.interval_kind,
            "p_value": None,
            "n_participants": row.n_participants,
            "n_per_arm": json.dumps(dict(row.n_per_arm), ensure_ascii=False),
            "unit": "correlation" if target.unit == "correlation" else f"{unit} per unit of {x}",
            "status": row.status,
            "reason": row.reason or None,
        }
