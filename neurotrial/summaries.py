"""What the commands print at their end: main estimates, estimates beside the truth, scans, missing values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from neurotrial.console import console, show_table, show_texts
from neurotrial.errors import ROWS_SHOWN
from neurotrial.paths import write_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from neurotrial.extract.extraction import ScanPlan
    from neurotrial.loading import StudyData
    from neurotrial.reports.audit.record import Audit
    from neurotrial.reports.preflight.run import Preflight
    from neurotrial.reports.verification.verify import Verification
    from neurotrial.results import Results

__all__ = [
    "show_atlas",
    "show_atlases",
    "show_audit",
    "show_estimates",
    "show_missingness",
    "show_preflight",
    "show_profiles",
    "show_references",
    "show_sampled_posteriors",
    "show_scans",
    "show_truth",
    "show_verification",
]

SMALL_P = 0.001
_MOST_SHOWN = 20
"""Lines of an audit that the screen shows; the rest is in its lists."""


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
    """Show what was found of every scan and what is missing, and how many scans of each visit there are."""
    from neurotrial.extract.bids.inventory import scan_inventory

    inventory = scan_inventory(plan.scans)
    for modality, scans in inventory.groupby("modality", sort=False):
        _show_inventory(str(modality), scans)
    _show_scan_counts(inventory)


def _show_inventory(modality: str, scans: pd.DataFrame) -> None:
    """Show one row for each scan: a tick where files are there, a dash where files are not there and not needed."""
    from neurotrial.extract.bids.inventory import GROUPS, HERE

    encoding = console().encoding.lower()
    tick = "\N{CHECK MARK}" if encoding.startswith("utf") else "+"
    groups = list(GROUPS[modality])  # type: ignore[index]
    rows = [
        (_scan_words(row), *(_cell(row, name, {HERE: tick}) for name in groups), _said(row["reason"]))
        for row in scans.to_dict("records")
    ]
    show_table(f"Files of {modality} scans", ("participant, visit", *groups, "note"), rows)


def _cell(row: Mapping[Hashable, Any], name: str, signs: Mapping[str, str]) -> str:
    quiet = row["complete"] or not isinstance(row["preprocessing"], str)
    return signs.get(row[name], "-" if quiet and row[name] == "no" else row[name])


def _scan_words(row: Mapping[Hashable, Any]) -> str:
    import pandas as pd

    run = "" if pd.isna(row["run"]) else f", run {row['run']}"
    return f"{row['participant_id']}, {row['visit']}{run}"


def _said(value: Any) -> str:
    from neurotrial.extract.bids.scans import NOT_MADE

    if value == NOT_MADE:
        return "not made"
    return value if isinstance(value, str) else ""


def _show_scan_counts(inventory: pd.DataFrame) -> None:
    """Show how many scans of each visit and modality were found, and of how many nothing is missing."""
    made = inventory.assign(found=inventory["preprocessing"].notna())
    counts = made.groupby(["visit", "modality"], sort=False)[["found", "complete"]].sum()
    sizes = made.groupby(["visit", "modality"], sort=False).size()
    rows = [
        (f"{visit}, {modality}", str(found), str(complete), str(sizes[visit, modality] - found))
        for (visit, modality), found, complete in counts.itertuples()
    ]
    show_table("Scans by visit", ("visit, modality", "found", "complete", "not made"), rows)


def show_atlases() -> None:
    """Show which known atlases this machine has, and where."""
    from neurotrial.extract.atlases.places import find_atlases

    found = find_atlases().astype("object")
    rows = [
        (_said(row["name"]), row["place"], row["state"], _said(row["detail"]), _said(row["path"]))
        for row in found.to_dict("records")
    ]
    show_table("Atlases", ("name", "place", "state", "", "file"), rows)


def show_atlas(atlas: str, labels: Path | None, *, repair: bool) -> None:
    """Read an atlas, and show its regions with their centres; a mirrored one is refused."""
    from neurotrial.extract.atlases.loading import read_atlas
    from neurotrial.extract.atlases.side_check import centroids

    found = read_atlas(atlas, labels=labels, repair=repair)
    rows = [
        (region, hemisphere, *(f"{value:.1f}" for value in centre))
        for (region, hemisphere), centre in centroids(found).items()
    ]
    show_table(
        f"{found.name}, space {found.space or 'not stated'}",
        ("region", "hemisphere", "x, mm", "y", "z"),
        rows,
    )
    console().print(f"sha256 {found.digest}; licence: {found.licence}", markup=False)
    if found.repaired:
        console().print(f"repaired: {found.repaired}", markup=False)


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
            _strength(row),
        )
        for row in _main_effects(table, results).to_dict("records")
    ]
    show_table("Main estimates", ("analysis", "contrast", "estimate", "interval", "p or P(benefit)"), rows)
    failed = table[table["status"] == "failed"]
    for row in failed.to_dict("records"):
        console(stderr=True).print(f"failed: {row['key']}: {row['reason']}", style="bold red", markup=False)


def _strength(row: Mapping[Hashable, Any]) -> str:
    """Return the p-value, or the posterior probability of benefit where there is one instead."""
    if row["probability_benefit"] == row["probability_benefit"]:  # missing is not equal to itself
        return f"P {row['probability_benefit']:.3f}"
    return "<0.001" if row["p_value"] < SMALL_P else f"{row['p_value']:.3f}"


def show_references(numbers: Path | None = None) -> int:
    """Compute the numbers of the references again, show how far they agree, and return how many do not.

    Parameters
    ----------
    numbers : Path, optional
        Where to write every number beside its reference, as a table with tabs.
    """
    from neurotrial.models.verify import verify

    with console(stderr=True).status("computing the numbers of the references again"):
        table = verify()
    if numbers is not None:
        write_text(numbers, table.to_csv(sep="\t", index=False))
    rows = [
        (
            f"{case}: {method}",
            str(len(own)),
            f"{own['relative_difference'].max():.1e}",
            f"{own['tolerance'].max():.0e}",
            str(int((~own["ok"]).sum())),
        )
        for (case, method), own in table.groupby(["case", "method"], sort=False)
    ]
    header = ("reference", "numbers", "largest relative difference", "widest tolerance", "outside tolerance")
    show_table("Agreement with the references", header, rows)
    failed = int((~table["ok"]).sum())
    for row in table[~table["ok"]].head(ROWS_SHOWN).to_dict("records"):
        where = (
            f"{row['case']}: {row['model']}, {row['method']}, {row['term_or_contrast']}, {row['quantity']}"
        )
        line = f"{where}: reference {row['reference']:.15g}, ours {row['ours']:.15g}"
        console(stderr=True).print(line, style="bold red", markup=False)
    console().print(f"{len(table)} numbers compared, {failed} outside their tolerance")
    if numbers is not None:
        console().print(f"Every number: {numbers}", markup=False)
    return failed


def show_sampled_posteriors() -> int:
    """Sample posteriors that are known exactly, show how far they agree, and return how many numbers do not."""
    from neurotrial.models.bayes.sampling import sampler_name
    from neurotrial.models.bayes_calibration.verify import LIMIT, verify_posteriors

    table = verify_posteriors()
    rows = [
        (f"{model}, {trial}, {prior} prior", *_sampled_cells(own))
        for (model, trial, prior), own in table.groupby(["model", "trial", "prior"], sort=False)
    ]
    header = (
        "posterior of the effect",
        "exact mean",
        "sampled",
        "exact SD",
        "sampled",
        "largest distance in MCSE",
    )
    show_table(f"Posteriors sampled by {sampler_name()} beside the exact ones, in baseline SDs", header, rows)
    failed = int((~table["ok"]).sum())
    console().print(f"{len(table)} numbers compared, {failed} farther than {LIMIT:g} Monte Carlo errors")
    return failed


def _sampled_cells(own: pd.DataFrame) -> tuple[str, ...]:
    numbers = own.set_index("quantity")[["exact", "sampled"]].loc[["mean", "sd"]]
    return (*(f"{number:.4f}" for number in numbers.to_numpy().ravel()), f"{own['distance'].max():.2f}")


def _main_effects(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Return the rows of the contrasts by the main method of their analysis."""
    main_methods = {analysis["name"]: analysis["main_method"] for analysis in results.study["analyses"]}
    return table[(table["method"] == table["analysis"].map(main_methods)) & (table["term"] == "arm")]


def show_preflight(found: Preflight) -> int:
    """Show what a preflight found, what is to be mended line by line, and return the exit code."""
    screen = console()
    profile = found.profile
    screen.print(f"{profile.name}: {profile.confirmed}", markup=False)
    if profile.note:
        screen.print(profile.note, markup=False)
    rows = [(check.check, check.limit, check.found, check.verdict) for check in found.checks]
    show_texts("Preflight", ("check", "limit", "found", "verdict"), rows)
    for check in found.checks:
        for detail in check.details:
            screen.print(f"{check.check}: {detail}", markup=False)
    count = len(found.broken)
    verdict = f"{count} of {len(rows)} checks not passed" if count else "No limit is broken"
    screen.print(f"{verdict}; the table is in output/preflight.tsv", markup=False)
    return 1 if count else 0


def show_audit(found: Audit) -> int:
    """Show where the numbers of the documents come from, what comes from nowhere and what has changed; return the exit code."""
    screen = console()
    kinds = ("results", "study file", "allowed", "no origin")
    counts: dict[str, Counter[str]] = {}
    for finding in found.findings:
        named = finding.origin if finding.origin in kinds else "results"
        counts.setdefault(finding.document, Counter())[named if finding.origin else "no origin"] += 1
    rows = [(name, *(str(count[kind]) for kind in kinds)) for name, count in counts.items()]
    show_texts("Numbers in the documents, by origin", ("document", *kinds), rows)
    for finding in found.unbound[:_MOST_SHOWN]:
        screen.print(f"{finding.place}: {finding.block}: {finding.context}", markup=False)
    if len(found.unbound) > _MOST_SHOWN:
        screen.print(f"and {len(found.unbound) - _MOST_SHOWN} more")
    for citation, before, now in found.changes[:_MOST_SHOWN]:
        screen.print(f"{citation} has changed: {before} -> {now}", markup=False)
    count = len(found.unbound)
    screen.print(
        f"{count} of {len(found.findings)} numbers come from no key, study file or list of what is allowed."
        if count
        else f"Each of {len(found.findings)} numbers has an origin."
    )
    since = "" if found.first else f" {len(found.changes)} cited values have changed since the last audit."
    screen.print(f"The lists are output/audit.tsv and output/cited.tsv.{since}")
    return 1 if count else 0


def show_verification(found: Verification) -> int:
    """Show whether the results are up to date and each report file as rendered now; return the exit code."""
    screen = console()
    for reason in found.outdated:
        screen.print(f"The results are out of date: {reason} (remedy: neurotrial fit)", markup=False)
    show_texts(
        "Reports, rendered anew", ("file", "verdict"), [(file.file, file.verdict) for file in found.files]
    )
    for file in found.files:
        for line in file.details:
            screen.print(f"{file.file}: {line}", markup=False)
    same = sum(file.verdict == "identical" for file in found.files)
    screen.print(f"{same} of {len(found.files)} files are identical, byte for byte.")
    return 0 if found.passed else 1


def show_profiles() -> None:
    """List the profiles of journals that ship."""
    from pathlib import Path

    from neurotrial.reports.preflight.profile import profile_names, read_profile

    profiles = {name: read_profile(name, Path()) for name in profile_names()}
    for name, profile in profiles.items():
        console().print(f"{name}: {profile.name}\n    {profile.confirmed}", markup=False)
