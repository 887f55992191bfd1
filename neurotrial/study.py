"""The study file: the pre-specified analysis plan of a trial, as strict, immutable objects.

`neurotrial.study_file.read_study` makes a `Study` from ``study.yaml``; what the parts must have to do with each
other (a visit that an estimand names is declared, and so on) is checked in `neurotrial.study_rules`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from neurotrial.bayes_plan import BayesPlan
from neurotrial.harmonisation_plan import HarmonisationPlan
from neurotrial.imaging_plan import ImagingPlan
from neurotrial.method_names import METHODS, Method
from neurotrial.multiverse_plan import MultiversePlan
from neurotrial.study_part import Name, Part, Text
from neurotrial.subgroup_plan import SubgroupPlan

__all__ = [
    "FORMATS",
    "METHODS",
    "Allocation",
    "Analysis",
    "Arm",
    "Association",
    "Characteristic",
    "Deviation",
    "Estimand",
    "Family",
    "Graph",
    "IntercurrentEvent",
    "Mcid",
    "Outcome",
    "Population",
    "PowerPlan",
    "ReportChoices",
    "Source",
    "Study",
    "StudyInfo",
    "Visit",
    "VisitRules",
]

PlannedMethod = Literal["ancova_ols", "ancova_hc3", "change_welch", "follow_up_welch"]
Format = Literal["html", "docx", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
Strategy = Literal["treatment_policy", "hypothetical", "while_on_treatment", "composite", "principal_stratum"]


class StudyInfo(Part):
    """What the trial is: words for the reports, no numbers.

    Attributes
    ----------
    simulated : bool
        Whether the data are simulated; every page and figure says so.
    mock : bool
        Whether the arms are dummies, as `neurotrial.mock_study` draws them; every page and figure says so.
    """

    title: Text
    registration: Text | None = None
    design: Text | None = None
    setting: Text | None = None
    eligibility: Text | None = None
    intervention: Text | None = None
    comparator: Text | None = None
    ethics: Text | None = None
    funding: Text | None = None
    conflicts: Text | None = None
    data_sharing: Text | None = None
    simulated: bool = False
    mock: bool = False


class Arm(Part):
    """An arm; exactly one of them is the reference."""

    name: Name
    label: Text
    reference: bool = False


class Allocation(Part):
    """How participants were allocated: ratio by arm, scheme, and how many were planned."""

    ratio: dict[Name, Annotated[int, Field(ge=1, le=20)]]
    scheme: Literal["permuted_blocks", "complete", "simple", "unknown"] = "unknown"
    block_sizes: list[Annotated[int, Field(ge=2, le=200)]] = Field(default_factory=list)
    strata: list[Name] = Field(default_factory=list)
    planned: Annotated[int, Field(ge=2)] | None = None


class Visit(Part):
    """A visit, its target day and its window, both in days since randomisation."""

    name: Name
    label: Text
    day: float
    window: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    baseline: bool = False


class VisitRules(Part):
    """What is done with a visit outside its window, and with two visits of one participant in one window."""

    outside_window: Literal["keep", "exclude"] = "keep"
    repeated: Literal["refuse", "closest", "first", "last"] = "refuse"


class Population(Part):
    """An analysis population; ``flag`` is the true/false column of `participants` that defines it."""

    name: Name
    label: Text
    flag: Name | None = None
    description: Text | None = None


class Characteristic(Part):
    """A row of the baseline table: a column of `participants`."""

    name: Name
    label: Text
    kind: Literal["continuous", "categorical"]
    summary: Literal["mean_sd", "median_iqr"] = "mean_sd"
    unit: Text | None = None
    digits: Annotated[int, Field(ge=0, le=4)] = 1


class Mcid(Part):
    """The minimal clinically important difference, in the unit of the outcome, and who says so."""

    value: Annotated[float, Field(gt=0)]
    source: Text


class Source(Part):
    """Where an outcome's values stand: the rows of a table in which each column of ``where`` has that value."""

    table: Literal["motor", "features"]
    where: dict[Name, str | float | int]


class Outcome(Part):
    """An outcome with its unit, range and direction; ``digits`` is how many decimals the reports show."""

    name: Name
    label: Text
    unit: Text
    direction: Literal["higher_is_better", "lower_is_better"]
    source: Source
    range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    mcid: Mcid | None = None
    missing_baseline: Literal["refuse", "exclude"] = "refuse"
    digits: Annotated[int, Field(ge=0, le=5)] = 1


class IntercurrentEvent(Part):
    """An intercurrent event and the strategy by which the estimand deals with it (ICH E9(R1))."""

    event: Text
    strategy: Strategy
    note: Text | None = None


class Estimand(Part):
    """An estimand with its five attributes: population, treatment, variable (outcomes at a visit), events, summary."""

    name: Name
    label: Text
    population: Name
    treatment: Text
    outcomes: Annotated[list[Name], Field(min_length=1)]
    visit: Name
    variable: Text
    intercurrent_events: list[IntercurrentEvent]
    summary: Text


class Analysis(Part):
    """An analysis of an estimand: its methods, the one that is reported first, and the covariates beside baseline.

    Attributes
    ----------
    selection_predictors : list of str
        Columns of `participants`, or terms of them, by which being observed is modelled (method selection_weights).
    imputation_events : list of str
        Types of the table `events` from which on a reference-based assumption holds (methods impute_j2r, ...); without
        them, outcomes missing to the last visit count as affected.
    sensitivity : list of str
        What is drawn beside the estimates: the main comparison without each participant, tipping points of imputation.
    """

    name: Name
    label: Text
    estimand: Name
    role: Literal["primary", "secondary", "sensitivity", "exploratory"]
    methods: Annotated[list[Method], Field(min_length=1)]
    main_method: str = "ancova_hc3"
    requested_method: str | None = None
    covariates: list[Text] = Field(default_factory=list)
    population: Name | None = None
    selection_predictors: list[Text] = Field(default_factory=list)
    imputation_events: list[Name] = Field(default_factory=list)
    sensitivity: list[Literal["leave_one_out", "tipping_point"]] = Field(default_factory=list)


class Graph(Part):
    """A graphical procedure: weights of the outcomes, and what a rejected one passes to each other."""

    weights: dict[Name, Annotated[float, Field(ge=0, le=1)]]
    transitions: dict[Name, dict[Name, Annotated[float, Field(ge=0, le=1)]]]


class Family(Part):
    """Analyses whose p-values are adjusted together; one p-value an outcome, from ``method``.

    A fixed sequence tests the outcomes in the order of the analyses and their estimands; step-down maxT
    (``procedure: maxt``) goes with ``method: rerandomisation``; ``procedure: graphical`` needs ``graph``.
    """

    name: Name
    label: Text
    analyses: Annotated[list[Name], Field(min_length=1)]
    procedure: Literal["holm", "hommel", "bh", "by", "fixed_sequence", "graphical", "maxt"] = "holm"
    method: str = "ancova_hc3"
    graph: Graph | None = None


class Association(Part):
    """How the change of one outcome goes along with the change of another, adjusted for arm and both baselines.

    ``mediation: true`` adds an exploratory split of the arms' difference in `y` by what goes along with `x`; ``bayes:
    true`` the joint posterior of both outcomes at both visits.
    """

    name: Name
    label: Text
    x: Name
    y: Name
    visit: Name
    population: Name
    covariates: list[Text] = Field(default_factory=list)
    mediation: bool = False
    bayes: bool = False


class EffectPrior(Part):
    """What is believed of an effect before the trial: a normal distribution, in the unit of the outcome."""

    mean: float
    sd: Annotated[float, Field(ge=0)]


class PowerPlan(Part):
    """What the size of the trial is worth for an outcome: assumptions, in its unit, for simulated trials."""

    name: Name
    label: Text
    outcome: Name
    n_per_arm: dict[Name, Annotated[int, Field(ge=2)]]
    effect: float
    sd: Annotated[float, Field(gt=0)]
    correlation: Annotated[float, Field(gt=-1, lt=1)] = 0.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    sd_ratio: Annotated[float, Field(gt=0)] = 1.0
    methods: Annotated[list[PlannedMethod], Field(min_length=1)]
    target: Annotated[float, Field(gt=0, lt=1)] = 0.8
    prior: EffectPrior | None = None


class Deviation(Part):
    """Why the plan is no longer the registered one; changes no estimate and is therefore not part of the hash.

    Attributes
    ----------
    what : str
        Path of the difference, e.g. ``analyses.primary.main_method``, or of a part that holds it.
    reason : str
        For readers.
    date : str or None
        When it was decided, year-month-day.
    before_unblinding : bool or None
        Whether nobody who decided it had seen outcomes by arm; None where that is not known.
    """

    what: Text
    reason: Text
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    before_unblinding: bool | None = None


class ReportChoices(Part):
    """What the reports look like; changes no estimate and is therefore not part of the hash.

    Attributes
    ----------
    journal : str or None
        What `neurotrial preflight` holds the manuscript against: the name of a profile that ships, or a profile of
        your own, as a path to a ``.yaml`` file in the study folder.
    names_in_capitals : list of str
        Names such as FSL that stand for nothing to be spelled out.
    """

    formats: Annotated[list[Format], Field(min_length=1)] = Field(
        default_factory=lambda: list(get_args(Format))
    )
    journal: Text | None = None
    names_in_capitals: list[Text] = Field(default_factory=list)


class Study(Part):
    """The whole plan.

    Attributes
    ----------
    version : int
        Version of the study file's own grammar; 1 is the only one.
    imaging : ImagingPlan or None
        How images become tables; None for a study whose imaging measures, if any, come as tables.
    harmonisation : HarmonisationPlan or None
        Harmonisation of imaging outcomes between sites or scanners; None for none.
    bayes : BayesPlan or None
        Priors and sampler; None for a study without Bayesian methods.
    multiverse : MultiversePlan or None
        Decisions that the effect is analysed under, all combinations of them; None for none.
    conf_level : float
        Confidence level of every interval, in (0.5, 1).
    seed : int
        Root of every random stream; each analysis spawns its own from it.
    n_resamples : int
        Monte Carlo size of the permutation tests, 999 or more.
    tables : dict of str to str
        Paths of tables that do not stand at ``tables/NAME.parquet``, ``.tsv`` or ``.csv``, inside the study folder.
    allowed_columns : list of str
        Columns that look like direct identifiers and are kept all the same.
    """

    version: Literal[1]
    study: StudyInfo
    arms: Annotated[list[Arm], Field(min_length=2)]
    allocation: Allocation
    visits: Annotated[list[Visit], Field(min_length=2)]
    visit_rules: VisitRules = Field(default_factory=VisitRules)
    populations: Annotated[list[Population], Field(min_length=1)]
    characteristics: list[Characteristic] = Field(default_factory=list)
    outcomes: Annotated[list[Outcome], Field(min_length=1)]
    estimands: Annotated[list[Estimand], Field(min_length=1)]
    analyses: Annotated[list[Analysis], Field(min_length=1)]
    families: list[Family] = Field(default_factory=list)
    associations: list[Association] = Field(default_factory=list)
    subgroups: list[SubgroupPlan] = Field(default_factory=list)
    power: list[PowerPlan] = Field(default_factory=list)
    imaging: ImagingPlan | None = None
    harmonisation: HarmonisationPlan | None = None
    bayes: BayesPlan | None = None
    multiverse: MultiversePlan | None = None
    conf_level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    seed: Annotated[int, Field(ge=0)] = 1
    n_resamples: Annotated[int, Field(ge=999, le=10_000_000)] = 10_000
    tables: dict[Name, Text] = Field(default_factory=dict)
    allowed_columns: list[str] = Field(default_factory=list)
    deviations: list[Deviation] = Field(default_factory=list)
    report: ReportChoices = Field(default_factory=ReportChoices)

    @property
    def spec_hash(self) -> str:
        """BLAKE2b of everything in the plan that can change a number: all but words for and choices of the report."""
        return hash_json(
            self.model_dump(mode="json", exclude={"study": True, "report": True, "deviations": True})
        )

    @property
    def reference_arm(self) -> Arm:
        """The arm that the others are compared with."""
        return next(arm for arm in self.arms if arm.reference)

    @property
    def baseline_visit(self) -> Visit:
        """The visit before treatment."""
        return next(visit for visit in self.visits if visit.baseline)

    def outcome(self, name: str) -> Outcome:
        """Return the outcome of that name."""
        return next(outcome for outcome in self.outcomes if outcome.name == name)

    def estimand_of(self, analysis: Analysis) -> Estimand:
        """Return the estimand that an analysis names."""
        return next(estimand for estimand in self.estimands if estimand.name == analysis.estimand)

    def population_of(self, analysis: Analysis) -> Population:
        """Return the population of an analysis: its own where it names one, else its estimand's."""
        name = analysis.population or self.estimand_of(analysis).population
        return next(population for population in self.populations if population.name == name)


def hash_json(value: Any) -> str:
    """Return the BLAKE2b digest (32 hex digits) of a value's canonical JSON text."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
