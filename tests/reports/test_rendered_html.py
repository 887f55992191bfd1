"""The web page of the document with every construct."""

import re

import pytest
from everything_study import TOOLS
from lxml import html

from neurotrial.reports.rendering.render import render


@pytest.fixture(scope="module")
def page(rendered):
    return html.fromstring(rendered[0]["html"].read_text("utf-8"))


def text(element):
    return re.sub(r"\s+", " ", element.text_content()).strip()


def test_nothing_is_loaded_from_elsewhere(page):
    assert [script.text for script in page.xpath("//script")] == html.fromstring(
        TOOLS.read_text("utf-8")
    ).xpath("//script/text()")
    assert page.xpath("//script/@*") == []
    assert page.xpath("//link") == []
    assert {source[:22] for source in page.xpath("//@src")} == {"data:image/png;base64,"}
    assert not re.search(r"url\((?!data:)|@import", "".join(page.xpath("//style/text()")))


def test_two_renders_are_identical(rendered):
    one, two = (run["html"].read_bytes() for run in rendered)
    assert one == two


def test_the_title_block_is_whole(page):
    assert page.get("lang") == "en-GB"
    header = page.get_element_by_id("title-block-header")
    assert text(header.find("h1")) == page.findtext("head/title") == "Primary imaging outcome report"
    lines = {
        kind: [text(p) for p in header.xpath(f"p[@class='{kind}']")] for kind in header.xpath("p/@class")
    }
    assert lines == {
        "subtitle": ["Trial NEURO-FIX (NCT00000000)"],
        "authors": ["Ana Example1,* (ORCID 0000-0002-1825-0097), 山田 太郎1,2"],
        "affiliation": ["1 Neurology, Example University, Spain", "2 Example Hospital, Paris"],
        "correspondence": ["* Corresponding author: Ana Example, ana@example.org"],
        "date": ["15 January 2026"],
        "keywords": ["Keywords: stroke, diffusion MRI"],
    }
    assert header.xpath(".//a/@href") == ["https://orcid.org/0000-0002-1825-0097", "mailto:ana@example.org"]
    assert page.xpath("//meta[@name='author']/@content") == ["Ana Example", "山田 太郎"]


def test_references_lead_to_what_they_name(page):
    shown = [(text(a), a.get("href")) for a in page.xpath("//a[@class='quarto-xref']")]
    assert shown == [
        ("Equation 1", "#eq-estimand"),
        ("Equation 2", "#eq-two"),
        ("Table 1", "#tbl-fa"),
        ("Figure 1", "#fig-fa"),
        ("Section 1", "#sec-methods"),
        ("Figure 2", "#fig-flow"),
        ("2", "#tbl-visits"),
        ("2", "#tbl-visits"),
        ("Figure 2", "#fig-flow"),
        ("Figure 3", "#fig-image"),
        ("1.1", "#sec-rendering"),
        ("Table 4", "#tbl-written"),
        ("Table 4", "#tbl-written"),
    ]
    for _, target in shown:
        assert len(page.xpath(f"//*[@id='{target[1:]}']")) == 1
    paragraph = next(text(p) for p in page.iter("p") if "starts the sentence" in p.text_content())
    assert "Figure 2 starts the sentence; 2 is a number, Tab. 2 has a word" in paragraph
    assert "See Section 1.1." in paragraph


def test_captions_are_numbered_in_document_order(page):
    assert [text(caption) for caption in page.xpath("//caption | //figcaption")] == [
        "Table 1: Outcomes by arm in NEURO-FIX, mean (SD).",
        "Figure 1: Fractional anisotropy by arm.",
        "Table 2: Imaging visits.",
        "Figure 2: Participant flow.",
        "Figure 3: An image with its own label.",
        "Table 3: A table in a div.",
        "Table 4: Harms, written.",
    ]


def test_images_have_their_alt_text_and_size(page):
    images = [(image.get("alt"), image.get("style")) for image in page.iter("img")]
    alts = [alt for alt, _ in images]
    assert alts == [
        'Two lines: "cells" rises, control stays level.',
        "Flow: 140 screened, 120 randomised.",
        "The flow again.",
    ]
    width = float(re.search(r"width:([\d.]+)in", images[0][1])[1])
    assert 4 < width < 5.2  # 5 inches by the settings, less the margin that the inline backend trims


def test_a_table_of_great_tables_is_plain_and_accessible(page):
    table = page.get_element_by_id("tbl-fa")
    assert table.xpath(".//style | .//@class[contains(., 'gt_')]") == []
    heads = [[(text(th), th.get("scope")) for th in row.iter("th")] for row in table.find("thead").iter("tr")]
    assert heads == [
        [("", None), ("Arm", "colgroup")],
        [("Control (n = 20)", "col"), ("Cells (n = 21)", "col")],
    ]
    assert [text(th) for th in table.xpath("tbody//th[@scope='row']")] == [
        "Fugl-Meyer, points",
        "Site <script>alert(1)</script>",
        "山田 | $x$ & co",
    ]
    assert [text(th) for th in table.xpath("tbody//th[@scope='colgroup']")] == ["Motor", "Imaging"]
    assert text(table.xpath("tbody//td/strong")[0]) == "60.4 (8.7)1"
    assert table.xpath("tbody//td[1]")[0].get("style") == "text-align: right;"
    assert [text(td) for td in table.xpath("tfoot//td")] == [
        "SD: standard deviation; $5 | $6.",
        "1 Assessed blind.",
    ]


def test_inline_values_are_literal_unless_they_are_markdown(page):
    paragraph = next(p for p in page.iter("p") if "hostile" in p.text_content())
    assert "<script>alert(2)</script> | pipes | $math$ *stars* `ticks` Łukasz" in text(paragraph)
    assert [text(strong) for strong in paragraph.iter("strong")] == ["bold value"]
    assert re.search(r"Made by builtin \(pandoc [\d.]+, typst [\d.]+\);", text(paragraph))
    assert "`{python} not_run`" in text(page.xpath("//pre")[1])


def test_content_for_other_formats_is_absent(page):
    whole = text(page)
    assert "only in the Word file" not in whole
    assert "In Word only." not in whole
    assert "This sentence is only in the web page." in whole
    assert "This too is only in the web page." in whole
    assert "Text in tab one." in whole


def test_callouts_and_sections(page):
    callouts = [(div.get("class"), [text(p) for p in div]) for div in page.xpath("//*[@role='note']")]
    assert callouts == [
        (
            "callout callout-warning",
            ["Protocol deviation", "Two scans were acquired outside the visit window."],
        ),
        ("callout callout-note", ["Titled", "With a title attribute."]),
    ]
    contents = [text(a) for a in page.get_element_by_id("TOC").iter("a")]
    assert contents == ["1 Methods", "1.1 Rendering", "2 Results", "2.1 Written by a cell", "References"]


def test_equations_are_mathml_with_numbers(page):
    equations = page.xpath("//div[@class='equation']")
    assert [div.get("id") for div in equations] == ["eq-estimand", "eq-two"]
    assert [text(div.xpath(".//span[@class='equation-number']")[0]) for div in equations] == ["(1)", "(2)"]
    assert all(div.xpath(".//*[local-name()='math'][@display='block']") for div in equations)


def test_citations_are_numbers_in_order_of_appearance(page):
    paragraph = next(text(p) for p in page.iter("p") if "Reporting follows" in p.text_content())
    assert "CONSORT 2025 [1], with estimands [2,3 (p. 31)] fitted by software [4]." in paragraph


def test_echoed_code_and_printed_text(page):
    blocks = [text(pre) for pre in page.xpath("//pre")]
    assert blocks == [
        'rows[["label", "control"]]',
        'shown = "`{python} not_run`"',
        "plain output with ``` backticks",
    ]


def test_intervals_and_percentages_of_cells_are_not_broken(write, tmp_path):
    rows = "|6.4 (−4.2 to 17.0)|12 (47 %)|from 1 to 2|\n|0.5 (no interval)|3 (SD 4)|a (x to y) b|"
    document = write(f"|a|b|c|\n|-|-|-|\n{rows}")
    (made,) = render(document, ["html"], tmp_path / "out", engine="builtin")
    cells = [cell.text_content() for cell in html.fromstring(made.path.read_text("utf-8")).iter("td")]
    assert cells == [
        "6.4 (−4.2\u00a0to\u00a017.0)",
        "12 (47\u00a0%)",
        "from 1 to 2",
        "0.5 (no interval)",
        "3 (SD 4)",
        "a (x to y) b",
    ]
