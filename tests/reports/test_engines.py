"""The choice of the engine, and the call of a real Quarto (here a program that stands in for it and writes down its arguments)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from neurotrial.errors import InputError, RenderError
from neurotrial.reports.rendering.render import render

STAND_IN = """#!{python}
import json, os, sys
from pathlib import Path
with open({log!r}, "a") as log:
    log.write(json.dumps({{"arguments": sys.argv[1:], "python": os.environ.get("QUARTO_PYTHON"),
                           "renderer": os.environ.get("NEUROTRIAL_RENDERER")}}) + "\\n")
if sys.argv[1] == "--version":
    print("1.9.38")
elif {fails}:
    sys.exit("ERROR: the cell failed")
else:
    form, folder = sys.argv[sys.argv.index("--to") + 1], Path(sys.argv[sys.argv.index("--output-dir") + 1])
    (folder / "reports").mkdir(parents=True)
    (folder / "reports" / (Path(sys.argv[2]).stem + "." + form)).write_text("made by quarto")
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    (tmp_path / "_quarto.yml").write_text("project:\n  type: default\n")
    (tmp_path / "report.qmd").write_text('---\ntitle: "T"\n---\n\n{{< video x >}}\n')
    return tmp_path / "report.qmd"


def stand_in(tmp_path: Path, *, fails: bool = False) -> Path:
    program = tmp_path / "bin" / "quarto"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, log=str(tmp_path / "log"), fails=fails))
    program.chmod(0o755)
    return program


def test_auto_takes_quarto_where_it_is_on_the_path(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QUARTO_PATH", raising=False)
    monkeypatch.setenv("PATH", str(stand_in(tmp_path).parent))
    done = render(document, ["html", "docx"], tmp_path / "out")
    assert [(item.engine, item.engine_version, item.path.name) for item in done] == [
        ("quarto", "1.9.38", "report.html"),
        ("quarto", "1.9.38", "report.docx"),
    ]
    assert done[0].path.read_text() == "made by quarto"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.docx", "report.html"]
    calls = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    rendering = [call for call in calls if call["arguments"][0] == "render"]
    assert [call["arguments"][1:4] for call in rendering] == [
        [str(document), "--to", "html"],
        [str(document), "--to", "docx"],
    ]
    assert {(call["python"], call["renderer"]) for call in rendering} == {(sys.executable, "Quarto 1.9.38")}


def test_quarto_path_comes_before_the_path(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTO_PATH", str(stand_in(tmp_path)))
    monkeypatch.setenv("PATH", "")
    assert render(document, ["html"], tmp_path / "out", engine="quarto")[0].engine == "quarto"


def test_what_quarto_says_when_it_fails_is_shown(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTO_PATH", str(stand_in(tmp_path, fails=True)))
    with pytest.raises(RenderError, match="ERROR: the cell failed"):
        render(document, ["html"], tmp_path / "out", engine="quarto")
    assert list((tmp_path / "out").iterdir()) == []


def test_asking_for_quarto_where_there_is_none_says_what_to_do(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QUARTO_PATH", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="no quarto is installed") as caught:
        render(document, ["html"], tmp_path / "out", engine="quarto")
    assert "QUARTO_PATH" in str(caught.value)
    with pytest.raises(InputError, match="needs Quarto"):
        render(document, ["html"], tmp_path / "out", engine="auto")


@pytest.mark.parametrize(
    ("to", "words"),
    [(["epub"], "not among the formats"), ([], "none is asked for"), (["html", "pdf"], "format pdf")],
)
def test_unknown_formats_are_refused(document: Path, tmp_path: Path, to: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        render(document, to, tmp_path / "out", engine="builtin")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_written_is_refused_first(document: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        render(document, ["html"], tmp_path / "out", engine="builtin")


def test_a_missing_document_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such document"):
        render(tmp_path / "none.qmd", ["html"], tmp_path / "out", engine="builtin")
