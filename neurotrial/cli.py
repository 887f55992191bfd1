"""The command line: thin commands over the core, the models and the reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurotrial.errors import InputError, NeurotrialError

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.reports.build import Engine
    from neurotrial.results import Results

__all__ = ["main"]

FOLDER = click.Path(file_okay=False, path_type=Path)
DEMO_FOLDER = "neurotrial-demo"
SMALL_P = 0.001


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
        neurotrial demo              see everything work on a simulated study
        neurotrial init DIR          start your own study
        neurotrial check DIR         hold study file and tables against the contracts
        neurotrial fit DIR           tables to results
        neurotrial report DIR        results to html and Word
        neurotrial run DIR           fit and report, where something has changed
    """  # noqa: D301 - click's mark for "do not wrap" is no escape


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
    """Validate study file and tables of DIR; list every problem with its remedy; touch nothing."""
    from neurotrial.console import console, show_problems
    from neurotrial.loading import load_study

    data = load_study(folder)
    show_problems(data.warnings)
    _show_missingness(data)
    console().print(f"No errors. Next: neurotrial fit {folder}", markup=False)


@main.command(epilog="Example:\n  neurotrial fit my-trial")
@click.argument("folder", metavar="DIR", type=FOLDER)
def fit(folder: Path) -> None:
    """Fit every analysis of DIR's study file and write DIR/results."""
    from neurotrial.console import show_problems
    from neurotrial.loading import load_study

    data = load_study(folder)
    show_problems(data.warnings)
    results = _fit(data)
    _show_estimates(results)
    sys.exit(1 if (results.tables["estimates"]["status"] == "failed").any() else 0)


@main.command(
    epilog="Examples:\n  neurotrial report my-trial\n  neurotrial report my-trial --to docx --engine quarto"
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--to", "formats", help="Formats, separated by commas; default: those of study.yaml.", metavar="html,docx"
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "quarto", "builtin"]),
    default="auto",
    show_default=True,
    help="Renderer; auto takes Quarto where it is installed.",
)
def report(folder: Path, formats: str | None, engine: Engine) -> None:
    """Render the documents in DIR/reports from DIR/results into DIR/output."""
    _report(folder, formats.split(",") if formats else None, engine)


@main.command(epilog="Example:\n  neurotrial run my-trial")
@click.argument("folder", metavar="DIR", type=FOLDER)
def run(folder: Path) -> None:
    """Fit and report DIR; the fit is skipped where nothing that it rests on has changed."""
    from neurotrial.console import console, show_problems
    from neurotrial.loading import load_study
    from neurotrial.provenance import changes_since

    data = load_study(folder)
    show_problems(data.warnings)
    changes = changes_since(_stored_provenance(folder), data)
    if changes:
        console().print(f"Fitting, because {'; '.join(changes)}", markup=False)
        _fit(data)
    else:
        console().print("Results are up to date: not fitted again")
    _report(folder, None, "auto")


@main.command(epilog=f"Examples:\n  neurotrial demo\n  neurotrial demo {DEMO_FOLDER}-2")
@click.argument("folder", metavar="[DIR]", type=FOLDER, default=Path(DEMO_FOLDER))
def demo(folder: Path) -> None:
    """Run a small simulated trial (tables only) from study file to report in DIR."""
    from neurotrial.console import console
    from neurotrial.loading import load_study
    from neurotrial.reports.scaffold import write_demo

    write_demo(folder)
    console().print("All data of this study are simulated.", style="bold")
    _show_estimates(_fit(load_study(folder)))
    _report(folder, None, "auto")


@main.command(epilog="Example:\n  neurotrial verify")
def verify() -> None:
    """Re-run the numerical references that ship with the package and print the validation table."""
    from neurotrial.console import console, show_table
    from neurotrial.models.verify import verify as run

    table = run()
    grouped = table.groupby(["case", "method"], sort=False)
    rows = [
        (
            f"{case}: {method}",
            str(len(own)),
            f"{own['relative_difference'].max():.1e}",
            str(int((~own["ok"]).sum())),
        )
        for (case, method), own in grouped
    ]
    show_table(
        "Agreement with the references",
        ("reference", "numbers", "largest relative difference", "outside tolerance"),
        rows,
    )
    failed = int((~table["ok"]).sum())
    console().print(f"{len(table)} numbers compared, {failed} outside their tolerance")
    sys.exit(1 if failed else 0)


def _fit(data: StudyData) -> Results:
    from neurotrial.console import console, logging_to, progress_bar
    from neurotrial.models.study_fit import fit_study, study_cells
    from neurotrial.paths import writable_folder
    from neurotrial.results import RESULTS_FOLDER, write_results

    writable_folder(data.folder / RESULTS_FOLDER)
    with logging_to(data.folder), progress_bar("fit", len(study_cells(data.study))) as bar:
        results = fit_study(data, bar.step)
        target = write_results(data.folder, results)
    console().print(f"Results: {target}", markup=False)
    return results


def _stored_provenance(folder: Path) -> dict[str, Any] | None:
    from neurotrial.results import read_results

    try:
        return read_results(folder).provenance
    except InputError:
        return None


def _report(folder: Path, formats: list[str] | None, engine: Engine) -> None:
    from neurotrial.console import console, logging_to, progress_bar
    from neurotrial.reports.build import build_reports, plan_reports

    plan = plan_reports(folder, formats, engine)
    with logging_to(folder), progress_bar("report", len(plan.steps)) as bar:
        written = build_reports(plan, bar.step, bar.detail)
    for path in written:
        console().print(f"Report: {path}", markup=False)


def _show_missingness(data: StudyData) -> None:
    from neurotrial.console import show_table
    from neurotrial.outcomes import missingness

    rows = [
        (f"{row['outcome']}, {row['visit']}", str(row["arm"]), str(row["n"]), str(row["n_missing"]))
        for row in missingness(data.outcomes).to_dict("records")
    ]
    show_table("Values by outcome and visit", ("outcome, visit", "arm", "present", "missing"), rows)


def _show_estimates(results: Results) -> None:
    from neurotrial.console import show_table

    table = results.tables["estimates"]
    main_methods = {analysis["name"]: analysis["main_method"] for analysis in results.study["analyses"]}
    chosen = table[(table["method"] == table["analysis"].map(main_methods)) & (table["term"] == "arm")]
    rows = [
        (
            f"{row['analysis']}: {row['outcome']}",
            str(row["contrast"]),
            f"{row['estimate']:.3g}",
            f"{row['conf_low']:.3g} to {row['conf_high']:.3g}",
            "<0.001" if row["p_value"] < SMALL_P else f"{row['p_value']:.3f}",
        )
        for row in chosen.to_dict("records")
    ]
    show_table("Main estimates", ("analysis", "contrast", "estimate", "interval", "p"), rows)
