"""``python -m neurotrial.models.bayes_calibration``: measure shipped models, store what was found."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from neurotrial.console import Bar, console, progress_bar
from neurotrial.errors import NeurotrialError, refuse
from neurotrial.executors import open_executor
from neurotrial.models.bayes_calibration.measuring import (
    Run,
    measure_calibration,
    measure_operating,
    n_blocks,
)
from neurotrial.models.bayes_calibration.nuts import PLAN, NutsSampling
from neurotrial.models.bayes_calibration.shipped_models import OPERATING, SHIPPED
from neurotrial.models.bayes_calibration.stored_results import OPERATING_FILE, RESULTS_FOLDER, SBC_FILE

_FILES = {"sbc": SBC_FILE, "operating": OPERATING_FILE}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option(
    "--what", type=click.Choice(list(_FILES)), default="sbc", show_default=True, help="What to measure."
)
@click.option("--simulations", type=click.IntRange(min=2), required=True, help="Of each model or scenario.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Root of random streams."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File.  [default: the shipped one]"
)
@click.option("--fresh", is_flag=True, help="Forget simulations that were kept.")
def main(
    models: tuple[str, ...], what: str, simulations: int, jobs: int, seed: int, out: Path | None, fresh: bool
) -> None:
    """Measure the calibration (sbc) or the operating characteristics of MODEL..., or of all.

    Rows of a model replace those that the file has of it. A run that was stopped goes on where it was.
    """
    path = out or RESULTS_FOLDER / _FILES[what]
    measure = _calibrate if what == "sbc" else _operate
    try:
        for name in _names(models, what):
            measure(name, path, simulations, jobs, seed, fresh=fresh)
    except NeurotrialError as error:
        console(stderr=True).print(str(error), style="bold red", markup=False)
        sys.exit(error.exit_code)
    console().print(f"wrote {path}", markup=False)


def _names(models: tuple[str, ...], what: str) -> list[str]:
    known = list(SHIPPED if what == "sbc" else OPERATING)
    unknown = [name for name in models if name not in {*known, "all"}]
    if unknown:
        raise refuse("MODEL", f"is none of the models: {', '.join(unknown)}", f"use: all, {', '.join(known)}")
    return known if "all" in models else list(models)


def _calibrate(name: str, path: Path, simulations: int, jobs: int, seed: int, *, fresh: bool) -> None:
    words = f"{PLAN.chains} x {PLAN.draws} draws after {PLAN.tune}, target acceptance {PLAN.target_accept:g}"
    with progress_bar(f"sbc of {name}", simulations) as bar, open_executor(jobs) as executor:
        run = Run(path, simulations, seed, executor, lambda done: _advance(bar, done))
        found = measure_calibration(name, SHIPPED[name](), NutsSampling(), run, sampler=words, fresh=fresh)
    worst = found.tidy()["p_holm"].min()
    console().print(
        f"{name}: smallest p (Holm) {worst:.3g}, {found.divergent} fits diverged, {found.short} too short"
    )


def _operate(name: str, path: Path, simulations: int, jobs: int, seed: int, *, fresh: bool) -> None:
    del fresh
    judged = OPERATING[name]
    total = n_blocks(simulations) * len(judged.scenarios) * len(judged.priors)
    with progress_bar(f"operating characteristics of {name}", total) as bar, open_executor(jobs) as executor:
        measure_operating(
            name, judged, Run(path, simulations, seed, executor, lambda done: _advance(bar, done))
        )


def _advance(bar: Bar, done: int) -> None:
    for _ in range(done):
        bar.done("")


if __name__ == "__main__":
    main()
