"""The results store: what the models write and the reports read, and nothing else.

A results folder holds one table for each contract in `RESULT_TABLES` (Parquet, with a TSV copy and a JSON
dictionary), the posteriors of Bayesian fits, and ``provenance.json``, which is written last and carries the hash of
every table and posterior; a folder whose hashes do not fit was not written by one run and is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.errors import InputError, Problem, refuse
from neurotrial.multiverse_tables import MULTIVERSE_TABLES
from neurotrial.paths import file_hash, replacing, writable_folder
from neurotrial.table_checks import check_table
from neurotrial.tables import TABLES, Table, count, number, share, text
from neurotrial.tabular import read_table, write_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "POSTERIOR_FOLDER",
    "RESULTS_FOLDER",
    "RESULT_TABLES",
    "Results",
    "estimate_key",
    "read_results",
    "write_results",
]

RESULTS_FOLDER = "results"
POSTERIOR_FOLDER = "posteriors"
"""Inside the results folder: NetCDF files of draws, each named by what it depends on."""

PROVENANCE = "provenance.json"

_OPTIONAL: Mapping[str, Any] = MappingProxyType({"nullable": True})
_LATER: Mapping[str, Any] = MappingProxyType({"required": False, "nullable": True})
"""Columns that results of earlier versions lack."""

_KEY = text("key", "unique key; prose cites `key#column`")
_ARM = text("arm", "arm as randomised; `all` for every arm together")
_WHERE = (
    text("analysis", "analysis, a name of the study file"),
    text("outcome", "outcome, a name of the study file; `family` for that towards which outcomes are pooled"),
    text("estimand", "estimand, a name of the study file"),
    text("population", "population, a name of the study file"),
    text("method", "estimator"),
)

_ESTIMATES = Table(
    "estimates",
    "one row for each estimate; key = analysis/outcome/population/method/contrast/visit",
    ("key",),
    (
        _KEY,
        *_WHERE,
        text("term", "kind of effect", levels=("arm", "within_arm", "lsmean")),
        text("contrast", "what is compared"),
        text("visit", "visit"),
        text("reference_arm", "arm that the others are compared with"),
        number("estimate", "estimate (Bayesian rows: posterior mean)"),
        number("std_error", "standard error (Bayesian rows: posterior SD)", minimum=0),
        number("df", "degrees of freedom", minimum=0),
        number("statistic", "test statistic"),
        number("conf_low", "lower limit of the interval"),
        number("conf_high", "upper limit of the interval"),
        share("conf_level", "confidence level"),
        text(
            "interval_kind",
            "t, normal, exact_rank, asymptotic_rank, permutation, hdi, eti, ...; none without interval",
        ),
        share("p_value", "two-sided p-value"),
        share("probability_benefit", "posterior probability of benefit"),
        share("probability_mcid", "posterior probability of a benefit beyond the outcome's MCID"),
        share(
            "probability_rope",
            "posterior probability of a difference within the region of practical equivalence",
        ),
        count("n_participants", "participants in the estimate"),
        text("n_per_arm", "participants by arm, as JSON"),
        count("n_observations", "observations in the estimate"),
        text("unit", "unit of the estimate"),
        text("status", "ok, or failed with the reason", levels=("ok", "failed")),
        text("reason", "why it failed, or what should be known", **_OPTIONAL),
        text("spec_hash", "hash of the analysis plan"),
    ),
)

_ADJUSTED = Table(
    "adjusted",
    "p-values adjusted over a declared family",
    ("family", "key"),
    (
        text("family", "family, a name of the study file"),
        text("procedure", "procedure of adjustment"),
        text("key", "key of the estimate"),
        share("p_raw", "p-value before adjustment"),
        share("p_adjusted", "p-value after adjustment"),
    ),
)

_STATEMENTS = Table(
    "statements",
    "sentences that the models make from their own numbers, such as the agreement of several estimators",
    ("key",),
    (
        text("key", "unique key: analysis/outcome/population/kind"),
        text("statement", "the sentence"),
    ),
)

_DESCRIPTIVES = Table(
    "descriptives",
    "summaries by arm: baseline characteristics, outcomes by visit, improvement ratios",
    ("key",),
    (
        _KEY,
        text(
            "section", "what is summarised", levels=("characteristic", "outcome", "change", "ratio", "timing")
        ),
        text("population", "population; `randomised` in the section timing: everybody"),
        text(
            "variable",
            "characteristic or outcome, a name of the study file; in the section timing a column of days",
        ),
        text("visit", "visit; missing for characteristics", **_OPTIONAL),
        text("level", "level of a categorical characteristic, definition of a ratio", **_OPTIONAL),
        _ARM,
        count("n", "participants with a value"),
        count("n_missing", "participants without a value"),
        count("n_undefined", "participants whose ratio is undefined"),
        *(number(name, name) for name in ("mean", "sd", "median", "q1", "q3", "minimum", "maximum")),
        count("count", "participants at the level; visits outside their window (timing)"),
        share("proportion", "their share of those with a value"),
    ),
)

_FLOW = Table(
    "flow",
    "participants at each stage of the trial",
    ("key",),
    (
        _KEY,
        count("order", "order of the stages", nullable=False),
        text(
            "stage",
            "stage: planned, randomised, treated, population:NAME, analysed:ANALYSIS/OUTCOME, lost:TYPE, imaging:scanned "
            "(every visit), imaging:excluded (by decision), imaging:failed (a scan that is not excluded)",
        ),
        text("label", "the stage in words"),
        _ARM,
        count("n", "participants", nullable=False),
    ),
)

_HARMS_SUMMARY = Table(
    "harms_summary",
    "adverse events by term and by arm as treated",
    ("key",),
    (
        _KEY,
        text("term", "term of the event; `any`, `any serious` and `any related` for events of every term"),
        text("arm", "arm as treated"),
        count("n_at_risk", "participants in the arm"),
        count("n_participants", "participants with the event"),
        count("n_events", "events"),
        count("n_serious", "serious events"),
        count("n_related", "events judged related to treatment"),
        number("risk_difference", "share of participants with the event, arm less reference arm", **_LATER),
        number("conf_low", "lower limit of its exact interval, at the level of the plan", **_LATER),
        number("conf_high", "upper limit", **_LATER),
    ),
)

_CONNECTIVITY = Table(
    "connectivity",
    "mean functional connections of the motor network by arm and visit, in the frame of the lesion",
    ("key",),
    (
        _KEY,
        text("population", "population"),
        _ARM,
        text("visit", "visit"),
        text("side_i", "side of the first node", levels=("ipsilesional", "contralesional")),
        text("pair_i", "homotopic pair of the first node"),
        text("side_j", "side of the second node", levels=("ipsilesional", "contralesional")),
        text("pair_j", "homotopic pair of the second node"),
        count("n", "participants with a value"),
        number("mean_z", "mean Fisher z"),
        number("sd_z", "standard deviation of Fisher z", minimum=0),
    ),
)

_INFLUENCE = Table(
    "influence",
    "the main comparison of an analysis without each participant in turn",
    ("key",),
    (
        _KEY,
        *(column for column in _WHERE if column.name != "estimand"),
        text("contrast", "what is compared"),
        text("visit", "visit"),
        text("participant_id", "who was left out"),
        text("arm", "arm of that participant"),
        number("estimate", "estimate without the participant"),
        number("std_error", "its standard error", minimum=0),
        number("conf_low", "lower limit of the interval"),
        number("conf_high", "upper limit of the interval"),
        share("p_value", "two-sided p-value"),
        number("change", "estimate without less estimate with everybody"),
        number("change_in_se", "the same in standard errors of the estimate with everybody"),
        text("turned", "whether significance changes", levels=("yes", "no")),
        text("reason", "why there is no estimate", **_OPTIONAL),
    ),
)

_TIPPING = Table(
    "tipping",
    "the difference between arms with deltas added to the imputed values of both",
    ("key",),
    (
        _KEY,
        *(column for column in _WHERE if column.name != "estimand"),
        text("contrast", "what is compared"),
        text("visit", "visit"),
        number("delta", "added to the imputed values of the compared arm, in the unit of the outcome"),
        number("delta_reference", "added to those of the reference arm"),
        number("estimate", "estimate"),
        number("std_error", "standard error", minimum=0),
        number("conf_low", "lower limit of the interval"),
        number("conf_high", "upper limit of the interval"),
        share("conf_level", "confidence level"),
        share("p_value", "two-sided p-value"),
    ),
)

_SENSITIVITY = Table(
    "sensitivity",
    "the standard sensitivity set: what would change the conclusion of each main comparison",
    ("key",),
    (
        _KEY,
        text("analysis", "analysis, a name of the study file; association for the group confounding"),
        text("outcome", "outcome, a name of the study file"),
        text("population", "population of the row, a name of the study file"),
        text("visit", "visit"),
        text("variation", "name of the variation; main for the main analysis itself"),
        text(
            "group",
            "what is varied",
            levels=(
                "main", "population", "participants", "model", "covariates", "missing", "tipping", "prior", "statistic",
                "lesion", "threshold", "motion", "confounding",
            ),
        ),
        text("description", "what differs from the main analysis, in words"),
        text("method", "estimator"),
        text("contrast", "what is compared"),
        number("delta", "shift of imputed values at which significance changes, in the unit of the outcome"),
        number("estimate", "estimate"),
        number("std_error", "standard error", minimum=0),
        number("conf_low", "lower limit of the interval"),
        number("conf_high", "upper limit of the interval"),
        share("conf_level", "confidence level"),
        share("p_value", "two-sided p-value"),
        text("n_per_arm", "participants by arm, as JSON", **_OPTIONAL),
        number("change_in_se", "change of the estimate in standard errors of the main one; missing in another unit"),
        text(
            "conclusion",
            "what the variation changes; missing where there is no conclusion to change",
            levels=("same", "significance", "direction", "not_estimable"),
            **_OPTIONAL,
        ),
        text(
            "status",
            "ok; repeats: the very numbers of the main analysis; not_applicable, failed: with the reason",
            levels=("ok", "repeats", "not_applicable", "failed"),
        ),
        text("reason", "why there is no estimate, or what should be known", **_OPTIONAL),
        text("unit", "unit of the estimate"),
    ),
)  # fmt: skip

_ASSOCIATIONS = Table(
    "associations",
    "how the changes of two outcomes go together, as the study file asks",
    ("key",),
    (
        _KEY,
        text("association", "association, a name of the study file"),
        text("x", "outcome that explains, a name of the study file"),
        text("y", "outcome that is explained, a name of the study file"),
        text("population", "population, a name of the study file"),
        text("visit", "visit"),
        text("method", "partial_correlation, change_slope, change_slope_difference, mediation_indirect, ..."),
        text("contrast", "what goes with what, or which arms"),
        number("estimate", "estimate"),
        number("std_error", "standard error", minimum=0),
        number("conf_low", "lower limit of the interval"),
        number("conf_high", "upper limit of the interval"),
        share("conf_level", "confidence level"),
        text("interval_kind", "how the interval was made"),
        share("p_value", "two-sided p-value"),
        count("n_participants", "participants"),
        text("n_per_arm", "participants by arm, as JSON"),
        text("unit", "unit of the estimate"),
        text("status", "ok, or failed with the reason", levels=("ok", "failed")),
        text("reason", "why it failed, or what should be known", **_OPTIONAL),
    ),
)

_SUBGROUPS = Table(
    "subgroups",
    "effects by level or along a number from one model with the interaction, as the study file asks",
    ("key",),
    (
        _KEY,
        text("subgroup", "subgroup analysis, a name of the study file"),
        text("outcome", "outcome, a name of the study file"),
        text("population", "population, a name of the study file"),
        text("visit", "visit"),
        text(
            "moderator",
            "column of participants by which the effect may differ; `baseline` is the outcome's own",
        ),
        text("kind", "how it is taken", levels=("categorical", "continuous", "dose")),
        text(
            "method",
            "effect_curve holds the points of a figure; interaction is the test, whose statistic is F",
            levels=(
                "overall_effect",
                "subgroup_effect",
                "subgroup_difference",
                "effect_slope",
                "effect_at",
                "effect_curve",
                "interaction",
            ),
        ),
        text("contrast", "arms that are compared"),
        text("level", "level, or the levels that are compared", **_OPTIONAL),
        number("value", "value of the number, or the step of its slope"),
        number("estimate", "estimate"),
        number("std_error", "standard error", minimum=0),
        number("num_df", "numerator degrees of freedom of the test", minimum=0),
        number("df", "degrees of freedom; of the test, those of the denominator", minimum=0),
        number("statistic", "test statistic"),
        number("conf_low", "lower limit of the interval; pointwise along a number"),
        number("conf_high", "upper limit of the interval"),
        share("conf_level", "confidence level"),
        text("interval_kind", "how the interval was made"),
        share("p_value", "two-sided p-value; effects in levels and along a number are not tested"),
        count("n_participants", "participants"),
        text("n_per_arm", "participants by arm, as JSON"),
        text("unit", "unit of the estimate; F for the test"),
        text("status", "ok, or failed with the reason", levels=("ok", "failed")),
        text("reason", "why it failed, or what should be known", **_OPTIONAL),
    ),
)

_PLANNING = Table(
    "planning",
    "power, detectable effect and assurance of the declared designs, by simulation",
    ("key",),
    (
        _KEY,
        text("plan", "part of `power`, a name of the study file"),
        text("outcome", "outcome, a name of the study file"),
        text("method", "analysis"),
        text("quantity", "what is simulated", levels=("power", "detectable_effect", "assurance")),
        number("estimate", "share of trials, or effect in the unit of the outcome"),
        number("std_error", "Monte Carlo standard error", minimum=0),
        number("conf_low", "lower limit of the Monte Carlo error, 95 %"),
        number("conf_high", "upper limit"),
        count("n_simulations", "simulated trials"),
        text("assumptions", "the design, in words"),
    ),
)

_MISSINGNESS = Table(
    "missingness",
    "outcomes observed and missing by population, visit and arm",
    ("key",),
    (
        _KEY,
        text("outcome", "outcome, a name of the study file"),
        text("population", "population, a name of the study file"),
        text("visit", "visit"),
        _ARM,
        count("n", "participants"),
        count("n_observed", "participants with a value"),
        count("n_missing", "participants without a value"),
        share("proportion_missing", "their share"),
        share("p_value", "Fisher's exact test of the share over two arms; missing for more arms"),
    ),
)

_DIAGNOSTICS = Table(
    "diagnostics",
    "one row for each Bayesian fit and compared arm: the prior of its effect, and what its draws are worth",
    ("key",),
    (
        _KEY,
        *_WHERE,
        text("contrast", "what is compared"),
        text("prior", "set of the prior of the effect", levels=PRIOR_SETS),
        number("prior_mean", "mean of the prior of the effect, in baseline SDs; above 0 is a benefit"),
        number("prior_sd", "SD of the prior of the effect, in baseline SDs", minimum=0),
        number("baseline_sd", "baseline SD pooled over the arms, in the unit of the outcome", minimum=0),
        text("sampler", "nutpie, or PyMC NUTS"),
        count("chains", "chains"),
        count("draws", "kept draws of each chain"),
        share("target_accept", "acceptance rate that the step size aimed at"),
        count("attempts", "how often the fit was tried"),
        number("rhat", "rank-normalised R-hat of the effect", minimum=0),
        number("ess_bulk", "effective draws of the effect, centre", minimum=0),
        number("ess_tail", "effective draws of the effect, tails (0.05 and 0.95)", minimum=0),
        number("mcse_mean", "Monte Carlo error of the posterior mean, in the unit of the outcome", minimum=0),
        number("worst_rhat", "largest R-hat of any parameter", minimum=0),
        number("least_ess", "fewest effective draws of any parameter, centre or tails", minimum=0),
        number("bfmi", "smallest estimated Bayesian fraction of missing information of a chain", minimum=0),
        count("divergences", "divergent transitions"),
        share("deepest", "share of transitions that were cut off at the largest depth of their tree"),
        text("status", "ok, or failed with the reason", levels=("ok", "failed")),
        text("reason", "what was not reached", **_OPTIONAL),
        text(
            "posterior",
            "file of the posterior, in results/posteriors; missing where there is none",
            **_OPTIONAL,
        ),
    ),
)

_EVIDENCE = Table(
    "evidence",
    "the evidence of every Bayesian fit, a row for each number: convergence, leaving participants out, priors, checks",
    ("key",),
    (
        _KEY,
        *_WHERE,
        text("prior", "set of the prior of the effect", levels=PRIOR_SETS),
        text("measure", "what was computed, e.g. `worst R-hat`, `elpd_loo`, `worst Pareto k`"),
        text(
            "about",
            "parameter, number, visit and arm that it is about; missing for the whole fit",
            **_OPTIONAL,
        ),
        number("value", "value"),
        number("limit", "what it is held against; missing where it is told only"),
        text(
            "verdict",
            "fault: the fit is not shown; warning: told with it; info: without limit",
            levels=("ok", "warning", "fault", "info"),
        ),
        text("words", "a fault or a warning as a sentence without full stop", **_OPTIONAL),
    ),
)

_PREDICTIVE = Table(
    "predictive",
    "prior and posterior predictive checks: what the model makes of new participants in the place of those observed",
    ("key",),
    (
        _KEY,
        *_WHERE,
        text("source", "whose draws", levels=("prior", "posterior")),
        text("visit", "visit"),
        _ARM,
        text(
            "statistic",
            "value (of one participant), or mean, sd, minimum, maximum of the arm",
            levels=("value", "mean", "sd", "minimum", "maximum"),
        ),
        count("n", "participants of the arm in the fit"),
        number("observed", "the statistic of those observed; missing for value"),
        number("low", "2.5 % quantile of the replicates"),
        number("q1", "25 % quantile"),
        number("median", "50 % quantile"),
        number("q3", "75 % quantile"),
        number("high", "97.5 % quantile"),
        share("probability", "share of replicates at or above the observed statistic, ties half"),
        share("outside_range", "share of replicated values outside the outcome's declared range"),
    ),
)

RESULT_TABLES: Mapping[str, Table] = MappingProxyType({
    table.name: table
    for table in (
        _ESTIMATES, _ADJUSTED, _STATEMENTS, _DESCRIPTIVES, _FLOW, _HARMS_SUMMARY, _CONNECTIVITY, _DIAGNOSTICS, _EVIDENCE,
        _PREDICTIVE, _INFLUENCE, _TIPPING, _SENSITIVITY, _MISSINGNESS, _ASSOCIATIONS, _SUBGROUPS, _PLANNING, *MULTIVERSE_TABLES, TABLES["outcomes"], TABLES["features"], TABLES["quality"], TABLES["decisions"], TABLES["status"],
    )
})  # fmt: skip
"""The tables of a results folder; those of `TABLES` are copies, from which single participants and scans are shown."""

_EMPTY_ALLOWED = (
    "adjusted", "harms_summary", "connectivity", "diagnostics", "evidence", "predictive", "influence", "tipping", "sensitivity", "associations", "subgroups", "planning", "features", "quality", "decisions",
    "status", *(table.name for table in MULTIVERSE_TABLES),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Results:
    """The results of one fit.

    Attributes
    ----------
    tables : dict of str to DataFrame
        One for each contract in `RESULT_TABLES`.
    study : dict
        The study file as JSON values: labels, units, directions and texts for the reports.
    provenance : dict
        Hashes of study file, plan, tables and code; versions; seeds; decisions such as a fallback that was taken.
    """

    tables: dict[str, pd.DataFrame]
    study: dict[str, Any]
    provenance: dict[str, Any]

    def value(self, citation: str) -> Any:
        """Return the value that a citation ``key#column`` names, from whichever table holds the key.

        Raises
        ------
        InputError
            If no table has the key, several rows have it with that column, or the table lacks the column.
        """
        import pandas as pd

        key, _, column = citation.partition("#")
        found = [
            frame.loc[frame["key"] == key, column]
            for frame in self.tables.values()
            if "key" in frame and column in frame
        ]
        values = pd.concat([part.astype("object") for part in found]) if found else pd.Series(dtype="object")
        if len(values) != 1:
            known = [name for frame in self.tables.values() if "key" in frame for name in frame["key"]]
            raise _no_such_key(citation, key, known) if values.empty else _several(citation)
        return values.iloc[0]


def _several(citation: str) -> InputError:
    remedy = "an estimate in two families has two adjusted p-values: read them from the table `adjusted`"
    return refuse(f"results: {citation}", "several results have this key and column", remedy)


def _no_such_key(citation: str, key: str, known: list[str]) -> InputError:
    import difflib

    close = difflib.get_close_matches(key, known, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else "see the column `key` of results/estimates.tsv"
    return refuse(f"results: {citation}", "no result has this key and column", remedy)


def estimate_key(
    *, analysis: str, outcome: str, population: str, method: str, contrast: str, visit: str
) -> str:
    """Return the key of an estimate.

    Examples
    --------
    >>> estimate_key(analysis="primary", outcome="fma_total", population="itt", method="ancova_hc3",
    ...              contrast="cells - control", visit="day90")
    'primary/fma_total/itt/ancova_hc3/cells-control/day90'
    """
    slug = re.sub(r"\s*([-@])\s*", r"\1", contrast)
    return "/".join((analysis, outcome, population, method, re.sub(r"\s+", "_", slug), visit))


def write_results(folder: Path, results: Results) -> Path:
    """Write a results folder: every table under another name first, provenance last.

    Parameters
    ----------
    folder : Path
        The study folder; results go to ``results/`` in it.
    results : Results
        What to write; every table must keep its contract.

    Returns
    -------
    Path
        The results folder.

    Raises
    ------
    InputError
        If the folder cannot be written or a table breaks its contract; nothing is written then.
    """
    problems = [
        p for name, table in RESULT_TABLES.items() for p in _contract_problems(results.tables[name], table)
    ]
    if problems:
        raise InputError(problems)
    target = writable_folder(folder / RESULTS_FOLDER)
    (target / PROVENANCE).unlink(missing_ok=True)
    paths = [
        path
        for name, table in RESULT_TABLES.items()
        for path in write_table(results.tables[name], target, table)
    ]
    paths += _kept_posteriors(target, results.tables["diagnostics"])
    with replacing(target / PROVENANCE) as temporary:
        content = {
            "study": results.study,
            "files": {path.relative_to(target).as_posix(): file_hash(path) for path in paths},
            **results.provenance,
        }
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def _kept_posteriors(target: Path, diagnostics: pd.DataFrame) -> list[Path]:
    """Return the posteriors that the results rest on, and remove those of earlier fits."""
    kept = set(diagnostics["posterior"].dropna())
    for path in (target / POSTERIOR_FOLDER).glob("*.nc"):
        if path.name not in kept:
            path.unlink()
    return [target / POSTERIOR_FOLDER / name for name in sorted(kept)]


def read_results(folder: Path) -> Results:
    """Read the results of a study folder.

    Parameters
    ----------
    folder : Path
        The study folder.

    Returns
    -------
    Results
        Tables, study file and provenance of one run.

    Raises
    ------
    InputError
        If there are none, or the files are not those that the provenance names.
    """
    target = folder / RESULTS_FOLDER
    if not (target / PROVENANCE).is_file():
        raise refuse(str(target), "there are no results", "run `neurotrial fit` first")
    provenance = json.loads((target / PROVENANCE).read_text(encoding="utf-8"))
    changed = [name for name, digest in provenance["files"].items() if _digest(target / name) != digest]
    if changed:
        rule = "the files are not those that the fit wrote"
        raise refuse(RESULTS_FOLDER, rule, "run `neurotrial fit` again; do not edit results", changed)
    tables = {
        name: read_table(target / f"{name}.parquet", name).reset_index(drop=True) for name in RESULT_TABLES
    }
    return Results(tables, provenance.pop("study"), provenance)


def _contract_problems(frame: pd.DataFrame, table: Table) -> list[Problem]:
    problems = check_table(frame, table, f"{RESULTS_FOLDER}/{table.name}")[1]
    if frame.empty and table.name in _EMPTY_ALLOWED and set(frame.columns) >= {c.name for c in table.columns}:
        return []
    return [problem for problem in problems if problem.severity == "error"]


def _digest(path: Path) -> str:
    return file_hash(path) if path.is_file() else "missing"
