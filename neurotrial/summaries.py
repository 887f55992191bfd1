"""What the commands print at their end: main estimates, estimates beside the truth, scans, missing values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from neurotrial.console import show_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from neurotrial.extract.extraction import ScanPlan
    from neurotrial.loading import StudyData
    from neurotrial.results import Results

__all__ = ["show_estimates", "show_missingness", "show_scans", "show_truth"]

SMALL_P = 0.001


def show_truth(folder: Path) -> None:
    """Show the main estimates of a simulated study beside the values that they estimate."""
    from neurotrial.results import read_results
    from neurotrial.simulation.truth import compare_with_truth

    results = read_results(folder)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    table = compare_with_truth(results.tables["estimates"], truth)
    rows = [
        (
            f"{row['analysis']}: {row['outcome']}",
            f"{row['estimate']:.3g}",
            f"{row['std_error']:.2g}",
            f"{row['truth']:.3g}",
            f"{row['monte_carlo_error']:.1g}",
            f"{row['distance']:.1f}",
        )
        for row in _main_effects(table, results).to_dict("records")
    ]
    header = ("analysis", "estimate", "SE", "population value", "its error at most", "distance in SE")
    show_table("Estimates beside the truth", header, rows)


def show_scans(plan: ScanPlan) -> None:
    """Show how many scans of each visit and modality were found."""
    from neurotrial.extract.extraction import scan_summary

    rows = [(what, str(made), str(missing)) for what, made, missing in scan_summary(plan)]
    show_table("Scans by visit", ("visit, modality", "found", "not made"), rows)


def show_missingness(data: StudyData) -> None:
    """Show how many values each outcome has at each visit, by arm."""
    from neurotrial.outcomes import missingness

    rows = [
        (f"{row['outcome']}, {row['visit']}", str(row["arm"]), str(row["n"]), str(row["n_missing"]))
        for row in missingness(data.outcomes).to_dict("records")
    ]
    show_table("Values by outcome and visit", ("outcome, visit", "arm", "present", "missing"), rows)


def show_estimates(results: Results) -> None:
    """Show the main estimate of every analysis and outcome."""
    table = results.tables["estimates"]
    rows = [
        (
            f"{row['analysis']}: {row['outcome']}",
            str(row["contrast"]),
            f"{row['estimate']:.3g}",
            f"{row['conf_low']:.3g} to {row['conf_high']:.3g}",
            "<0.001" if row["p_value"] < SMALL_P else f"{row['p_value']:.3f}",
        )
        for row in _main_effects(table, results).to_dict("records")
    ]
    show_table("Main estimates", ("analysis", "contrast", "estimate", "interval", "p"), rows)


def _main_effects(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Return the rows of the contrasts by the main method of their analysis."""
    main_methods = {analysis["name"]: analysis["main_method"] for analysis in results.study["analyses"]}
    return table[(table["method"] == table["analysis"].map(main_methods)) & (table["term"] == "arm")]
