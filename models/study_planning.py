"""The designs whose power a study file asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.models.design_stage.planning import assurance, detectable_effect, power

if TYPE_CHECKING:
    from neurotrial.study import PowerPlan, Study

__all__ = ["planning_rows"]


def planning_rows(study: Study) -> list[dict[str, Any]]:
    """Return the rows of the table `planning`.

    Parameters
    ----------
    study : Study
        The plan.
    """
    return [row for plan in study.power for row in _rows(study, plan)]


def _rows(study: Study, plan: PowerPlan) -> list[dict[str, Any]]:
    reference = study.reference_arm.name
    (other,) = (name for name in plan.n_per_arm if name != reference)
    design: dict[str, Any] = {
        "n_per_arm": (plan.n_per_arm[other], plan.n_per_arm[reference]),
        "sd": plan.sd,
        "correlation": plan.correlation,
        "dropout": plan.dropout,
        "sd_ratio": plan.sd_ratio,
        "methods": plan.methods,
        "alpha": round(1 - study.conf_level, 12),
        "seed": np.random.SeedSequence([study.seed, *plan.name.encode()]),
    }
    found = [power(effect=plan.effect, **design), detectable_effect(power=plan.target, **design)]
    if plan.prior is not None:
        found.append(assurance(effect_mean=plan.prior.mean, effect_sd=plan.prior.sd, **design))
    return [
        {
            **{str(name): value for name, value in row.items()},
            "plan": plan.name,
            "outcome": plan.outcome,
            "assumptions": one.assumptions,
            "key": f"planning/{plan.name}/{row['method']}/{row['quantity']}",
        }
        for one in found
        for row in one.table.to_dict("records")
    ]
