"""The command line: thin commands over the core, the models and the reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurotrial.errors import InputError, NeurotrialError

if TYPE_CHECKING:
    from collections.abc import Callable

    from neurotrial.extract.extraction import ScanPlan
    from neurotrial.loading import StudyData
    from neurotrial.reports.build import Engine
    from neurotrial.reports.preflight.run import Preflight
    from neurotrial.results import Results
    from neurotrial.runner import OnError

__all__ = ["main"]

FOLDER = click.Path(file_okay=False, path_type=Path)
DEMO_FOLDER = "neurotrial-demo"


class Command(click.Command):
    """A command whose epilogue keeps its line breaks, and whose errors are messages, not tracebacks."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they stand."""
        del ctx
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(self.epilog + "\n")

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; end with the exit code of the error, if there is one."""
        from neurotrial.console import console, show_problems

        try:
            return super().invoke(ctx)
        except InputError as error:
            show_problems(error.problems)
            sys.exit(error.exit_code)
        except NeurotrialError as error:
            console(stderr=True).print(str(error), style="bold red", markup=False)
            sys.exit(error.exit_code)


class Group(click.Group):
    """The group of the commands."""

    command_class = Command


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="neurotrial")
def main() -> None:
    """Statistics and reports of longitudinal neuroimaging trials.

    A study is a folder with study.yaml (the analysis plan), tables/ and reports/. The usual way:

    \b
        neurotrial demo              see everything work on a simulated trial with images
        neurotrial init DIR          start your own study
        neurotrial register DIR      put the plan on the register, before outcomes are known
        neurotrial check DIR         hold study file, images and tables against the contracts
        neurotrial mock DIR          reports with dummy arms, to sign their shells before unblinding
        neurotrial extract DIR       images to tables
        neurotrial fit DIR           tables to results
        neurotrial report DIR        results to html, Word and pdf
        neurotrial preflight DIR     hold the manuscript against the limits of a journal
        neurotrial run DIR           extract and fit what has changed, then report
    """  # noqa: D301 - click's mark for "do not wrap" is no escape


_FORMATS = click.option(
    "--to",
    "formats",
    help="Formats, separated by commas; default: those of study.yaml.",
    metavar="html,docx,pdf",
)
_JOBS = click.option(
    "--jobs", type=click.IntRange(min=1), help="Processes that sample.  [default: all processors]"
)


@main.command(epilog="Example:\n  neurotrial init my-trial")
@click.argument("folder", metavar="DIR", type=FOLDER)
def init(folder: Path) -> None:
    """Write a commented study.yaml, _quarto.yml and the report documents into DIR; existing files stay."""
    from neurotrial.console import console
    from neurotrial.reports.scaffold import write_scaffold

    for path in write_scaffold(folder):
        console().print(f"wrote {path}", markup=False)
    console().print(
        f"Next: edit {folder / 'study.yaml'}, put your tables into {folder / 'tables'}, then `neurotrial check {folder}`",
        markup=False,
    )


@main.command(epilog="Example:\n  neurotrial check my-trial")
@click.argument("folder", metavar="DIR", type=FOLDER)
def check(folder: Path) -> None:
    """Validate study file, images and tables of DIR; list every problem with its remedy; touch nothing.

    Of images, names and sizes are read, nothing else: for every participant and visit, a table says which files are there (a tick),
    which are missing or have 0 bytes, and why a scan cannot be used.
    """
    from neurotrial.console import console, show_problems
    from neurotrial.loading import load_study
    from neurotrial.reports.preflight.profile import chosen_profile
    from neurotrial.summaries import show_missingness, show_scans

    data = load_study(folder, extracted=False)
    chosen_profile(folder, data.study.report)
    show_problems(data.warnings)
    if data.study.imaging:
        show_scans(_plan_scans(data))
    show_missingness(data)
    _warn_of_specifications(data)
    following = "extract" if data.study.imaging and "features" not in data.tables else "fit"
    console().print(f"No errors. Next: neurotrial {following} {folder}", markup=False)


@main.command(
    epilog='Examples:\n  neurotrial register my-trial\n  neurotrial register my-trial --note "as on the trial register, version 1"'
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--note", help="Why, or where the plan was published.")
def register(folder: Path, note: str | None) -> None:
    """Put a copy of DIR's study file on the register, so that reports compare the executed plan with it.

    The copy goes to DIR/registered/001, an amendment to 002, and so on; none is overwritten. What was known by then (outcomes in
    the tables, results) is recorded. Reasons for later changes go into `deviations` of the study file.
    """
    from neurotrial.console import console
    from neurotrial.registration import register_plan

    target = register_plan(folder, note)
    console().print(f"Registered: {target}; keep it, and publish its hash", markup=False)


@main.command(
    epilog="Examples:\n  neurotrial mock my-trial --no-bayes --to html\n  neurotrial mock my-trial --seed 7 --jobs 4"
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Root of the dummy arms.  [default: that of study.yaml]"
)
@_FORMATS
@click.option("--no-bayes", is_flag=True, help="Leave Bayesian methods, which take long, out of the mock.")
@_JOBS
def mock(folder: Path, seed: int | None, formats: str | None, no_bayes: bool, jobs: int | None) -> None:
    """Report DIR with dummy arms in DIR/mock: every table and figure before anybody is unblinded.

    The dummy arms are drawn from the allocation that study.yaml declares; the true ones are not used and may be missing. Flags of
    populations, events and harms move to other participants; outcomes stay. Every page and figure says MOCK: DUMMY ARMS.
    """
    sys.exit(_mock(folder, seed, formats, jobs, bayes=not no_bayes))


def _by_arm(name: str, kind: type, words: str) -> Callable[[Any], Any]:
    """Return an option that takes one value for each arm."""
    return click.option(name, type=kind, nargs=2, metavar="CELLS CONTROL", help=words)


@main.command(
    epilog="Examples:\n  neurotrial simulate my-trial\n  neurotrial simulate big --grid full --seed 7 --jobs 4"
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--planned", type=int, help="Participants randomised, 2:1 in blocks of 6.  [default: 60]")
@_by_arm("--analysed", int, "Seen at follow-up.  [default: 39 15]")
@_by_arm("--imaged", int, "With usable MRI at both visits.  [default: 31 13]")
@_by_arm("--excluded", int, "Of whom a decision excludes a scan.  [default: 2 1]")
@_by_arm("--added-points", float, "Fugl-Meyer points put in at follow-up.  [default: 10 0]")
@_by_arm("--integrity-change", float, "Change of the tract's integrity.  [default: -0.01 -0.06]")
@_by_arm("--inter-change", float, "Change of Fisher z between hemispheres.  [default: 0.1 0]")
@_by_arm("--ipsi-change", float, "Change of Fisher z on the lesioned side.  [default: 0.08 0.02]")
@click.option("--grid", type=click.Choice(["small", "full"]), help="Size of the images.  [default: small]")
@click.option("--seed", type=click.IntRange(min=0), help="Root of the random streams.")
@click.option(
    "--tables-only", is_flag=True, help="No images: features drawn from the models that make the images."
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: all processors]")
def simulate(folder: Path, jobs: int | None, tables_only: bool, **choices: Any) -> None:
    """Write a simulated trial with images (BIDS derivatives), tables, plan and known truth into DIR."""
    given = {name: value for name, value in choices.items() if value is not None}
    _simulate(folder, given, jobs, images=not tables_only)


def _options_of_work(command: Any) -> Any:
    """Add the options of commands that work scan by scan."""
    jobs = click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: all processors]")
    on_error = click.option(
        "--on-error",
        type=click.Choice(["continue", "abort"]),
        default="continue",
        show_default=True,
        help="What a scan that cannot be measured does to the others.",
    )
    return jobs(on_error(command))


@main.command(
    epilog="Examples:\n  neurotrial extract my-trial\n  neurotrial extract my-trial --jobs 1 --on-error abort"
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@_options_of_work
def extract(folder: Path, jobs: int | None, on_error: OnError) -> None:
    """Measure the images of DIR and write DIR/tables; scans that are up to date are not measured again."""
    sys.exit(_extract(folder, jobs, on_error))


@main.command(
    epilog="Examples:\n  neurotrial atlases\n  neurotrial atlases jhu-icbm-labels-1mm --repair\n  neurotrial atlases mine.nii.gz --labels mine.tsv"
)
@click.argument("atlas", metavar="[NAME|FILE]", required=False)
@click.option(
    "--labels",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Table of a file of your own: value, structure, hemisphere.",
)
@click.option("--repair", is_flag=True, help="Make the documented repair of a known fault of the header.")
def atlases(atlas: str | None, labels: Path | None, repair: bool) -> None:
    """List the atlases that this machine has; with a name or file, check that one: its labels, and that its left is left."""
    from neurotrial.summaries import show_atlas, show_atlases

    if atlas is None:
        show_atlases()
    else:
        show_atlas(atlas, labels, repair=repair)


_SENSITIVITY = click.option(
    "--sensitivity",
    is_flag=True,
    help="Also vary every main comparison (what would change the conclusion), and fit the declared multiverse.",
)


@main.command(epilog="Examples:\n  neurotrial fit my-trial\n  neurotrial fit my-trial --sensitivity --jobs 1")
@click.argument("folder", metavar="DIR", type=FOLDER)
@_JOBS
@_SENSITIVITY
def fit(folder: Path, jobs: int | None, sensitivity: bool) -> None:
    """Fit every analysis of DIR's study file and write DIR/results; posteriors that are up to date are kept."""
    from neurotrial.console import show_problems
    from neurotrial.loading import load_study
    from neurotrial.summaries import show_estimates

    data = load_study(folder)
    show_problems(data.warnings)
    results = _fit(data, jobs, sensitivity=sensitivity)
    show_estimates(results)
    sys.exit(1 if (results.tables["estimates"]["status"] == "failed").any() else 0)


_ENGINE = click.option(
    "--engine",
    type=click.Choice(["auto", "quarto", "builtin"]),
    default="auto",
    show_default=True,
    help="Renderer; auto takes Quarto where it is installed.",
)


@main.command(
    epilog="Examples:\n  neurotrial report my-trial\n  neurotrial report my-trial --to docx --engine quarto\n  neurotrial report my-trial --audit"
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@_FORMATS
@_ENGINE
@click.option(
    "--audit",
    is_flag=True,
    help="Also list every number with the key that it shows, those without one, and values that changed since the last audit.",
)
def report(folder: Path, formats: str | None, engine: Engine, audit: bool) -> None:
    """Render the documents in DIR/reports from DIR/results into DIR/output.

    With --audit the lists are DIR/output/audit.tsv and cited.tsv, and a number without an origin ends with 1; DIR/reports/allowed-numbers.yaml
    names those that come from no data.
    """
    sys.exit(_report(folder, formats.split(",") if formats else None, engine, audit=audit))


@main.command(
    epilog="Examples:\n  neurotrial preflight my-trial --journal scientific_reports\n  neurotrial preflight --list"
)
@click.argument("folder", metavar="[DIR]", type=FOLDER, required=False)
@click.option(
    "--journal",
    metavar="NAME|FILE",
    help="A profile that ships, or a .yaml file of your own.  [default: report: journal of study.yaml, else generic]",
)
@click.option("--list", "listed", is_flag=True, help="List the profiles that ship, with source and day.")
def preflight(folder: Path | None, journal: str | None, listed: bool) -> None:
    """Hold the manuscript of DIR, as executed now, against the limits of a journal; write DIR/output/preflight.tsv.

    Ends with 1 if a limit is broken or something is still to be written. A limit that the journal does not state, or that nobody has
    read there, is never made up: it is shown as not stated.
    """
    from neurotrial.summaries import show_preflight, show_profiles

    if listed:
        show_profiles()
        return
    if folder is None:
        raise click.UsageError("Missing argument '[DIR]'; or use --list.")
    sys.exit(show_preflight(_preflight(folder, journal)))


@main.command(epilog="Examples:\n  neurotrial run my-trial\n  neurotrial run my-trial --jobs 4")
@click.argument("folder", metavar="DIR", type=FOLDER)
@_options_of_work
@_SENSITIVITY
def run(folder: Path, jobs: int | None, on_error: OnError, sensitivity: bool) -> None:
    """Extract and fit what has changed in DIR, then report."""
    sys.exit(_run(folder, jobs, on_error, sensitivity=sensitivity))


@main.command(epilog=f"Examples:\n  neurotrial demo\n  neurotrial demo {DEMO_FOLDER}-2 --jobs 1")
@click.argument("folder", metavar="[DIR]", type=FOLDER, default=Path(DEMO_FOLDER))
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: all processors]")
def demo(folder: Path, jobs: int | None) -> None:
    """Simulate a small trial with images and known truth in DIR, and run everything on it."""
    from neurotrial.console import console
    from neurotrial.summaries import show_truth

    _simulate(folder, {}, jobs)
    code = _run(folder, jobs, "continue", sensitivity=True)
    show_truth(folder)
    console().print("All data of this study are simulated.", style="bold")
    console().print(f"Open {folder / 'output' / 'manuscript.html'}", markup=False)
    sys.exit(code)


@main.command(
    epilog="Examples:\n  neurotrial verify\n  neurotrial verify --numbers validation.tsv\n  neurotrial verify --bayes\n  neurotrial verify my-trial"
)
@click.argument("folder", metavar="[DIR]", type=FOLDER, required=False)
@_ENGINE
@click.option(
    "--numbers",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for every number: case, quantity, reference, ours, relative difference, tolerance.",
)
@click.option(
    "--bayes", is_flag=True, help="Also sample posteriors that are known exactly (a minute or two)."
)
def verify(folder: Path | None, engine: Engine, bayes: bool, numbers: Path | None) -> None:
    """Re-run the numerical references that ship with the package and print the validation table.

    With DIR, check instead that its results are those of its tables and study file, render its documents anew, and compare them
    with the files in DIR/output, which stay as they are. Ends with 1 if anything differs.
    """
    from neurotrial.summaries import show_references, show_sampled_posteriors

    if folder is not None:
        if bayes or numbers:
            raise click.UsageError("--bayes and --numbers are about the references: leave DIR out.")
        sys.exit(_verify(folder, engine))
    failed = show_references(numbers) + (show_sampled_posteriors() if bayes else 0)
    sys.exit(1 if failed else 0)


def _verify(folder: Path, engine: Engine) -> int:
    from neurotrial.console import progress_bar
    from neurotrial.reports.verification.verify import plan_verification, verify_reports
    from neurotrial.summaries import show_verification

    plan = plan_verification(folder, engine)
    with progress_bar("verify", len(plan.steps)) as bar:
        found = verify_reports(plan, bar.step, bar.detail)
    return show_verification(found)


def _simulate(folder: Path, choices: dict[str, Any], jobs: int | None, *, images: bool = True) -> None:
    from neurotrial.console import console, logging_to, progress_bar
    from neurotrial.executors import default_jobs, open_executor
    from neurotrial.reports.scaffold import write_simulated_scaffold
    from neurotrial.simulation.settings import TrialSettings
    from neurotrial.simulation.study import plan_simulation, write_simulation

    plan = plan_simulation(TrialSettings(**choices), images=images)
    write_simulated_scaffold(folder, images=images)
    with (
        logging_to(folder),
        progress_bar("simulate", plan.steps) as bar,
        open_executor(jobs or default_jobs()) as executor,
    ):
        write_simulation(plan, folder, executor, bar.done)
    console().print(f"Simulated study: {folder}; the truth is in {folder / 'truth.json'}", markup=False)


def _plan_scans(data: StudyData) -> ScanPlan:
    from neurotrial.console import show_problems
    from neurotrial.extract.extraction import plan_scans

    plan = plan_scans(data)
    show_problems(plan.warnings)
    return plan


def _extract(folder: Path, jobs: int | None, on_error: OnError) -> int:
    """Extract, show what failed, and return the exit code."""
    from neurotrial.console import console, logging_to, progress_bar, show_problems
    from neurotrial.executors import default_jobs, open_executor
    from neurotrial.extract.extraction import extract_scans
    from neurotrial.loading import load_study

    data = load_study(folder, extracted=False)
    show_problems(data.warnings)
    plan = _plan_scans(data)
    with (
        logging_to(folder),
        progress_bar("extract", plan.steps) as bar,
        open_executor(jobs or default_jobs()) as executor,
    ):
        done = extract_scans(plan, executor, on_error=on_error, progress=bar.done)
    ran = sum(outcome.seconds > 0 for outcome in done.outcomes)
    console().print(f"{ran} of {len(plan.made)} scans measured now, the others were up to date")
    for outcome in done.failed:
        console(stderr=True).print(
            f"failed: {outcome.unit}: {outcome.reason}", style="bold red", markup=False
        )
    if done.written:
        console().print(
            f"Tables: {folder / 'tables'}; pictures of every scan: {folder / 'extraction' / 'pictures.html'}",
            markup=False,
        )
    return 1 if done.failed else 0


def _run(folder: Path, jobs: int | None, on_error: OnError, *, sensitivity: bool) -> int:
    """Do what is to be done of extraction, fit and report; return the exit code."""
    from neurotrial.console import console, show_problems
    from neurotrial.loading import load_study
    from neurotrial.provenance import changes_since
    from neurotrial.study_file import STUDY_FILE, read_study
    from neurotrial.summaries import show_estimates

    code = 0
    if read_study(folder / STUDY_FILE).imaging:
        code = _extract(folder, jobs, on_error)
        if code and on_error == "abort":
            return code
    data = load_study(folder)
    show_problems(data.warnings)
    stored = _stored(folder)
    changes = changes_since(stored.provenance if stored else None, data)
    if sensitivity and stored and stored.tables["sensitivity"].empty:
        changes.append("the standard sensitivity set is asked for and not there")
    if changes:
        console().print(f"Fitting, because {'; '.join(changes)}", markup=False)
        show_estimates(_fit(data, jobs, sensitivity=sensitivity))
    else:
        console().print("Results are up to date: not fitted again")
    _report(folder, None, "auto")
    return code


def _mock(folder: Path, seed: int | None, formats: str | None, jobs: int | None, *, bayes: bool) -> int:
    """Write, fit and report the mock of a study; return the exit code."""
    from neurotrial.console import console, show_problems
    from neurotrial.loading import load_study
    from neurotrial.mock_study import write_mock

    target = write_mock(folder, seed, bayes=bayes)
    data = load_study(target)
    show_problems(data.warnings)
    results = _fit(data, jobs, sensitivity=False)
    _report(target, formats.split(",") if formats else None, "auto")
    console().print("All arms of this report are dummies.", style="bold")
    console().print(f"Open {folder / target.name / 'output'}", markup=False)
    return 1 if (results.tables["estimates"]["status"] == "failed").any() else 0


def _warn_of_specifications(data: StudyData) -> None:
    """Tell, before anything is fitted, which specifications of the multiverse cannot be."""
    from neurotrial.console import show_problems

    plan, sources = data.study.multiverse, {outcome.source.table for outcome in data.study.outcomes}
    if plan is not None and sources <= set(data.tables):
        from neurotrial.models.specifications.engine import multiverse_warnings

        show_problems(multiverse_warnings(data.study, data.tables))


def _fit(data: StudyData, jobs: int | None, *, sensitivity: bool) -> Results:
    from neurotrial.console import console, logging_to, progress_bar
    from neurotrial.executors import default_jobs, open_executor
    from neurotrial.models.study_fit import count_steps, fit_study
    from neurotrial.paths import writable_folder
    from neurotrial.results import RESULTS_FOLDER, write_results

    writable_folder(data.folder / RESULTS_FOLDER)
    if sensitivity:
        _warn_of_specifications(data)
    with (
        logging_to(data.folder),
        progress_bar("fit", count_steps(data.study, sensitivity=sensitivity)) as bar,
        open_executor(jobs or default_jobs()) as executor,
    ):
        stored = None if sensitivity else _stored(data.folder)
        results = fit_study(data, bar.step, executor, sensitivity=sensitivity, stored=stored)
        target = write_results(data.folder, results)
    console().print(f"Results: {target}", markup=False)
    return results


def _preflight(folder: Path, journal: str | None) -> Preflight:
    from neurotrial.console import logging_to, progress_bar
    from neurotrial.reports.preflight.run import preflight_study

    with logging_to(folder), progress_bar("preflight", 1) as bar:
        bar.step("manuscript.qmd")
        return preflight_study(folder, journal, bar.detail)


def _stored(folder: Path) -> Results | None:
    """Return the results of an earlier fit, None where there are none that can be read."""
    from neurotrial.results import read_results

    try:
        return read_results(folder)
    except InputError:
        return None


def _report(folder: Path, formats: list[str] | None, engine: Engine, *, audit: bool = False) -> int:
    from neurotrial.console import console, logging_to, progress_bar
    from neurotrial.reports.audit.record import Auditor
    from neurotrial.reports.build import build_reports, plan_reports
    from neurotrial.summaries import show_audit

    plan = plan_reports(folder, formats, engine)
    auditor = Auditor(folder, plan.results) if audit else None
    with logging_to(folder), progress_bar("report", len(plan.steps)) as bar:
        written = build_reports(plan, bar.step, bar.detail, auditor.see if auditor else None)
    for path in written:
        console().print(f"Report: {path}", markup=False)
    return show_audit(auditor.finish()) if auditor else 0
