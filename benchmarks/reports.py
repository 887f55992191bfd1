"""Time manuscript and supplement in three formats after fitting, against bare pandoc on the same executed Markdown, in one run.

Run from the top folder: ``python benchmarks/reports.py [STUDY]``. STUDY is a folder with results; without one, a study of simulated
tables is made and fitted first, which is not timed. Bare pandoc does less: it numbers nothing, drops the HTML tables where a format has
none, and sets no house style. Its pdf comes from the same typst. Wall time and processor time (of child processes too) are printed, and
the size of each html file; nothing is judged.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import typst

from neurotrial.reports.build import build_reports, plan_reports
from neurotrial.reports.rendering.pandoc import pandoc_path
from neurotrial.reports.rendering.render_builtin import READER, execute_document

DOCUMENTS = ("manuscript.qmd", "supplement.qmd")
FORMATS = ("html", "docx", "pdf")
MEGABYTE = 1e6


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Return wall and processor seconds of a call."""
    wall, processor = time.perf_counter(), _processor()
    call()
    return time.perf_counter() - wall, _processor() - processor


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def made_study(folder: Path) -> Path:
    """Simulate the tables of a trial and fit its plan."""
    for command in (["simulate", str(folder), "--tables-only"], ["fit", str(folder)]):
        subprocess.run([sys.executable, "-m", "neurotrial", *command], check=True)  # noqa: S603
    return folder


def peer(document: Path, work: Path) -> None:
    """Convert executed Markdown by bare pandoc."""
    places = f"{work}:{document.parent}"
    common = ["document.md", f"--from={READER}", "--standalone", f"--resource-path={places}", "--citeproc",
              f"--bibliography={document.parent / 'references.bib'}", "--metadata=title:T", "--quiet"]  # fmt: skip
    for more in (["--to=html", "--embed-resources", "--mathml", "-o", "peer.html"], ["--to=docx", "-o", "peer.docx"],
                 ["--to=typst", "--extract-media=.", "-o", "peer.typ"]):  # fmt: skip
        subprocess.run([pandoc_path(), *common, *more], cwd=work, check=True)  # noqa: S603
    typst.compile(str(work / "peer.typ"), output=str(work / "peer.pdf"), root="/")


def main() -> None:
    """Print times, ratios and sizes."""
    with tempfile.TemporaryDirectory(prefix="neurotrial-benchmark-") as name:
        temporary = Path(name)
        study = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else made_study(temporary / "study")
        print(
            f"{'document':16} {'package':>18} {'its cells':>18} {'bare pandoc':>18} {'ratio':>6} {'html':>8}"
        )
        totals = [0.0, 0.0]
        plan = plan_reports(study, FORMATS, "builtin")
        for number, document in enumerate(path for path in plan.documents if path.name in DOCUMENTS):
            one = replace(plan, documents=(document,))
            whole = timed(lambda one=one: build_reports(one))
            work = temporary / str(number)
            work.mkdir()
            cells = timed(
                lambda document=document, work=work: execute_document(document, work, lambda _: None)
            )
            bare = timed(lambda document=document, work=work: peer(document, work))
            size = (study / "output" / f"{document.stem}.html").stat().st_size / MEGABYTE
            times = " ".join(f"{wall:7.1f} s ({cpu:5.1f})" for wall, cpu in (whole, cells, bare))
            print(f"{document.name:16} {times} {(whole[1] - cells[1]) / bare[1]:6.1f} {size:5.1f} MB")
            totals = [total + seconds for total, seconds in zip(totals, whole, strict=True)]
        print(f"both, three formats: {totals[0]:.1f} s of wall time, {totals[1]:.1f} s of processor time")
        print("in brackets: processor time; ratio: that of the conversion by the package / by bare pandoc")


if __name__ == "__main__":
    main()
