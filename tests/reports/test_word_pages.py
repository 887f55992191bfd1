"""What a Word file is beyond its text: valid, wide tables on pages in landscape, numbers below each other, blocks kept together."""

import zipfile

import docx
import pytest
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn
from everything_study import png
from openxml_audit import FileFormat, OpenXmlValidator

from neurotrial.reports.rendering.render import render
from neurotrial.reports.rendering.word_numbers import decimal_stop
from neurotrial.reports.rendering.word_pictures import TALLEST
from neurotrial.reports.rendering.word_widths import column_widths, is_wide

WIDE = (
    "|Outcome|" + "|".join(f"Column{i}" for i in range(9)) + "|\n|:-|" + ":-:|" * 9 + "\n"
    "|FA|"
    + "0.071\u00a0(−0.040\u00a0to\u00a00.181)|" * 9
    + "\n|MD|"
    + "10.5\u00a0(−2.0\u00a0to\u00a023.1)|" * 9
    + "\n\n: {} {{#tbl-{}}}\n"
)
NARROW = "|A|B|\n|-|-|\n|1|2|\n\n: Narrow. {#tbl-n}\n"


def wide(name):
    return WIDE.format(f"Table {name}.", name)


@pytest.fixture
def word(write, tmp_path):
    def _word(body, front=""):
        (made,) = render(write(body, front), ["docx"], tmp_path / "out", engine="builtin")
        return made.path

    return _word


def violations(path):
    return [
        str(error) for error in OpenXmlValidator(file_format=FileFormat.OFFICE_2019).validate(path).errors
    ]


def test_the_document_with_everything_is_valid(rendered):
    assert violations(rendered[0]["docx"]) == []


def test_the_validator_sees_a_fault(rendered, tmp_path):
    with zipfile.ZipFile(rendered[0]["docx"]) as good, zipfile.ZipFile(tmp_path / "bad.docx", "w") as bad:
        for member in good.namelist():
            content = good.read(member)
            if member == "word/document.xml":
                content = content.replace(b"<w:trPr><w:cantSplit/>", b"<w:tblPr/><w:trPr><w:cantSplit/>", 1)
            bad.writestr(member, content)
    assert any("tblPr" in error for error in violations(tmp_path / "bad.docx"))


def orientations(document):
    return ["landscape" if s.orientation == WD_ORIENT.LANDSCAPE else "portrait" for s in document.sections]


def blocks(document):
    """The paragraphs and tables of each section."""
    sections = [[]]
    for item in document.element.body:
        if item.tag in {qn("w:p"), qn("w:tbl")}:
            sections[-1].append(item.style if item.tag == qn("w:p") else "table")
            if item.tag == qn("w:p") and item.find(qn("w:pPr") + "/" + qn("w:sectPr")) is not None:
                sections.append([])
    return sections


@pytest.mark.parametrize(
    ("body", "expected", "turned"),
    [
        (
            f"Text.\n\n{wide('a')}\nMore text.",
            ["portrait", "landscape", "portrait"],
            ["TableCaption", "table", None],
        ),
        (f"Text.\n\n# Head\n\n{wide('a')}", ["portrait", "landscape"], ["Heading1", "TableCaption", "table"]),
        (
            f"Text.\n\n# Head\n\nSee below.\n\n{wide('a')}",
            ["portrait", "landscape"],
            ["Heading1", "FirstParagraph", "TableCaption", "table"],
        ),
        (
            f"Text.\n\n{wide('a')}\n{wide('b')}\nMore text.",
            ["portrait", "landscape", "portrait"],
            ["TableCaption", "table", None, "TableCaption", "table", None],
        ),
    ],
    ids=["between texts", "below a heading, at the end", "below a lead", "two together"],
)
def test_wide_tables_stand_on_pages_in_landscape(word, body, expected, turned):
    path = word(body)
    document = docx.Document(str(path))
    assert orientations(document) == expected
    assert blocks(document)[1] == turned
    assert violations(path) == []


def test_pages_in_landscape_have_the_foot_and_line_numbers_of_the_others(word):
    document = docx.Document(
        str(word(f"Text.[^1]\n\n{wide('a')}\nMore text.[^2]\n\n[^1]: One.\n\n[^2]: Two."))
    )
    upright, turned, last = document.sections
    assert (turned.page_width, turned.page_height) == (upright.page_height, upright.page_width)
    for section in document.sections:
        assert section._sectPr.find(qn("w:lnNumType")).get(qn("w:restart")) == "continuous"
        assert [f.get(qn("w:instr")).strip() for f in section.footer._element.iter(qn("w:fldSimple"))] == [
            "PAGE"
        ]
        # notes would be numbered anew in each section
        assert section._sectPr.find(qn("w:footnotePr")) is None
    assert last.page_width == upright.page_width
    grid = [int(column.get(qn("w:w"))) for column in document.tables[0]._tbl.tblGrid]
    assert sum(grid) == pytest.approx(turned.page_width.twips - 2 * turned.left_margin.twips, abs=len(grid))


def test_a_caption_does_not_hold_the_end_of_a_section(word):
    figure = '![A figure.](image.png){#fig-a fig-alt="a"}'
    document = docx.Document(str(word(f"Text.\n\n{figure}\n\n{wide('a')}\nMore.")))
    ends = [p for p in document.paragraphs if p._p.find(qn("w:pPr") + "/" + qn("w:sectPr")) is not None]
    assert [p.text for p in ends] == ["", ""]
    assert all(p._p.pPr.find(qn("w:suppressLineNumbers")) is not None for p in ends)


def test_notes_stay_with_their_table_on_its_page(word):
    from great_tables import GT
    from pandas import DataFrame

    frame = DataFrame({f"column{i}": ["0.071\u00a0(−0.040\u00a0to\u00a00.181)"] for i in range(9)})
    table = GT(frame).tab_source_note("First.").tab_source_note("Second.").as_raw_html()
    document = docx.Document(
        str(word(f"Text.\n\n::: {{#tbl-a}}\n\n```{{=html}}\n{table}\n```\n\nCaption.\n:::\n\nMore."))
    )
    assert blocks(document)[1] == ["TableCaption", "table", "TableNote", "TableNote"]


def test_a_document_without_wide_tables_has_one_section(word):
    assert orientations(docx.Document(str(word(f"Text.\n\n{NARROW}")))) == ["portrait"]


def test_a_page_in_landscape_is_left_as_it_is(word, tmp_path):
    from neurotrial.reports.rendering.word_reference import write_reference_docx

    write_reference_docx(tmp_path / "own.docx")
    own = docx.Document(str(tmp_path / "own.docx"))
    page = own.sections[0]
    page.page_width, page.page_height = page.page_height, page.page_width
    page.orientation = WD_ORIENT.LANDSCAPE
    own.save(str(tmp_path / "own.docx"))
    path = word(f"Text.\n\n{wide('a')}\nMore.", "format:\n  docx:\n    reference-doc: own.docx\n")
    assert orientations(docx.Document(str(path))) == ["landscape"]


def test_only_the_first_section_has_a_title_page_and_begins_to_count(word, tmp_path):
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    from neurotrial.reports.rendering.word_reference import write_reference_docx

    write_reference_docx(tmp_path / "own.docx")
    own = docx.Document(str(tmp_path / "own.docx"))
    own.sections[0].different_first_page_header_footer = True
    own.sections[0]._sectPr.find(qn("w:titlePg")).addprevious(
        parse_xml(f'<w:pgNumType {nsdecls("w")} w:start="7"/>')
    )
    own.save(str(tmp_path / "own.docx"))
    path = word(f"Text.\n\n{wide('a')}\nMore.", "format:\n  docx:\n    reference-doc: own.docx\n")
    sections = docx.Document(str(path)).sections
    for name in ("w:titlePg", "w:pgNumType"):
        assert [s._sectPr.find(qn(name)) is not None for s in sections] == [True, False, False]


def test_numbers_share_their_decimal_point(word):
    rows = "|a|9.5 (1 to 2)|1|12 (40 %)|word|\n|b|−10.25 (3 to 4)|200|7 (3 %)|word|\n|c|–|–|–|–|"
    document = docx.Document(str(word(f"|L|D|N|P|W|\n|-|:-:|:-:|:-:|:-:|\n{rows}")))
    table = document.tables[0]

    def stops(column):
        found = [row.cells[column].paragraphs[0] for row in table.rows]
        return [[(t.position.twips, str(t.alignment)) for t in p.paragraph_format.tab_stops] for p in found]

    for column in (1, 2):
        heading, first, second, missing = stops(column)
        assert heading == missing == []
        assert first == second
        ((position, kind),) = first
        assert kind.startswith("DECIMAL")
        # the block stands in the middle of its cell
        width = int(table._tbl.tblGrid[column].get(qn("w:w"))) - 120
        assert 0 < position < width
    for column in (0, 3, 4):
        assert stops(column) == [[]] * 4
    assert str(table.rows[3].cells[1].paragraphs[0].alignment).startswith("CENTER")


@pytest.mark.parametrize(
    ("texts", "room", "stop"),
    [
        (["1.5", "22.75"], 1000, 475),
        (["1", "22"], 1000, 600),
        (["1.5"], 1000, None),
        (["1.5", "7 (3 %)"], 1000, None),
        (["1.5 (0.1 to 0.2)", "2.5 (0.1 to 0.2)"], 400, None),
    ],
)
def test_where_the_decimal_point_stands(texts, room, stop):
    # letters of 10 points: digits are 100 twips wide, points 50
    found = decimal_stop(texts, room, 10, "center")
    if stop is None:
        assert found is None
    else:
        assert found == pytest.approx(stop, abs=1)


def kept(row):
    return all(p.find(qn("w:pPr") + "/" + qn("w:keepNext")) is not None for p in row._tr.iter(qn("w:p")))


def test_short_tables_stay_on_one_page_and_long_ones_keep_their_ends(word):
    def table(count):
        return "|A|B|\n|-|-|\n" + "|1|2|\n" * count

    document = docx.Document(str(word(f"{table(3)}\n\nText.\n\n{table(30)}")))
    short, long = document.tables
    assert [kept(row) for row in short.rows] == [True, True, True, False]
    assert [kept(row) for row in long.rows] == [True] + [False] * 30


def test_the_last_row_stays_with_the_notes_and_a_group_with_its_heading(rendered):
    document = docx.Document(str(rendered[0]["docx"]))
    notes = [p for p in document.paragraphs if p.style.name == "Table Note"]
    assert [p.paragraph_format.keep_with_next for p in notes] == [True, None]
    assert all(kept(row) for row in document.tables[0].rows)


@pytest.mark.parametrize("count", [1, 400])
def test_words_without_end_neither_turn_the_page_nor_take_all_of_it(count):
    rows = [["Outcome", "n"], ["x" * 40 * count, "12"]]
    assert not is_wide(rows)
    assert column_widths(rows)[1] > 0.03


def test_a_picture_leaves_room_for_its_caption(word, tmp_path):
    (tmp_path / "tall.png").write_bytes(png(10, 40))
    body = "![Tall.](tall.png){#fig-a fig-alt='a' width=3in}\n\n![Flat.](image.png){#fig-b fig-alt='b' width=3in}"
    tall, flat = docx.Document(str(word(body.replace("'", '"')))).inline_shapes
    assert tall.height.inches == pytest.approx(9 * TALLEST, abs=0.01)
    assert tall.width.inches == pytest.approx(9 * TALLEST / 4, abs=0.01)
    assert (flat.width.inches, flat.height.inches) == pytest.approx((3, 2), abs=0.01)
