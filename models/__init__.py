"""Tidy tables to fitted results: the estimators of a trial, loaded when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurotrial.models.ancova_fit import Ancova, ancova
    from neurotrial.models.association.adjusted_association import ChangeAssociation, change_association
    from neurotrial.models.association.mediated import Mediation, mediation
    from neurotrial.models.bayes.bounded import bayes_bounded
    from neurotrial.models.bayes.estimators import bayes_ancova
    from neurotrial.models.bayes.repeated import BayesianMmrm, bayes_mmrm
    from neurotrial.models.bayes.result import BayesianFit
    from neurotrial.models.bayes.several import bayes_joint_change, bayes_outcomes
    from neurotrial.models.bounded_scores.responders_test import Responders, responders
    from neurotrial.models.bounded_scores.scores import (
        beta_binomial,
        censored_gaussian,
        fractional_logit,
        proportional_odds,
    )
    from neurotrial.models.change import Comparison, change_score, follow_up_only, within_arm
    from neurotrial.models.compare import EstimatorComparison, compare_estimators
    from neurotrial.models.coupling import expected_coupling
    from neurotrial.models.design_stage.planning import Planning, assurance, detectable_effect, power
    from neurotrial.models.effect_sizes import StandardisedEffect, hedges_g, hedges_gz
    from neurotrial.models.gatekeeping import GraphicalTest, graphical
    from neurotrial.models.harmonisation.combat import Harmonised, harmonise
    from neurotrial.models.influence.leave_out import Influence, leave_one_out
    from neurotrial.models.missing_data.imputation import Imputation, impute
    from neurotrial.models.missing_data.rubin import Pooled, pool
    from neurotrial.models.missing_data.selection import SelectionWeights, selection_weights
    from neurotrial.models.missing_data.tipping import TippingPoint, tipping_point
    from neurotrial.models.missing_data.who_is_missing import Missingness, missingness
    from neurotrial.models.multiplicity import adjust
    from neurotrial.models.permutation import PermutationTest, permutation_test
    from neurotrial.models.randomisation.allocation import Allocation
    from neurotrial.models.randomisation.freedman_lane_test import FreedmanLane, freedman_lane
    from neurotrial.models.randomisation.rerandomisation import MaxT, Rerandomisation, maxt, rerandomise
    from neurotrial.models.ranks import RankTest, rank_test
    from neurotrial.models.ratio import ImprovementRatio, improvement_ratio
    from neurotrial.models.repeated_measures.clda_fit import clda
    from neurotrial.models.repeated_measures.many import ManyMmrm, mmrm_many
    from neurotrial.models.repeated_measures.mmrm_fit import mmrm
    from neurotrial.models.repeated_measures.result import Mmrm, emmeans
    from neurotrial.models.robust.rank_tests import rank_comparison
    from neurotrial.models.robust.regression import quantile_regression, robust_regression
    from neurotrial.models.sensitivity_variations.sensitivity_set import (
        StandardSensitivity,
        standard_sensitivity,
    )
    from neurotrial.models.sensitivity_variations.unmeasured_confounding import EValue, e_value
    from neurotrial.models.specifications.engine import multiverse
    from neurotrial.models.specifications.result import Multiverse
    from neurotrial.models.subgroups.by_level import SubgroupEffects, effect_by_subgroup
    from neurotrial.models.subgroups.by_number import EffectModification, effect_modification
    from neurotrial.models.tidy import TIDY_COLUMNS, Estimate
    from neurotrial.models.unitless_effects import cliffs_delta, d_ppc, standardised_effects

__all__ = [
    "TIDY_COLUMNS",
    "Allocation",
    "Ancova",
    "BayesianFit",
    "BayesianMmrm",
    "ChangeAssociation",
    "Comparison",
    "EValue",
    "EffectModification",
    "Estimate",
    "EstimatorComparison",
    "FreedmanLane",
    "GraphicalTest",
    "Harmonised",
    "ImprovementRatio",
    "Imputation",
    "Influence",
    "ManyMmrm",
    "MaxT",
    "Mediation",
    "Missingness",
    "Mmrm",
    "Multiverse",
    "PermutationTest",
    "Planning",
    "Pooled",
    "RankTest",
    "Rerandomisation",
    "Responders",
    "SelectionWeights",
    "StandardSensitivity",
    "StandardisedEffect",
    "SubgroupEffects",
    "TippingPoint",
    "adjust",
    "ancova",
    "assurance",
    "bayes_ancova",
    "bayes_bounded",
    "bayes_joint_change",
    "bayes_mmrm",
    "bayes_outcomes",
    "beta_binomial",
    "censored_gaussian",
    "change_association",
    "change_score",
    "clda",
    "cliffs_delta",
    "compare_estimators",
    "d_ppc",
    "detectable_effect",
    "e_value",
    "effect_by_subgroup",
    "effect_modification",
    "emmeans",
    "expected_coupling",
    "follow_up_only",
    "fractional_logit",
    "freedman_lane",
    "graphical",
    "harmonise",
    "hedges_g",
    "hedges_gz",
    "improvement_ratio",
    "impute",
    "leave_one_out",
    "maxt",
    "mediation",
    "missingness",
    "mmrm",
    "mmrm_many",
    "multiverse",
    "permutation_test",
    "pool",
    "power",
    "proportional_odds",
    "quantile_regression",
    "rank_comparison",
    "rank_test",
    "rerandomise",
    "responders",
    "robust_regression",
    "selection_weights",
    "standard_sensitivity",
    "standardised_effects",
    "tipping_point",
    "within_arm",
]

_HOMES = {
    "ancova_fit": ("Ancova", "ancova"),
    "bayes.bounded": ("bayes_bounded",),
    "bayes.estimators": ("bayes_ancova",),
    "bayes.repeated": ("BayesianMmrm", "bayes_mmrm"),
    "bayes.result": ("BayesianFit",),
    "bayes.several": ("bayes_joint_change", "bayes_outcomes"),
    "change": ("Comparison", "change_score", "follow_up_only", "within_arm"),
    "compare": ("EstimatorComparison", "compare_estimators"),
    "coupling": ("expected_coupling",),
    "effect_sizes": ("StandardisedEffect", "hedges_g", "hedges_gz"),
    "missing_data.imputation": ("Imputation", "impute"),
    "missing_data.who_is_missing": ("Missingness", "missingness"),
    "missing_data.rubin": ("Pooled", "pool"),
    "missing_data.selection": ("SelectionWeights", "selection_weights"),
    "missing_data.tipping": ("TippingPoint", "tipping_point"),
    "multiplicity": ("adjust",),
    "permutation": ("PermutationTest", "permutation_test"),
    "randomisation.allocation": ("Allocation",),
    "randomisation.freedman_lane_test": ("FreedmanLane", "freedman_lane"),
    "randomisation.rerandomisation": ("MaxT", "Rerandomisation", "maxt", "rerandomise"),
    "ranks": ("RankTest", "rank_test"),
    "ratio": ("ImprovementRatio", "improvement_ratio"),
    "repeated_measures.clda_fit": ("clda",),
    "repeated_measures.many": ("ManyMmrm", "mmrm_many"),
    "repeated_measures.mmrm_fit": ("mmrm",),
    "repeated_measures.result": ("Mmrm", "emmeans"),
    "gatekeeping": ("GraphicalTest", "graphical"),
    "robust.rank_tests": ("rank_comparison",),
    "robust.regression": ("quantile_regression", "robust_regression"),
    "unitless_effects": ("cliffs_delta", "d_ppc", "standardised_effects"),
    "bounded_scores.scores": ("beta_binomial", "censored_gaussian", "fractional_logit", "proportional_odds"),
    "bounded_scores.responders_test": ("Responders", "responders"),
    "harmonisation.combat": ("Harmonised", "harmonise"),
    "influence.leave_out": ("Influence", "leave_one_out"),
    "specifications.engine": ("multiverse",),
    "specifications.result": ("Multiverse",),
    "association.adjusted_association": ("ChangeAssociation", "change_association"),
    "association.mediated": ("Mediation", "mediation"),
    "design_stage.planning": ("Planning", "assurance", "detectable_effect", "power"),
    "subgroups.by_level": ("SubgroupEffects", "effect_by_subgroup"),
    "subgroups.by_number": ("EffectModification", "effect_modification"),
    "sensitivity_variations.sensitivity_set": ("StandardSensitivity", "standard_sensitivity"),
    "sensitivity_variations.unmeasured_confounding": ("EValue", "e_value"),
    "tidy": ("TIDY_COLUMNS", "Estimate"),
}
"""Where the public names are defined; no module may have the name of a function, which it would hide."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
