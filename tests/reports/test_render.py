"""Choosing an engine, failing whole, and writing whole."""

import json
import os
import stat
import sys
import textwrap

import pytest
from lxml import html

from neurotrial.errors import InputError, RenderError
from neurotrial.reports.rendering.render import Rendered, render

FAKE_QUARTO = """\
#!{python}
import json, os, pathlib, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("9.9.9")
    sys.exit()
log = pathlib.Path({log!r})
seen = {{key: os.environ.get(key) for key in ("QUARTO_PYTHON", "NEUROTRIAL_RENDERER")}}
log.write_text(log.read_text() + json.dumps([arguments, seen]) + "\\n" if log.exists() else json.dumps([arguments, seen]) + "\\n")
{action}
"""

WRITES = """\
folder = pathlib.Path(arguments[arguments.index("--output-dir") + 1]) / "sub"
folder.mkdir(parents=True)
target = arguments[arguments.index("--to") + 1]
(folder / (pathlib.Path(arguments[1]).stem + "." + target)).write_text("made by quarto")
"""


@pytest.fixture
def fake_quarto(tmp_path, monkeypatch):
    """Put a program in place of Quarto; return where it logs."""

    def _fake(action):
        log = tmp_path / "log"
        program = tmp_path / "bin" / "quarto"
        program.parent.mkdir()
        program.write_text(
            FAKE_QUARTO.format(python=sys.executable, log=str(log), action=textwrap.dedent(action))
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("QUARTO_PATH", str(program))
        return log

    return _fake


@pytest.fixture
def no_quarto(tmp_path, monkeypatch):
    monkeypatch.delenv("QUARTO_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_auto_takes_quarto_where_there_is_one(write, tmp_path, fake_quarto):
    log = fake_quarto(WRITES)
    document = write("Text with {{< video x >}}, which is Quarto's business.")
    done = render(document, ["html", "docx"], tmp_path / "out put")
    assert done == [
        Rendered(form, tmp_path / "out put" / f"doc.{form}", "quarto", "9.9.9") for form in ("html", "docx")
    ]
    assert {item.path.read_text() for item in done} == {"made by quarto"}
    assert sorted(path.name for path in (tmp_path / "out put").iterdir()) == ["doc.docx", "doc.html"]
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    for (arguments, seen), form in zip(calls, ("html", "docx"), strict=True):
        assert arguments[:5] == ["render", str(document), "--to", form, "--output-dir"]
        assert len(arguments) == 6
        assert seen == {"QUARTO_PYTHON": sys.executable, "NEUROTRIAL_RENDERER": "Quarto 9.9.9"}


def test_quarto_makes_a_pdf_through_typst(write, tmp_path, fake_quarto):
    log = fake_quarto(WRITES.replace("target = ", "asked = ").replace("+ target", "+ 'pdf'"))
    (done,) = render(write("Text."), ["pdf"], tmp_path / "output")
    assert done == Rendered("pdf", tmp_path / "output" / "doc.pdf", "quarto", "9.9.9")
    arguments, _ = json.loads(log.read_text())
    assert arguments[2:4] == ["--to", "typst"]


def test_a_failing_quarto_is_quoted(write, tmp_path, fake_quarto):
    fake_quarto("print('ERROR: no such thing', file=sys.stderr); sys.exit(3)")
    with pytest.raises(RenderError, match=r"(?s)doc\.qmd: quarto .* exit code 3.*ERROR: no such thing"):
        render(write("Text."), ["html"], tmp_path / "output", engine="quarto")
    assert list((tmp_path / "output").iterdir()) == []


def test_a_quarto_that_writes_nothing_is_an_error(write, tmp_path, fake_quarto):
    fake_quarto("pass")
    with pytest.raises(RenderError, match=r"wrote no doc\.html"):
        render(write("Text."), ["html"], tmp_path / "output", engine="quarto")


def test_builtin_is_taken_although_there_is_a_quarto(write, tmp_path, fake_quarto):
    log = fake_quarto("sys.exit(1)")
    (done,) = render(write("Text."), ["html"], tmp_path / "output", engine="builtin")
    assert (done.engine, log.exists()) == ("builtin", False)


@pytest.mark.usefixtures("no_quarto")
def test_auto_falls_back_to_builtin(write, tmp_path):
    told = []
    (done,) = render(write("Text."), ["html"], tmp_path / "output", progress=told.append)
    assert done.engine == "builtin"
    assert done.engine_version.startswith("pandoc 3")
    assert told == ["checking doc.qmd", "writing html"]


@pytest.mark.usefixtures("no_quarto")
def test_quarto_that_is_not_there(write, tmp_path):
    with pytest.raises(InputError, match=r"no quarto is installed.*\n.*use engine builtin"):
        render(write("Text."), ["html"], tmp_path / "output", engine="quarto")


def test_a_wrong_quarto_path_is_no_fallback(write, tmp_path, monkeypatch):
    monkeypatch.setenv("QUARTO_PATH", str(tmp_path / "none"))
    with pytest.raises(InputError, match="QUARTO_PATH"):
        render(write("Text."), ["html"], tmp_path / "output")


@pytest.mark.parametrize(
    ("name", "to", "engine", "rule"),
    [
        ("doc.qmd", ["rtf"], "builtin", "format rtf"),
        ("doc.qmd", [], "builtin", "none is asked for"),
        ("none.qmd", ["html"], "builtin", "no such document"),
        ("image.png", ["html"], "builtin", r"no \.qmd document"),
        ("doc.qmd", ["html"], "latex", "is no engine"),
    ],
)
def test_what_is_asked_for_is_checked_first(write, tmp_path, name, to, engine, rule):
    write("Text.")
    with pytest.raises(InputError, match=rule):
        render(tmp_path / name, to, tmp_path / "output", engine=engine)
    assert not (tmp_path / "output").exists()


def test_a_folder_that_cannot_be_written_stops_before_the_cells(write, tmp_path):
    (tmp_path / "output").write_text("a file stands in the way")
    document = write("```{python}\nfrom pathlib import Path\nPath('ran').touch()\n```")
    with pytest.raises(InputError, match="cannot be written"):
        render(document, ["html"], tmp_path / "output", engine="builtin")
    assert not (tmp_path / "ran").exists()


def test_an_error_in_a_cell_shows_place_source_and_traceback(write, tmp_path):
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "doc.html").write_text("the last good one")
    body = "Text.\n\n{{< include part.md >}}"
    part = "```{python}\n#| label: ratio\nbefore = 0\nafter = 1 / before\n```"
    with pytest.raises(RenderError) as caught:
        render(write(body, part__md=part), ["html"], tmp_path / "output", engine="builtin")
    message = str(caught.value)
    assert message.startswith("part.md:1: cell ratio failed: ZeroDivisionError: division by zero\n")
    assert "    after = 1 / before" in message
    assert "Traceback" in message
    assert "\x1b" not in message
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["doc.html"]
    assert (tmp_path / "output" / "doc.html").read_text() == "the last good one"


def test_an_error_in_an_inline_value_shows_its_line(write, tmp_path):
    body = "One `{python} 1`.\nTwo `{python} nothing.here`."
    with pytest.raises(RenderError, match=r"doc\.qmd:6: inline value nothing\.here failed: NameError"):
        render(write(body), ["html"], tmp_path / "output", engine="builtin")


def test_a_label_that_no_cell_wrote_is_found_at_the_conversion(write, tmp_path):
    body = "See @tbl-later.\n\n```{python}\n#| output: asis\nprint('nothing')\n```"
    with pytest.raises(RenderError, match=r"doc\.qmd: .*\n    @tbl-later refers to no label"):
        render(write(body), ["html"], tmp_path / "output", engine="builtin")


def test_outputs_that_cannot_be_shown_are_all_named(write, tmp_path):
    cells = {
        "class Plot:\n    def _repr_mimebundle_(self, **_):\n        return {'image/svg+xml': '<svg/>'}\nPlot()": "image/svg+xml, text/plain needs Quarto",
        "from IPython.display import HTML\nHTML('<script>1</script>')": "a program in it needs Quarto",
        "#| label: tbl-none\n#| tbl-cap: None.\npass": "tbl-none has a caption but the cell shows nothing",
        "import matplotlib.pyplot as plt\nplt.plot([1]);": "no fig-alt",
        "#| label: fig-two\n#| fig-cap: A.\n#| fig-alt: B.\n"
        "for _ in range(2):\n    plt.plot([1])\n    plt.show()": "2 figures under one label needs Quarto",
    }
    body = "\n\n".join(f"```{{python}}\n{cell}\n```" for cell in cells)
    with pytest.raises(RenderError) as caught:
        render(write(body), ["html"], tmp_path / "output", engine="builtin")
    lines = str(caught.value).splitlines()
    assert len(lines) == len(cells)
    for line, expected in zip(lines, cells.values(), strict=True):
        assert expected in line
        assert line.startswith("doc.qmd:")


def test_cells_run_once_in_the_documents_folder_with_this_python(write, tmp_path, monkeypatch):
    library = tmp_path / "library"
    library.mkdir()
    (library / "own_module.py").write_text("NAME = 'found by PYTHONPATH'")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(library), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "none"))
    body = """
        ```{python}
        #| include: false
        import sys, os, pathlib, own_module
        runs = pathlib.Path("runs")
        runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
        ```

        Python: `{python} sys.executable`

        Folder: `{python} os.getcwd()`

        Module: `{python} own_module.NAME`

        ```{python}
        #| eval: false
        raise SystemExit
        ```

        ```{python}
        #| echo: false
        print("shown"); print("hidden", file=sys.stderr)
        ```

        ```{python}
        #| output: false
        print("not shown")
        ```
        """
    document = write(textwrap.dedent(body), "execute:\n  echo: true\n  warning: false\n")
    done = render(document, ["html", "docx"], tmp_path / "output", engine="builtin")
    assert (tmp_path / "runs").read_text() == "x"
    page = html.fromstring(done[0].path.read_text("utf-8"))
    lines = [paragraph.text_content() for paragraph in page.iter("p")]
    assert f"Python: {sys.executable}" in lines
    assert f"Folder: {tmp_path}" in lines
    assert "Module: found by PYTHONPATH" in lines
    blocks = [block.text_content().strip() for block in page.xpath("//pre")]
    assert blocks == ["raise SystemExit", "shown", 'print("not shown")']


def test_raw_html_that_a_cell_writes_has_no_word_form(write, tmp_path):
    body = "```{python}\n#| output: asis\nprint('a <b>bold</b> word')\n```"
    document = write(body, "execute:\n  echo: false\n")
    with pytest.raises(RenderError, match=r"raw HTML has no form in Word: <b>"):
        render(document, ["docx"], tmp_path / "output", engine="builtin")
