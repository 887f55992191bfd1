"""A study whose labels are markup, mathematics, other scripts and words without end: literal in every format."""

import re
import zipfile

import docx
import matplotlib as mpl
import numpy as np
import pytest
from docx.oxml.ns import qn
from imaging_fixture import hostile_imaging_plan, imaging_results
from lxml import html
from openxml_audit import FileFormat, OpenXmlValidator
from PIL import Image
from results_fixture import HOSTILE

from neurotrial.reports.build import build_reports, plan_reports
from neurotrial.reports.figures.direction import display_order
from neurotrial.reports.figures.style import house_style, new_figure
from neurotrial.reports.floats import Plot, figure_float
from neurotrial.reports.markdown_text import LEFT_TO_RIGHT, Markdown, closed
from neurotrial.reports.rendering import render_builtin
from neurotrial.reports.rendering.typst_pdf import compile_pdf
from neurotrial.reports.scaffold import write_scaffold
from neurotrial.results import write_results

SHALOM, REVERSED = "שלום", "םולש"
TIMES = 50


@pytest.fixture(scope="module")
def manuscript(tmp_path_factory):
    """The manuscript of a study with hostile title and labels by format, and the markup that became its pdf."""
    folder = tmp_path_factory.mktemp("hostile") / "study"
    write_scaffold(folder)
    for other in ("supplement", "quality", "secondary", "checklists"):
        (folder / "reports" / f"{other}.qmd").unlink()
    values = hostile_imaging_plan()
    values["study"] |= {"title": HOSTILE, "design": HOSTILE}
    write_results(folder, imaging_results(values))
    markup = []

    def compile_and_keep(source, out, document):
        markup.append(source.read_text("utf-8"))
        compile_pdf(source, out, document)

    made = render_builtin.BUILTIN_FORMATS["pdf"]
    with pytest.MonkeyPatch.context() as patch:
        kept = render_builtin._Target(made.writer, made.options, compile_and_keep)
        patch.setitem(render_builtin.BUILTIN_FORMATS, "pdf", kept)
        files = build_reports(plan_reports(folder, ("html", "docx", "pdf"), "builtin"))
    return {path.suffix[1:]: path for path in files}, markup[0]


def one_line(text):
    return " ".join(text.replace("\u200b", "").replace(LEFT_TO_RIGHT, "").split())


def are_whole(text):
    """Whether labels are there, and no part of one stands alone."""
    text = one_line(text)
    counts = {text.count(part) for part in (HOSTILE, "alert(1)", "pagebreak >}}", "$x_1$", "مرحبا")}
    return len(counts) == 1 and counts.pop() > TIMES


def test_the_page_shows_the_labels_and_makes_nothing_of_them(manuscript):
    page = html.fromstring(manuscript[0]["html"].read_text("utf-8"))
    assert len(page.xpath("//script")) == 1
    assert page.xpath("//*[local-name()='math']") == []
    assert one_line(page.findtext("head/title")) == HOSTILE
    assert HOSTILE in one_line(page.get_element_by_id("title-block-header").text_content())
    for element in page.xpath("//head | //script | //style"):
        element.drop_tree()
    assert are_whole(page.text_content())
    assert "c" not in [bold.text for bold in page.xpath("//strong")]


def test_the_page_of_it_works_in_a_browser(manuscript, open_page, axe_faults):
    page = open_page(manuscript[0]["html"], 800)
    assert axe_faults(page) == []
    # tables may be wider, and scroll; the page is not
    assert page.evaluate("document.documentElement.scrollWidth") <= 800


def test_the_word_file_shows_the_labels_and_is_valid(manuscript):
    path = manuscript[0]["docx"]
    body = docx.Document(str(path)).element.body
    assert are_whole(" ".join("".join(t.text or "" for t in p.iter(qn("w:t"))) for p in body.iter(qn("w:p"))))
    assert list(body.iter(qn("m:oMath"))) == []
    assert OpenXmlValidator(file_format=FileFormat.OFFICE_2019).validate(path).errors == []
    with zipfile.ZipFile(path) as archive:
        styles = archive.read("word/styles.xml").decode()
    sizes = re.findall(r'<w:sz w:val="(\d+)"/>(?:<w:szCs w:val="(\d+)"/>)?', styles)
    assert sizes
    assert all(size == other for size, other in sizes if other)


def test_the_pdf_shows_the_labels(manuscript):
    files, markup = manuscript
    assert files["pdf"].read_bytes().startswith(b"%PDF")
    literal = re.sub(r'#"((?:[^"\\]|\\.)*)";', lambda found: re.sub(r"\\(.)", r"\1", found[1]), markup)
    body = literal.partition("Background")[2]
    without = re.sub(r'alt: "(?:[^"\\]|\\.)*"|(?m:^<[\w-]+>$)', "", body)
    assert are_whole(without)
    assert "#math.equation" not in body


@pytest.mark.parametrize(
    ("text", "mark"),
    [("FA", ""), (SHALOM, LEFT_TO_RIGHT), (f"{SHALOM} 2)", LEFT_TO_RIGHT), ("12", ""), ("", "")],
)
def test_text_goes_on_from_left_to_right_after_a_label(text, mark):
    assert closed(text) == text + mark
    assert closed(closed(text)) == closed(text)


def test_lines_are_drawn_as_they_are_read():
    assert display_order("FA, n = 3", shapes=False) == "FA, n = 3"
    assert display_order(f"Arm {SHALOM} (3)", shapes=True) == f"{LEFT_TO_RIGHT}Arm {SHALOM} (3)"


def drawn(words, folder):
    with house_style():
        figure = new_figure(1.0)
        axes = figure.subplots()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.text(0.1, 0.5, words)
        axes.set_yticks([0.5], labels=[words])
    figure_float(Plot("a", figure, Markdown("A."), "A."), folder)
    with Image.open(folder / "figures" / "a.png") as image:
        return np.asarray(image.convert("L"))


def test_a_figure_draws_words_from_right_to_left(tmp_path, monkeypatch):
    whole = drawn(SHALOM, tmp_path / "one")
    # the same letters, put in the order of display by hand
    monkeypatch.setattr("neurotrial.reports.figures.direction.display_order", lambda line: line)
    order = LEFT_TO_RIGHT + SHALOM if mpl.__version_info__ >= (3, 11) else REVERSED
    assert np.array_equal(whole, drawn(order, tmp_path / "two"))


def test_a_figure_takes_no_label_for_mathematics(tmp_path):
    # as a formula the dollars would vanish
    assert not np.array_equal(drawn("$x_1$", tmp_path / "one"), drawn("x_1", tmp_path / "two"))
    assert (drawn("$x_1$", tmp_path / "one") < 128).sum() > (drawn("x_1", tmp_path / "two") < 128).sum()
