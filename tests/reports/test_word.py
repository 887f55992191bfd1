"""The parts of Word files: template, table widths, and the captions that Quarto projects share."""

import io
import json
import subprocess
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurotrial.reports.rendering.pandoc import pandoc_path
from neurotrial.reports.rendering.word_reference import write_reference_docx
from neurotrial.reports.rendering.word_tables import finish_tables
from neurotrial.reports.rendering.word_widths import SMALLEST_WIDTH, column_widths
from neurotrial.reports.rendering.word_zip import repack

FLOATS = Path(__file__).parents[2] / "reports" / "word-floats.lua"

# Quarto's Lua globals, as far as the filter uses them; floats are given as a table below
QUARTO = """
local rendered
quarto = {
  doc = {is_format = function(name) return name == 'docx' end},
  _quarto = {ast = {add_renderer = function(name, applies, render)
    assert(name == 'FloatRefTarget')
    rendered = function(float) assert(applies(float)); return render(float) end
  end}},
}
local filter = dofile('FLOATS')
assert(next(filter) == nil)

function Pandoc(doc)
  local image = pandoc.Image('', 'a.png', '', {['fig-alt'] = 'Said.'})
  local tab = pandoc.utils.from_simple_table(pandoc.SimpleTable(
    {}, {'AlignLeft'}, {0}, {{pandoc.Plain 'h'}}, {{{pandoc.Plain 'c'}}}))
  return pandoc.Pandoc({
    rendered {type = 'Figure', identifier = 'fig-a', order = {order = 3},
      caption_long = pandoc.Blocks {pandoc.Plain 'First.'}, content = pandoc.Plain {image}},
    rendered {type = 'Table', identifier = 'tbl-' .. ('long'):rep(12), order = {order = 2},
      caption_long = pandoc.Plain 'Second.', content = pandoc.Blocks {pandoc.Div {tab}}},
  })
end
"""


@pytest.fixture(scope="module")
def quarto_floats(tmp_path_factory):
    """What the shared filter makes of a figure and a table when Quarto calls it, as pandoc's JSON."""
    script = tmp_path_factory.mktemp("quarto") / "quarto.lua"
    script.write_text(QUARTO.replace("FLOATS", str(FLOATS)), "utf-8")
    command = [pandoc_path(), "--from=markdown", "--to=json", f"--lua-filter={script}"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["blocks"]


def test_quarto_floats_become_plain_figures_and_tables(quarto_floats):
    figure, table = quarto_floats
    assert (figure["t"], table["t"]) == ("Figure", "Table")
    assert figure["c"][0][0] == "fig-a"
    image = figure["c"][2][0]["c"][0]["c"]
    assert image[0][2] == []
    assert image[1] == [{"t": "Str", "c": "Said."}]


def test_quarto_captions_have_fields_and_bookmarks(quarto_floats):
    figure, table = quarto_floats
    raw = [block["c"][1][1][0]["c"][0]["c"][1] for block in (figure, table)]
    assert "SEQ Figure \\* ARABIC" in raw[0]
    assert '<w:t xml:space="preserve">3</w:t>' in raw[0]
    assert 'w:name="ref_fig_a"' in raw[0]
    assert "SEQ Table \\* ARABIC" in raw[1]
    names = [part.split('"')[0] for part in raw[1].split('w:name="')[1:]]
    assert [len(name) for name in names] == [40, 40]
    assert len(set(names)) == 2


def test_the_template_is_the_same_each_time(tmp_path):
    for name in ("one.docx", "two.docx"):
        write_reference_docx(tmp_path / name)
    assert (tmp_path / "one.docx").read_bytes() == (tmp_path / "two.docx").read_bytes()


def test_code_has_the_size_of_the_text_around_it(tmp_path):
    write_reference_docx(tmp_path / "reference.docx")
    assert docx.Document(str(tmp_path / "reference.docx")).styles["Verbatim Char"].font.size is None


def test_an_archive_without_times_keeps_its_members():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("b.txt", "second")
        archive.writestr("a/a.txt", "first")
    packed = repack(buffer.getvalue())
    assert repack(packed) == packed
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert [(member.filename, member.date_time[0]) for member in archive.infolist()] == [
            ("b.txt", 1980),
            ("a/a.txt", 1980),
        ]
        assert archive.read("b.txt") == b"second"


@given(
    st.integers(1, 9).flatmap(
        lambda n: st.lists(st.lists(st.text("ab -", max_size=90), min_size=n, max_size=n), min_size=1)
    )
)
def test_widths_are_parts_of_the_page(rows):
    widths = column_widths(rows)
    assert len(widths) == len(rows[0])
    assert min(widths) > 0
    assert SMALLEST_WIDTH - 1e-9 <= sum(widths) <= 1 + 1e-9  # rounding of nine additions


def test_words_are_not_broken_and_long_texts_get_what_is_left():
    count, comment = column_widths([["n control", "Comment"], ["20", "a text of many words " * 9]])
    assert count * 100 > len("control")
    assert comment > 2 * count


def test_tables_of_other_programs_are_finished_too():
    document = docx.Document()
    document.add_table(2, 2).rows[0].cells[0].text = "x"
    finish_tables(document)
    table = document.tables[0]
    assert "w:cantSplit" in table.rows[1]._tr.xml
    assert 'w:type="pct"' in table._tbl.tblPr.xml


def test_headings_beside_spanners_ask_for_room():
    document = docx.Document()
    table = document.add_table(rows=3, cols=3)
    for row, texts in zip(
        table.rows, (("Verdict", "", ""), ("", "a", "b"), ("ok", "1" * 90, "2")), strict=True
    ):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(0, 1).merge(table.cell(0, 2)).text = "A heading of both"
    table.cell(0, 0).merge(table.cell(1, 0))
    finish_tables(document)
    verdict, _, last = (column.width for column in document.tables[0].columns)
    # seven letters beside one
    assert verdict / last == pytest.approx((7 + 3) / (1 + 3), rel=0.01)
