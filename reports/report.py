"""What the cells of a document call: one report, opened once, each cell a line or two."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.errors import refuse
from neurotrial.method_names import scale_of
from neurotrial.reports import (
    own_work,
    sections,
    sections_bayes,
    sections_imaging,
    sections_sensitivity,
    sections_subgroups,
)
from neurotrial.reports.checklists.shown import checklist_section
from neurotrial.reports.cited import CitedResults, DerivedValue, derived
from neurotrial.reports.effects import RATIO_DIGITS
from neurotrial.reports.first_use import FirstUse, spelling_out
from neurotrial.reports.floats import table_float
from neurotrial.reports.markdown_text import Markdown, paragraphs
from neurotrial.reports.multiverse.section import multiverse_methods, multiverse_section
from neurotrial.reports.number_format import is_missing, number, p_value, percent, whole
from neurotrial.reports.prose import abstract as prose_abstract
from neurotrial.reports.prose import limits as prose_limits
from neurotrial.reports.prose import methods as prose_methods
from neurotrial.reports.prose.bayes_methods import bayes_methods_text
from neurotrial.reports.prose.registration import (
    deviations_section,
    register_section,
    registration_text,
)
from neurotrial.reports.prose.subgroup_methods import subgroup_methods_text
from neurotrial.reports.prose.timing import timing_text
from neurotrial.reports.tables.plan import estimand_table
from neurotrial.reports.tables.record import record_table
from neurotrial.results import read_results
from neurotrial.study_file import STUDY_FILE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["STUDY_VARIABLE", "Report", "open_report"]

STUDY_VARIABLE = "NEUROTRIAL_STUDY_DIR"
"""Environment variable that names the study folder where the document does not stand inside it."""


def open_report(folder: str | Path | None = None) -> Report:
    """Open the results of the study that a document belongs to.

    Parameters
    ----------
    folder : str or Path, optional
        The study folder; by default the one that `STUDY_VARIABLE` names, else the nearest folder with a study file
        from the working directory upwards.

    Returns
    -------
    Report
        Nothing is cited yet.

    Raises
    ------
    InputError
        If there is no study folder or it has no results.
    """
    place = _study_folder(folder)
    return Report(CitedResults.of(read_results(place)), place)


def _study_folder(folder: str | Path | None) -> Path:
    named = folder or os.environ.get(STUDY_VARIABLE)
    if named:
        return Path(named)
    here = Path.cwd()
    for place in (here, *here.parents):
        if (place / STUDY_FILE).is_file():
            return place
    raise refuse(
        str(here), f"neither this folder nor one above it holds {STUDY_FILE}", f"set {STUDY_VARIABLE}"
    )


@spelling_out
@dataclass(frozen=True, slots=True)
class Report:
    """The report of a study, as its documents' cells use it.

    Attributes
    ----------
    data : CitedResults
        Results, study file and the record of what was cited.
    folder : Path or None
        The study folder, for pictures of scans; None where there is none at hand.
    in_abstract, in_text : FirstUse
        Which abbreviations the abstract and the text have spelled out so far.

    Notes
    -----
    Methods return `Markdown`, which renderers insert as it stands, or None, which prints nothing: cells that call
    them are ``output: asis``. `value` and `effect` return plain words for ``{python} ...`` in a sentence.
    """

    data: CitedResults
    folder: Path | None = None
    in_abstract: FirstUse = field(default_factory=FirstUse, repr=False, compare=False)
    in_text: FirstUse = field(default_factory=FirstUse, repr=False, compare=False)

    @property
    def citations(self) -> tuple[str, ...]:
        """Every ``key#column`` that the document has read so far, each once."""
        return self.data.citations

    def value(self, citation: str, digits: int | None = None) -> str:
        """Return a value of the results store as a journal prints it.

        Parameters
        ----------
        citation : str
            ``key#column``.
        digits : int, optional
            Decimals; by default those of the outcome or characteristic that the key belongs to. Counts, p-values and
            proportions have their own.

        Returns
        -------
        str

        Raises
        ------
        InputError
            If no result has this key and column.
        """
        value = self.data.cite(citation)
        key, _, column = citation.partition("#")
        if isinstance(value, str):
            return value
        if column.startswith("p_"):
            return p_value(value)
        if column == "proportion":
            return percent(value)
        if _is_count(value):
            return whole(value)
        return number(value, self._digits(key) if digits is None else digits)

    def effect(self, key: str) -> str:
        """Return an estimate with interval and p-value, e.g. "8.1 points (95 % CI 2.3 to 13.9; p = 0.007)".

        Raises
        ------
        InputError
            If no estimate has this key.
        """
        return self.data.effect(key).text

    def derived(self, what: str, value: DerivedValue) -> DerivedValue:
        """Return a value that the document computed, after telling the audit what it is: ``report.derived("ratio", a / b)``, in the cell that shows it."""
        return derived(what, value)

    def table(self, name: str) -> pd.DataFrame:
        """Return a copy of a table of the results store, e.g. ``estimates``; see `table_of_results`."""
        return own_work.table_of_results(self.data, name)

    def patients(self, outcome: str, population: str | None = None) -> pd.DataFrame:
        """Return baseline, follow-up and change of an outcome, one row a participant; see `patients_of`."""
        return own_work.patients_of(self.data, outcome, population)

    def own_table(
        self,
        name: str,
        frame: pd.DataFrame,
        labels: Mapping[str, str],
        caption: str,
        *,
        digits: Mapping[str, int] | None = None,
        notes: Iterable[str] = (),
    ) -> Markdown:
        """Return a table of your own, ``tbl-NAME``, in the style of the report; parameters as `own_work.own_table`."""
        return own_work.own_table(self.data, name, frame, labels, caption, digits=digits, notes=notes)

    def own_figure(self, name: str, figure: Figure, caption: str, alt: str) -> Markdown:
        """Return a figure of your own, ``fig-NAME``, at 300 dpi; parameters as `own_work.own_figure`."""
        return own_work.own_figure(self.data, name, figure, caption, alt)

    def _digits(self, key: str) -> int:
        """Return the decimals of the outcome or characteristic that a key names, 2 where it names neither."""
        parts = key.split("/")
        if parts[0] == "ratio":
            return RATIO_DIGITS
        row = self.data.row("estimates", key)
        if row is not None and scale_of(row.values["method"]).unit:  # noqa: PD011  no DataFrame
            return RATIO_DIGITS
        study = self.data.study
        known = {outcome.name: outcome.digits for outcome in study.outcomes}
        known |= {item.name: item.digits for item in study.characteristics}
        return next((known[part] for part in parts if part in known), RATIO_DIGITS)

    def abstract_methods(self) -> Markdown:
        """Return the methods of the abstract."""
        return prose_abstract.abstract_methods(self.data)

    def abstract_results(self) -> Markdown:
        """Return the results of the abstract."""
        return prose_abstract.abstract_results(self.data)

    def design(self) -> Markdown:
        """Return design, setting, interventions and allocation."""
        return prose_methods.design_text(self.data)

    def visits_and_outcomes(self) -> Markdown:
        """Return visits, outcomes and the table of estimands."""
        return paragraphs(
            prose_methods.visits_text(self.data),
            "The outcomes are:",
            prose_methods.outcomes_text(self.data),
            "The estimands are defined in @tbl-estimands.",
            table_float(estimand_table(self.data)),
        )

    def imaging_methods(self) -> Markdown | None:
        """Return the section on how images became measures."""
        return sections_imaging.imaging_methods_section(self.data)

    def statistical_methods(self) -> Markdown:
        """Return analyses, estimators, multiplicity and software."""
        return paragraphs(
            prose_methods.analysis_text(self.data),
            prose_methods.harmonisation_text(self.data),
            prose_methods.estimator_text(self.data),
            bayes_methods_text(self.data),
            subgroup_methods_text(self.data),
            prose_methods.multiplicity_text(self.data),
            multiverse_methods(self.data),
            registration_text(self.data),
            prose_methods.software_text(self.data),
        )

    def flow(self) -> Markdown:
        """Return the flow of participants and what is missing."""
        return sections.flow_section(self.data)

    def timing(self) -> Markdown:
        """Return the days of stages and visits and the visits outside their window, marked where the study holds none."""
        return timing_text(self.data)

    def baseline(self) -> Markdown | None:
        """Return the section of Table 1."""
        return sections.baseline_section(self.data)

    def primary(self) -> Markdown:
        """Return the primary result with table and figures."""
        return sections.primary_section(self.data)

    def estimators(self) -> Markdown | None:
        """Return the section that sets requested and baseline-adjusted analysis side by side."""
        return sections.estimators_section(self.data)

    def other_analyses(self) -> Markdown | None:
        """Return the sections of all analyses but the primary one."""
        return sections.other_analyses(self.data)

    def imaging(self) -> Markdown | None:
        """Return the results of images: analyses with tables and figures, the network, FA by side, missing scans."""
        return sections_imaging.imaging_section(self.data)

    def families(self) -> Markdown | None:
        """Return the section of p-values that are adjusted together."""
        return sections.families_section(self.data)

    def forest(self) -> Markdown | None:
        """Return the section with the forest plot of all outcomes."""
        return sections.forest_section(self.data)

    def bayes(self) -> Markdown | None:
        """Return the section of posteriors beside the frequentist results."""
        return sections_bayes.bayes_section(self.data)

    def within_arms(self) -> Markdown | None:
        """Return the section of changes within the arms."""
        return sections.within_arms_section(self.data)

    def harms(self) -> Markdown | None:
        """Return the section of adverse events."""
        return sections.harms_section(self.data)

    def limitations(self) -> Markdown:
        """Return the limitations that plan and data make certain."""
        return prose_limits.limitations_text(self.data)

    def statements(self) -> Markdown:
        """Return registration, ethics, data, funding and conflicts."""
        return prose_limits.statements_text(self.data)

    def record(self) -> Markdown:
        """Return versions, seed, hashes and renderer."""
        return paragraphs("What the numbers rest on is in @tbl-record.", table_float(record_table(self.data)))

    def sap_register(self) -> Markdown:
        """Return when which analysis plan was registered; that none was, if so."""
        return register_section(self.data)

    def deviations(self) -> Markdown | None:
        """Return planned against executed analyses, with reasons; None where there is nothing to compare."""
        return deviations_section(self.data)

    def checklist(self, name: str) -> Markdown:
        """Return a reporting checklist, filled from the anchors of the manuscript.

        Parameters
        ----------
        name : {"consort2025", "cobidas"}
            Which one.

        Raises
        ------
        InputError
            If there is no such checklist, or the anchors are missing or older than the manuscript or the results.
        """
        return checklist_section(self.data, self.folder, name)

    def bayes_priors(self) -> Markdown:
        """Return models and priors of the Bayesian analyses; that there are none, if so."""
        return sections_bayes.priors_section(self.data)

    def bayes_posteriors(self) -> Markdown | None:
        """Return the posteriors under every prior, analysis by analysis."""
        return sections_bayes.every_prior_section(self.data)

    def bayes_evidence(self) -> Markdown | None:
        """Return the evidence of every fit, one table an analysis, and what the kept draws of the primary one show."""
        return sections_bayes.evidence_section(self.data, self.folder)

    def bayes_diagnostics(self) -> Markdown | None:
        """Return what the draws of every fit are worth, failed ones too."""
        return sections_bayes.diagnostics_section(self.data)

    def bayes_predictive(self) -> Markdown | None:
        """Return prior and posterior predictive checks."""
        return sections_bayes.predictive_section(self.data)

    def missing_outcomes(self) -> Markdown:
        """Return the table of missing outcomes; that nobody misses any, if so."""
        return sections_sensitivity.missing_section(self.data)

    def every_estimator(self) -> Markdown | None:
        """Return the estimators of all analyses but the primary one side by side; None without several."""
        return sections_sensitivity.every_estimator_section(self.data)

    def sensitivity(self) -> Markdown | None:
        """Return tipping points and influence of single participants, as the study file asks for them."""
        return sections_sensitivity.sensitivity_section(self.data)

    def multiverse(self) -> Markdown | None:
        """Return the specification curve with joint tests and shares of variance; None if no multiverse was declared."""
        return multiverse_section(self.data)

    def what_would_change(self) -> Markdown | None:
        """Return the standard sensitivity set: what would change the conclusion; that it was not computed, if so."""
        return sections_sensitivity.what_would_change_section(self.data)

    def associations(self) -> Markdown | None:
        """Return how changes go together; None if no association was declared."""
        return sections_sensitivity.associations_section(self.data)

    def subgroups(self) -> Markdown | None:
        """Return whether effects differ between participants, with table and figures; None if nobody asked."""
        return sections_subgroups.subgroups_section(self.data)

    def subgroups_summary(self) -> Markdown | None:
        """Return the same in sentences, for the manuscript; None if nobody asked."""
        return sections_subgroups.subgroups_summary(self.data)

    def planning(self) -> Markdown | None:
        """Return the power of declared designs; None if none was declared."""
        return sections_sensitivity.planning_section(self.data)

    def scan_counts(self) -> Markdown:
        """Return how many scans there are and what became of them, by modality and visit; that there are none, if so."""
        return sections_imaging.scan_counts_section(self.data)

    def scan_quality(self) -> Markdown | None:
        """Return the section with the figure of quality measures and their limits."""
        return sections_imaging.scan_quality_section(self.data)

    def scan_tables(self) -> Markdown | None:
        """Return the section that lists every scan, one table a modality."""
        return sections_imaging.scan_tables_section(self.data)

    def scan_gaps(self) -> Markdown | None:
        """Return the section of scans that are missing or could not be measured, with reasons."""
        return sections_imaging.scan_gaps_section(self.data)

    def scan_pictures(self) -> Markdown | None:
        """Return the section with pictures of excluded, failed and flagged scans and of two unremarkable ones."""
        return sections_imaging.scan_pictures_section(self.data, self.folder)


def _is_count(value: Any) -> bool:
    """Tell whether a value is a whole number of a count column, which has no decimals."""
    import numbers

    return isinstance(value, numbers.Integral) and not is_missing(value)
