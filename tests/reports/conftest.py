"""Results to show, and documents to render: a project with every construct of the subset, and small ones for one test."""

import shutil
import struct
import sys
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from results_fixture import make_results

from neurotrial.reports.cited import CitedResults
from neurotrial.reports.rendering.render import render

EVERYTHING = Path(__file__).parent / "everything"
STYLE = Path(__file__).parents[2] / "reports" / "neurotrial.csl"
EPOCH = "1767225600"


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([200, 220, 240] * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def copy_everything(folder):
    shutil.copytree(EVERYTHING, folder)
    shutil.copyfile(STYLE, folder / "neurotrial.csl")
    (folder / "reports" / "flow.png").write_bytes(png(30, 12))
    return folder / "reports" / "report.qmd"


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
