"""Reading documents: settings, lines, what is prose, and values that stay literal."""

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurotrial.reports.pandoc import pandoc_path
from neurotrial.reports.qmd_authors import format_date, title_block
from neurotrial.reports.qmd_document import Cell, Markdown, read_document
from neurotrial.reports.qmd_outputs import escape_markdown, tasks_of
from neurotrial.reports.qmd_settings import merge
from neurotrial.reports.qmd_source import Line
from neurotrial.reports.qmd_visible import visible_text
from neurotrial.reports.render_builtin import READER

NESTED = st.recursive(
    st.integers() | st.lists(st.integers(), unique=True),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), NESTED)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1),
        min_size=20,
    )
)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_escaped_values_print_literally(texts):
    texts = [text for text in (" ".join(text.split()) for text in texts) if text]
    source = "\n\n".join("x" + escape_markdown(text) for text in texts)
    done = subprocess.run(
        [pandoc_path(), f"--from={READER}", "--to=plain", "--wrap=none"],
        input=source.encode(),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().split("\n\n") == ["x" + text for text in texts[:-1]] + [
        f"x{texts[-1]}\n"
    ] * bool(texts)


@pytest.mark.parametrize(
    "text", ["    code", "# no heading", "- no list", "1. no list", "a\n\n:::\n```", "![a](b)", "@x [^1]"]
)
def test_escaped_values_start_no_block(text):
    done = subprocess.run(
        [pandoc_path(), f"--from={READER}", "--to=native"],
        input=escape_markdown(text).encode(),
        capture_output=True,
        check=True,
    )
    native = done.stdout.decode()
    assert native.count("Para") == 1
    assert not any(name in native for name in ("Header", "List", "Code", "Image", "Cite", "Note", "Div"))


@given(MAPPINGS, MAPPINGS)
def test_merging_keeps_what_is_above(below, above):
    merged = merge(below, above)
    assert merge({}, above) == above
    assert merge(merged, above) == merged
    assert set(merged) == set(below) | set(above)


def test_settings_of_project_metadata_files_and_document_merge(write):
    document, problems = read_document(
        write(
            "Text.",
            "bibliography: b.bib\ntoc: true\nmetadata-files: [more.yml]\nformat:\n  html:\n    toc-depth: 2\n",
            project="lang: en-GB\nbibliography: [a.bib]\nformat:\n  html:\n    toc-title: Inhalt",
            more__yml="deep:\n  value: 3",
        )
    )
    assert problems == []
    assert document.metadata["lang"] == "en-GB"
    assert document.metadata["bibliography"] == str(document.root / "b.bib")
    assert document.metadata["deep"] == {"value": 3}
    assert document.formats == {"html": {"toc-title": "Inhalt", "toc-depth": 2}}


def test_includes_keep_their_own_lines(write):
    document, problems = read_document(
        write(
            "One\n\n{{< include part.md >}}\n\nFive",
            part__md="{{< include /deep.md >}}\nsecond",
            deep__md="first",
        )
    )
    assert problems == []
    assert [(line.text, line.where) for line in document.markdown if line.text] == [
        ("One", "doc.qmd:5"),
        ("first", "deep.md:1"),
        ("second", "part.md:2"),
        ("Five", "doc.qmd:9"),
    ]


def test_cells_and_inline_values_come_in_order(write):
    body = "a `{python} x + 1` b\n\n```{python}\n#| label: one\n#| eval: true\ny\n```\n\n``{python} shown``\n\n```{python}\n```"
    document, _ = read_document(write(body))
    assert [type(block) for block in document.blocks] == [Markdown, Cell, Markdown, Cell]
    assert [(task.code, task.where, task.inline) for task in tasks_of(document)] == [
        ("x + 1", "doc.qmd:5", True),
        ("y", "doc.qmd:7", False),
        ("", "doc.qmd:15", False),
    ]
    assert document.cells[0].where("eval") == "doc.qmd:9"


@given(st.text("ab`$<!->~\n\\ ", max_size=60))
def test_blanking_keeps_every_position(text):
    lines = [Line(part, "a.qmd", number) for number, part in enumerate(text.split("\n"), 1)]
    visible = visible_text(lines)
    assert len(visible.text) == len(visible.raw)
    assert [number for number, char in enumerate(visible.text) if char == "\n"] == [
        number for number, char in enumerate(visible.raw) if char == "\n"
    ]
    for position, char in enumerate(visible.text):
        assert char in {" ", visible.raw[position]}


def test_title_block_of_simple_and_rich_authors():
    block = title_block(
        {
            "author": ["A. Plain", {"name": {"given": "Bo", "family": "Rich"}, "affiliation": "There"}],
            "keywords": "one",
            "date": "2026-02-03",
            "lang": "en-US",
        }
    )
    assert block == {
        "author": ["A. Plain", "Bo Rich"],
        "authors": "A. Plain, Bo Rich^1^",
        "affiliation": ["^1^ There"],
        "date": "February 3, 2026",
        "keyword-line": "**Keywords:** one",
    }
    assert title_block({}) == {}


def test_today_follows_the_reproducible_clock(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert format_date("today", "en-GB") == "1 January 1970"
