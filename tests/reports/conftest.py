"""Results to show, and documents to render: a project with every construct of the subset, and small ones for one test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from everything_study import EPOCH, copy_everything, png
from results_fixture import make_results

from neurotrial.reports.cited import CitedResults
from neurotrial.reports.rendering.render import render


@pytest.fixture
def everything(tmp_path):
    """The document with every construct, in a project of its own."""
    return copy_everything(tmp_path / "study")


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """The document with every construct, rendered twice by the builtin engine, by format."""
    folder = tmp_path_factory.mktemp("everything")
    document = copy_everything(folder / "study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", EPOCH)
        runs = [
            render(document, ["html", "docx", "pdf"], folder / name, engine="builtin")
            for name in ("one", "two")
        ]
    return [{item.format: item.path for item in run} for run in runs]


@pytest.fixture
def write(tmp_path):
    """Write a document (and other files) into a project; return the document's path."""

    def _write(body, front="", project="lang: en-GB", **files):
        (tmp_path / "_quarto.yml").write_text(project + "\n", "utf-8")
        for name, text in files.items():
            (tmp_path / name.replace("__", ".")).write_text(text, "utf-8")
        (tmp_path / "image.png").write_bytes(png(3, 2))
        document = tmp_path / "doc.qmd"
        document.write_text(f"---\ntitle: T\n{front}---\n\n{body}\n", "utf-8")
        return document

    return _write


@pytest.fixture
def data() -> CitedResults:
    return CitedResults.of(make_results())
