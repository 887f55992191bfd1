"""The Word file of the document with every construct."""

import zipfile

import docx
import pytest
from docx.oxml.ns import qn


@pytest.fixture(scope="module")
def word(rendered):
    return docx.Document(str(rendered[0]["docx"]))


@pytest.fixture(scope="module")
def paragraphs(word):
    return [(p.style.name, p.text) for p in word.paragraphs]


def instructions(element):
    return [run.text.strip() for run in element.iter(qn("w:instrText"))]


def bookmarks(word):
    return [mark.get(qn("w:name")) for mark in word.element.body.iter(qn("w:bookmarkStart"))]


def test_two_renders_are_identical(rendered):
    one, two = (run["docx"].read_bytes() for run in rendered)
    assert one == two


def test_the_title_block_is_whole(paragraphs):
    assert paragraphs[:9] == [
        ("Title", "Primary imaging outcome report"),
        ("Subtitle", "Trial NEURO-FIX (NCT00000000)"),
        ("Author", "Ana Example1,* (ORCID 0000-0002-1825-0097), 山田 太郎1,2"),
        ("Affiliation", "1 Neurology, Example University, Spain"),
        ("Affiliation", "2 Example Hospital, Paris"),
        ("Affiliation", "* Corresponding author: Ana Example, ana@example.org"),
        ("Date", "15 January 2026"),
        ("Abstract Title", "Abstract"),
        ("Abstract", "Background: A structured abstract with a value below 1 m²/ms."),
    ]
    assert paragraphs[9] == ("Body Text", "Keywords: stroke, diffusion MRI")


def test_authors_are_in_the_properties(word):
    assert word.core_properties.author == "Ana Example; 山田 太郎"
    assert word.core_properties.title == "Primary imaging outcome report"


def test_captions_have_fields_that_word_renumbers(word):
    captions = [p for p in word.paragraphs if p.style.name in {"Table Caption", "Image Caption"}]
    assert [caption.text for caption in captions] == [
        "Table\u00a01: Outcomes by arm in NEURO-FIX, mean (SD).",
        "Figure\u00a01: Fractional anisotropy by arm.",
        "Table\u00a02: Imaging visits.",
        "Figure\u00a02: Participant flow.",
        "Figure\u00a03: An image with its own label.",
        "Table\u00a03: A table in a div.",
        "Table\u00a04: Harms, written.",
    ]
    for caption in captions:
        name = caption.text.split("\u00a0")[0]
        assert instructions(caption._p) == [f"SEQ {name} \\* ARABIC"]


def test_references_are_fields_to_bookmarks_that_exist(word):
    fields = [text for text in instructions(word.element.body) if text.startswith("REF ")]
    assert fields == [
        "REF refn_eq_estimand \\h \\* MERGEFORMAT",
        "REF refn_eq_two \\h \\* MERGEFORMAT",
        "REF ref_tbl_fa \\h \\* MERGEFORMAT",
        "REF ref_fig_fa \\h \\* MERGEFORMAT",
        "REF ref_fig_flow \\h \\* MERGEFORMAT",
        "REF refn_tbl_visits \\h \\* MERGEFORMAT",
        "REF refn_tbl_visits \\h \\* MERGEFORMAT",
        "REF ref_fig_flow \\h \\* MERGEFORMAT",
        "REF ref_fig_image \\h \\* MERGEFORMAT",
        "REF ref_tbl_written \\h \\* MERGEFORMAT",
        "REF ref_tbl_written \\h \\* MERGEFORMAT",
    ]
    names = bookmarks(word)
    assert {field.split()[1] for field in fields} <= set(names)
    assert len(names) == len(set(names))
    numbers = [mark.get(qn("w:id")) for mark in word.element.body.iter(qn("w:bookmarkStart"))]
    assert len(numbers) == len(set(numbers))


def test_the_text_reads_as_on_the_page(paragraphs):
    (results,) = [text for _, text in paragraphs if "starts the sentence" in text]
    assert "Figure\u00a02 starts the sentence; 2 is a number, Tab.\u00a02 has a word before it" in results
    (made,) = [text for _, text in paragraphs if "hostile" in text]
    assert "<script>alert(2)</script> | pipes | $math$ *stars* `ticks` Łukasz" in made


def test_images_keep_their_alt_text(word):
    descriptions = [item.get("descr") for item in word.element.body.iter(qn("wp:docPr"))]
    assert descriptions == [
        'Two lines: "cells" rises, control stays level.',
        "Flow: 140 screened, 120 randomised.",
        "The flow again.",
    ]
    inner = [item.get("descr") for item in word.element.body.iter(qn("pic:cNvPr"))]
    assert not any("/" in (text or "").replace("cells/", "") for text in inner), inner


def test_tables_are_real_with_repeated_headers_and_whole_rows(word):
    first = word.tables[0]
    assert [[cell.text for cell in row.cells] for row in first.rows] == [
        ["", "Arm", "Arm"],
        ["", "Control (n = 20)", "Cells (n = 21)"],
        ["Motor"] * 3,
        ["Fugl-Meyer, points", "52.1 (9.8)", "60.4 (8.7)1"],
        ["Site <script>alert(1)</script>", "3", "4"],
        ["Imaging"] * 3,
        ["山田 | $x$ & co", "0.44 (0.04)", "0.46 (0.04)"],
    ]
    repeated = [row._tr.find(".//" + qn("w:tblHeader")) is not None for row in first.rows]
    assert repeated == [True, True, False, False, False, False, False]
    for table in word.tables:
        assert all(row._tr.find(".//" + qn("w:cantSplit")) is not None for row in table.rows)
        styles = {
            paragraph.style.name for row in table.rows for cell in row.cells for paragraph in cell.paragraphs
        }
        assert styles == {"Table Text"}


def test_notes_of_a_table_stand_below_it(paragraphs):
    notes = [text for style, text in paragraphs if style == "Table Note"]
    assert notes == ["SD: standard deviation; $5 | $6.", "1 Assessed blind."]


def test_no_style_sheet_leaks_into_the_text(rendered):
    with zipfile.ZipFile(rendered[0]["docx"]) as archive:
        body = archive.read("word/document.xml").decode()
    assert "gt_" not in body
    assert "font-family" not in body
    assert "neurotrial-" not in body


def test_table_cells_follow_the_alignment(word):
    heading, number = (word.tables[0].rows[row].cells[1].paragraphs[0] for row in (1, 3))
    assert str(heading.alignment).startswith("RIGHT")
    assert [str(stop.alignment).split()[0] for stop in number.paragraph_format.tab_stops] == ["DECIMAL"]


def test_content_for_word_only(paragraphs):
    whole = "\n".join(text for _, text in paragraphs)
    assert "This sentence is only in the Word file." in whole
    assert "In Word only." in whole
    assert "web page" not in whole
    assert "Text in tab one." not in whole


def test_callouts_and_equations_have_styles(paragraphs):
    callouts = [item for item in paragraphs if item[0].startswith("Callout")]
    assert callouts == [
        ("Callout Title", "Protocol deviation"),
        ("Callout", "Two scans were acquired outside the visit window."),
        ("Callout Title", "Titled"),
        ("Callout", "With a title attribute."),
    ]
    assert [text for style, text in paragraphs if style == "Equation"] == ["\t\t(1)", "\t\t(2)"]


def test_the_page_is_a_manuscripts(word):
    section = word.sections[0]
    margins = {
        round(getattr(section, f"{side}_margin").inches, 3) for side in ("left", "right", "top", "bottom")
    }
    assert margins == {1.0}
    tags = [child.tag.split("}")[1] for child in section._sectPr]
    assert tags.index("pgMar") < tags.index("lnNumType")
    if "cols" in tags:
        assert tags.index("lnNumType") < tags.index("cols")
    lines = section._sectPr.find(qn("w:lnNumType"))
    assert lines.get(qn("w:restart")) == "continuous"
    (field,) = section.footer._element.iter(qn("w:fldSimple"))
    assert field.get(qn("w:instr")).strip() == "PAGE"
    body = word.styles["Body Text"]
    assert (body.font.name, body.font.size.pt) == ("Times New Roman", 12)
    assert body.paragraph_format.line_spacing == 2.0
    assert word.styles["Table Caption"].paragraph_format.keep_with_next
    assert word.styles["Captioned Figure"].paragraph_format.keep_with_next
    assert word.styles["Table Text"].paragraph_format.line_spacing == 1.0
