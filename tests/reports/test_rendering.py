"""A document that uses every construct of the subset, rendered to html and Word."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from lxml import etree, html

from neurotrial.reports.rendering.render import render

HERE = Path(__file__).parent
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"


def copy_project(target: Path) -> Path:
    shutil.copytree(HERE / "everything", target)
    shutil.copy(HERE.parents[1] / "reports" / "neurotrial.csl", target)
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, 1])
    figure.savefig(target / "reports" / "flow.png", dpi=80)
    plt.close(figure)
    return target / "reports" / "report.qmd"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("everything")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        done = render(copy_project(folder / "project"), ["html", "docx"], folder / "out", engine="builtin")
    assert [(item.format, item.engine) for item in done] == [("html", "builtin"), ("docx", "builtin")]
    assert all(item.engine_version.startswith("pandoc 3") for item in done)
    return {item.format: item.path for item in done}


@pytest.fixture(scope="module")
def page(rendered: dict[str, Path]) -> html.HtmlElement:
    return html.fromstring(rendered["html"].read_bytes())


@pytest.fixture(scope="module")
def word(rendered: dict[str, Path]) -> etree._Element:
    with zipfile.ZipFile(rendered["docx"]) as archive:
        assert archive.testzip() is None
        return etree.fromstring(archive.read("word/document.xml"))


def text(element: etree._Element) -> str:
    return re.sub(r"\s+", " ", "".join(element.itertext())).replace("\u00a0", " ")


def word_text(word: etree._Element) -> str:
    paragraphs = ("".join(node.text or "" for node in p.iter(f"{W}t")) for p in word.iter(f"{W}p"))
    return "\n".join(paragraphs).replace("\u00a0", " ")


def test_the_page_stands_alone(rendered: dict[str, Path], page: html.HtmlElement) -> None:
    remote = [node.get(name) for node in page.iter() for name in ("src", "srcset", "data") if node.get(name)]
    assert remote
    assert all(address.startswith("data:") for address in remote)
    assert not page.xpath("//link[@rel='stylesheet']")
    assert not page.xpath("//script")
    assert b"url(http" not in rendered["html"].read_bytes()
    assert page.get("lang") == "en-GB"


def test_title_block_in_both_formats(page: html.HtmlElement, word: etree._Element) -> None:
    for words in (text(page), word_text(word)):
        assert "Primary imaging outcome report" in words
        assert "Trial NEURO-FIX (NCT00000000)" in words
        assert re.search(r"1 ?Neurology, Example University, Spain", words)
        assert re.search(r"2 ?Example Hospital, Paris", words)
        assert "山田 太郎" in words
        assert "ana@example.org" in words
        assert "stroke, diffusion MRI" in words
    assert page.xpath("//a[contains(@href, 'orcid.org/0000-0002-1825-0097')]")


def test_shortcodes_and_inline_values(page: html.HtmlElement) -> None:
    words = text(page)
    assert "locked pipeline (version 1.4.2)" in words
    assert re.search(r"Made by builtin \(pandoc 3[.\d]*\)", words)
    assert "In 3 rows (Table 1, Figure 1; Section 1)" in words
    assert page.xpath("//strong[text()='bold value']")


def test_hostile_text_comes_out_literally(page: html.HtmlElement, word: etree._Element) -> None:
    hostile = "<script>alert(2)</script> | pipes | $math$ *stars* `ticks` Łukasz"
    for words in (text(page), word_text(word)):
        assert hostile in words
        assert "Site <script>alert(1)</script>" in words
        assert "山田 | $x$ & co" in words
        assert "SD: standard deviation; $5 | $6." in words


def test_cross_references_are_numbers_that_lead_to_their_target(page: html.HtmlElement) -> None:
    identifiers = {node.get("id") for node in page.iter() if node.get("id")}
    for name, number in (
        ("tbl-fa", "Table 1"),
        ("fig-fa", "Figure 1"),
        ("sec-methods", "Section 1"),
        ("eq-estimand", "Equation 1"),
    ):
        links = page.xpath(f"//a[@href='#{name}']")
        assert any(text(link) == number for link in links), (name, [text(link) for link in links])
        assert name in identifiers
    words = text(page)
    assert (
        "Figure 2 starts the sentence; 2 is a number, Tab. 2 has a word before it, and Figure 2, Figure 3 are two"
        in words
    )
    assert "?@" not in words


def test_floats_are_numbered_in_their_order(page: html.HtmlElement, word: etree._Element) -> None:
    captions = [text(node) for node in page.xpath("//figcaption | //caption")]
    wanted = ["Table 1", "Figure 1", "Table 2", "Figure 2", "Figure 3", "Table 3", "Table 4"]
    assert [re.match(r"(Table|Figure) \d+", caption)[0] for caption in captions] == wanted
    assert captions[0].endswith("Outcomes by arm in NEURO-FIX, mean (SD).")
    in_word = re.findall(r"^(?:Table|Figure) \d+(?=:)", word_text(word), flags=re.MULTILINE)
    assert in_word == wanted


def test_word_captions_have_fields_that_word_can_renumber(word: etree._Element) -> None:
    instructions = [node.text.strip() for node in word.iter(f"{W}instrText")]
    instructions += [node.get(f"{W}instr").strip() for node in word.iter(f"{W}fldSimple")]
    assert sum(item.startswith("SEQ Table") for item in instructions) == 4
    assert sum(item.startswith("SEQ Figure") for item in instructions) == 3
    bookmarks = {node.get(f"{W}name") for node in word.iter(f"{W}bookmarkStart")}
    targets = [item.split()[1] for item in instructions if item.startswith("REF ")]
    assert targets
    assert set(targets) <= bookmarks
    begins = [node.get(f"{W}fldCharType") for node in word.iter(f"{W}fldChar")]
    assert begins.count("begin") == begins.count("end")


def test_word_tables_are_real_with_repeated_headers(word: etree._Element) -> None:
    tables = list(word.iter(f"{W}tbl"))
    assert len(tables) == 5
    assert all(table.find(f".//{W}tblHeader") is not None for table in tables)
    assert all(
        row.find(f"{W}trPr/{W}cantSplit") is not None for table in tables for row in table.iter(f"{W}tr")
    )
    assert not [table for table in tables if table.find(f".//{W}tbl") is not None]
    first = [[text(cell) for cell in row.iter(f"{W}tc")] for row in tables[0].iter(f"{W}tr")]
    assert first[0][-1] == "Arm"
    assert "60.4 (8.7)" in " ".join(cell for row in first for cell in row)
    assert not re.search(r"gt_|font-family", word_text(word))


def test_images_have_alt_text_in_both_formats(page: html.HtmlElement, word: etree._Element) -> None:
    wanted = [
        'Two lines: "cells" rises, control stays level.',
        "Flow: 140 screened, 120 randomised.",
        "The flow again.",
    ]
    assert [image.get("alt") for image in page.iter("img")] == wanted
    assert [node.get("descr") for node in word.iter(f"{WP}docPr")] == wanted


def test_content_by_format(page: html.HtmlElement, word: etree._Element) -> None:
    in_page, in_word = text(page), word_text(word)
    assert "only in the Word file" in in_word
    assert "In Word only." in in_word
    assert "only in the Word file" not in in_page
    assert "In Word only." not in in_page
    for sentence in (
        "This sentence is only in the web page.",
        "This too is only in the web page.",
        "Text in tab two.",
    ):
        assert sentence in in_page
        assert sentence not in in_word


def test_callouts_code_and_footnotes(page: html.HtmlElement, word: etree._Element) -> None:
    for words in (text(page), word_text(word)):
        assert "Protocol deviation" in words
        assert "Titled" in words
        assert "plain output with ``` backticks" in words
        assert "`{python} not_run`" in words
    assert 'rows[["label", "control"]]' in text(page)
    assert "A footnote with code." in text(page)
    assert [node for node in word.iter(f"{W}br") if node.get(f"{W}type") == "page"]


def test_citations_are_numbered_by_the_style(page: html.HtmlElement) -> None:
    words = text(page)
    assert re.search(r"CONSORT 2025 \[1\], with estimands \[2,3", words)
    entries = page.xpath("//*[@id='refs']//*[contains(@class, 'csl-entry')]")
    assert len(entries) == 4
    assert "doi.org/10.1136/bmj-2024-081123" in html.tostring(entries[0]).decode()


def test_equations_are_mathml_with_numbers(page: html.HtmlElement) -> None:
    assert len(page.xpath("//*[local-name()='math' and @display='block']")) == 2
    assert "(1)" in text(page)


def test_page_and_line_numbers_in_word(word: etree._Element, rendered: dict[str, Path]) -> None:
    assert word.find(f".//{W}lnNumType").get(f"{W}restart") == "continuous"
    with zipfile.ZipFile(rendered["docx"]) as archive:
        footers = [
            archive.read(name) for name in archive.namelist() if "footer" in name and name.endswith(".xml")
        ]
    assert any(b"PAGE" in footer for footer in footers)


def test_word_paragraphs_have_one_set_of_properties(word: etree._Element) -> None:
    for paragraph in word.iter(f"{W}p"):
        assert len(paragraph.findall(f"{W}pPr")) <= 1


def test_two_renders_are_byte_identical(
    rendered: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    again = render(copy_project(tmp_path / "project"), ["html", "docx"], tmp_path / "out", engine="builtin")
    for item in again:
        assert item.path.read_bytes() == rendered[item.format].read_bytes(), item.format


def test_no_path_of_the_machine_is_left_in_the_files(rendered: dict[str, Path]) -> None:
    place = str(rendered["html"].parents[1]).encode()
    assert place not in rendered["html"].read_bytes()
    with zipfile.ZipFile(rendered["docx"]) as archive:
        assert not [name for name in archive.namelist() if place in archive.read(name)]
