"""The pdf of the document with every construct, and what must not reach the compiler as code."""

import html
import io
import json
import re

import pytest
import typst
from everything_study import png

from neurotrial.errors import InputError, RenderError
from neurotrial.reports.rendering import render_builtin, typst_pdf
from neurotrial.reports.rendering.lint import lint
from neurotrial.reports.rendering.render import render
from neurotrial.reports.rendering.typst_page import FONTS, PAPERS
from neurotrial.reports.rendering.typst_pdf import compile_pdf

HOSTILE = r"""#import "@preview/cetz:0.3.0" $x$ *s* _u_ <b>i</b> \ \n @tbl-x ` ~ = - + / // /* "q" 'a' a--b ... [c] {d} -? https://x.org/#y"""
SMALL_MARKUP = '#set document(title: "T")\n= H\n'


def texts(element):
    """Return what an element of typst's own answer shows."""
    if isinstance(element, list):
        return "".join(map(texts, element))
    if not isinstance(element, dict):
        return ""
    if element.get("func") in {"space", "parbreak"}:
        return " "
    parts = (element.get(key) for key in ("children", "body", "child"))
    return element["text"] if isinstance(element.get("text"), str) else "".join(map(texts, parts))


@pytest.fixture(scope="module")
def sources():
    """Keep the markup from which the following pdfs are made."""
    kept = []

    def compile_and_keep(source, out, document):
        kept.append(source.read_text("utf-8"))
        compile_pdf(source, out, document)

    target = render_builtin.BUILTIN_FORMATS["pdf"]
    with pytest.MonkeyPatch.context() as patch:
        made = render_builtin._Target(target.writer, target.options, compile_and_keep)
        patch.setitem(render_builtin.BUILTIN_FORMATS, "pdf", made)
        yield kept


@pytest.fixture
def markup(write, tmp_path, sources):
    """Render a document to pdf; return its markup and the folder in which it can be asked about."""

    def _markup(body, front="", **files):
        (done,) = render(write(body, front, **files), ["pdf"], tmp_path / "output", engine="builtin")
        assert done.path.read_bytes().startswith(b"%PDF-1.7")
        source = tmp_path / "document.typ"
        source.write_text(sources[-1], "utf-8")
        for name in re.findall(r'#picture\("([^"]+)"', sources[-1]):
            (tmp_path / name).write_bytes(png(3, 2))
        return source

    return _markup


def ask(source, selector, **inputs):
    return json.loads(typst.query(str(source), selector, ignore_system_fonts=True, sys_inputs=inputs))


def watch(source, *rules, **inputs):
    """Return what show rules, or code at the end, hand over as metadata with the label ``seen``."""
    code = "\n".join([*rules[:-1], source.read_text("utf-8"), rules[-1]])
    watched = source.with_name("watched.typ")
    watched.write_text(code, "utf-8")
    return [found["value"] for found in ask(watched, "<seen>", **inputs)]


CELLS = ("#show table.cell: it => { it; [#metadata(it) <seen>] }", "")
ITEMS = ("#show list: it => { it; [#metadata(it) <seen>] }", "")


def test_two_renders_are_identical(rendered):
    one, two = (run["pdf"].read_bytes() for run in rendered)
    assert one == two


def test_the_file_says_that_it_is_accessible_and_whose_it_is(rendered):
    pdf = rendered[0]["pdf"].read_bytes()
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert re.search(rb"/MarkInfo\s*<<\s*/Marked true", pdf)
    title = re.search(rb"<dc:title>.*?</dc:title>", pdf)[0].decode()
    assert ">Primary imaging outcome report<" in title
    creators = re.search(rb"<dc:creator>.*?</dc:creator>", pdf)[0].decode()
    assert re.findall(r"<rdf:li>(.*?)</rdf:li>", creators) == ["Ana Example, 山田 太郎"]
    assert b"<rdf:li>en-GB</rdf:li>" in pdf


def test_images_have_their_alt_text(rendered):
    pdf = rendered[0]["pdf"].read_bytes()
    shown = [text.replace(rb"\"", b'"') for text in re.findall(rb"/Alt ?\((.*?)\)", pdf)]
    for alt in (
        b'Two lines: "cells" rises, control stays level.',
        b"Flow: 140 screened, 120 randomised.",
        b"The flow again.",
        b"theta equals expected outcome under active minus under control",
    ):
        assert alt in shown


def test_no_date_and_no_place_is_left_in_the_file(rendered):
    pdf = rendered[0]["pdf"].read_bytes()
    assert b"CreationDate" not in pdf
    assert b"CreateDate" not in pdf
    assert str(rendered[0]["pdf"].parents[1]).encode() not in pdf


FLOATS = """
@tbl-x shows it, @fig-x too, and @eq-x.

| a | b |
|:--|--:|
| 1 | 2 |

: Caption of a table. {#tbl-x}

![Caption of a figure.](image.png){#fig-x fig-alt="Nothing." width=9in}

$$ y = 1 $$ {#eq-x alt="y is one"}
"""


def test_captions_are_numbered_and_referred_to(markup):
    source = markup(FLOATS)
    captions = [texts(figure["caption"]) for figure in ask(source, "figure")]
    assert captions == ["Table\u00a01: Caption of a table.", "Figure\u00a01: Caption of a figure."]
    links = [(texts(link["body"]), link["dest"]) for link in ask(source, "link")]
    assert links == [
        ("Table\u00a01", "<tbl-x>"),
        ("Figure\u00a01", "<fig-x>"),
        ("Equation\u00a01", "<eq-x>"),
    ]
    (equation,) = ask(source, "math.equation")
    assert (equation["block"], equation["alt"]) == (True, "y is one")


def test_an_image_is_never_wider_than_the_page(markup):
    (image,) = ask(markup(FLOATS), "image")
    assert image["alt"] == "Nothing."
    width = float(image["width"].removesuffix("pt").removeprefix("0% + "))
    assert width == pytest.approx((210 - 50) / 25.4 * 72, abs=0.01)


GREAT_TABLE = """
```{python}
#| label: tbl-x
#| tbl-cap: Outcomes.
import pandas as pd
from great_tables import GT, loc
rows = pd.DataFrame({"g": ["Motor"], "l": ["Score"], "a": ["5 (1)"], "b": ["6 (2)"]})
(GT(rows, rowname_col="l", groupname_col="g").tab_spanner("Arm", columns=["a", "b"])
 .cols_align("right", columns=["a", "b"]).tab_footnote("Blind.", loc.body(columns="a", rows=[0]))
 .tab_source_note("SD: $5 | $6."))
```
"""


def test_a_table_of_great_tables_is_a_table(markup):
    source = markup(GREAT_TABLE)
    cells = watch(source, *CELLS)
    spans = {texts(cell["body"]): cell.get("colspan", 1) for cell in cells}
    assert spans["Arm"] == 2
    assert spans["Motor"] == 3
    aligned = {texts(cell["body"]): cell.get("align") for cell in cells}
    assert aligned["6 (2)"] == "right"
    assert aligned["Score"] == "left"
    (seen,) = watch(source, "#show table: it => { it; [#metadata(it) <seen>] }", "")
    heads = [child for child in seen["children"] if child["func"] == "header"]
    assert [head.get("level", 1) for head in heads] == [1, 2]
    notes = watch(source, "#show block: it => { it; [#metadata(it) <seen>] }", "")
    assert {"SD: $5 | $6.", "1 Blind."} <= {texts(note) for note in notes}


def wide(columns):
    head = "| " + " | ".join(f"A long heading {number}" for number in range(columns)) + " |"
    row = "| " + " | ".join("0.123 (0.100 to 0.200)" for _ in range(columns)) + " |"
    return "\n".join([head, "|" + "---|" * columns, row])


@pytest.mark.parametrize("columns", [3, 12])
def test_nothing_of_a_table_is_printed_in_the_margin(markup, columns):
    from matplotlib.image import imread

    page = typst.compile(str(markup(wide(columns))), format="png", ppi=72, ignore_system_fonts=True)
    shades = imread(io.BytesIO(page), format="png")[:, :, :3].min(axis=2)
    margin = int(24 / 25.4 * 72)
    assert shades.shape == (842, 595)
    assert (shades[:, :margin] == 1).all()
    assert (shades[:, -margin:] == 1).all()
    assert (shades < 0.5).sum() > 500


LITERAL = """
# First

Before `{{python}} label` after.

```{{python}}
#| output: asis
from neurotrial.reports.markdown_text import escape
print("## " + escape(label) + "\\n\\n- " + escape(label) + "\\n\\n| a |\\n|---|\\n| " + escape(label) + " |")
```
"""


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "= x",
        "- x",
        "+ x",
        "1. x",
        "/ t: x",
        "#x",
        "]",
        'x]#read("/etc/passwd")[',
        "\\",
        "(a)",
        ".len()",
    ],
)
def test_labels_come_out_literally(markup, text):
    source = markup(f"```{{python}}\n#| include: false\nlabel = {text!r}\n```\n{LITERAL.format()}")
    assert texts(ask(source, "heading")[1]["body"]) == text
    assert [texts(item) for item in watch(source, *ITEMS)] == [text]
    assert [texts(cell["body"]) for cell in watch(source, *CELLS)] == ["a", text]
    assert ask(source, "link") == []


def test_a_hostile_title_and_alt_text_are_text(write, tmp_path):
    body = '![Cap](image.png){#fig-x fig-alt="] #panic(1) \\"q\\""}'
    document = write(body, 'author: \'A") #panic(2)\'\nkeywords: ["#k"]\n')
    document.write_text(document.read_text().replace("title: T", "title: '] #panic(3) \"q\" [@'"))
    (done,) = render(document, ["pdf"], tmp_path / "output", engine="builtin")
    pdf = done.path.read_bytes()
    assert b'/Alt(] #panic(1) "q")' in pdf.replace(b"/Alt (", b"/Alt(")
    metadata = html.unescape(re.search(rb"<x:xmpmeta.*?</x:xmpmeta>", pdf)[0].decode())
    for text in ("A”) #panic(2)", "] #panic(3) “q” [@", "#k"):
        assert f">{text}<" in metadata


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ('```{=typst}\n#import "@preview/x:1.0.0": x\n```', "raw typst needs Quarto: #import"),
        ("a `#x`{=typst}", "raw typst needs Quarto: #x"),
        ('[a]{typst:text:fill="red"}', "attribute typst:text:fill needs Quarto"),
    ],
)
def test_code_for_the_compiler_is_refused(write, tmp_path, code, rule):
    body = f"```{{python}}\n#| output: asis\nprint({code!r})\n```"
    with pytest.raises(RenderError, match=re.escape(rule)):
        render(write(body), ["pdf"], tmp_path / "output", engine="builtin")


def test_nothing_is_imported(rendered, markup):  # noqa: ARG001
    assert "#import" not in (render_builtin.ASSETS / "page.typst").read_text("utf-8")
    assert "@preview" not in markup(FLOATS).read_text("utf-8")


def small(tmp_path, markup):
    source = tmp_path / "small.typ"
    source.write_text(SMALL_MARKUP + markup, "utf-8")
    (tmp_path / "x.png").write_bytes(png(3, 2))
    return source


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('#image("x.png")', r'missing alt text[\s\S]*#image\("x\.png"\)'),
        ("$ x $", r"missing alt text[\s\S]*\$ x \$"),
        ("=== Three", "skipped from heading level 1 to 3"),
        ('#set text(font: "No such font")\nx', "unknown font family"),
    ],
)
def test_the_compiler_is_the_gate_of_accessibility(tmp_path, code, said):
    with pytest.raises(RenderError, match=rf"doc\.qmd: typst [\s\S]*{said}") as caught:
        compile_pdf(small(tmp_path, code), tmp_path / "out.pdf", "doc.qmd")
    assert str(tmp_path) not in str(caught.value)
    assert not (tmp_path / "out.pdf").exists()


def test_headings_that_skip_a_level_are_named(write, tmp_path):
    with pytest.raises(RenderError, match=r"doc\.qmd: typst .*\n.*skipped from heading level 1 to 3"):
        render(write("# One\n\n### Three"), ["pdf"], tmp_path / "output", engine="builtin")


def test_a_character_that_no_font_has_is_a_box_and_is_told(markup, monkeypatch):
    tried = []

    def compile_and_tell(*args, **keywords):
        tried.append((keywords["own_fonts_only"], keywords.get("missing", "")))
        return compile_once(*args, **keywords)

    compile_once = typst_pdf._compile
    monkeypatch.setattr(typst_pdf, "_compile", compile_and_tell)
    source = markup("# Head \u0378\n\nUnassigned: \u0378 and \u0379[^1].\n\n[^1]: `\u0378`.")
    assert tried == [(True, ""), (False, ""), (False, "\u0378\u0379")]
    told = watch(source, "#show block: it => { it; [#metadata(it) <seen>] }", "", missing=tried[2][1])
    note = "Boxes stand for characters that no font of this machine has: U+378, U+379."
    assert note in {texts(block) for block in told}


def test_symbols_of_reports_are_in_the_fonts_of_the_compiler(tmp_path):
    source = small(tmp_path, "≥ ≤ − × ± µ² Δ χ η θ → ● ■ † ‡ ≈ √ ∞ ₀ ⁻ Ł ñ Жук Ωμέγα – — …")
    typst.compile(str(source), str(tmp_path / "x.pdf"), pdf_standards="ua-1", ignore_system_fonts=True)


def test_the_page_follows_the_settings(markup):
    front = "format:\n  typst:\n    papersize: us-letter\n    margin: {x: 1in, top: 2cm}\n    toc: true\n    mainfont: New Computer Modern\n"
    source = markup("# One\n\n## Two", front)
    code = "#context [#metadata((repr(page.width), repr(page.margin), text.font)) <seen>]"
    ((width, margin, font),) = watch(source, code)
    assert width == "612pt"
    assert "left: 0% + 72pt" in margin
    assert font == "new computer modern"
    assert len(ask(source, "outline")) == 1


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("papersize: a3", "papersize: a3 needs Quarto"),
        ("mainfont: Arial", "mainfont: Arial needs Quarto"),
        ("margin: {x: wide}", "margin: {'x': 'wide'} needs Quarto"),
        ("pdf-standard: a-2b", "pdf-standard: a-2b needs Quarto"),
        ("columns: 2", "option columns of format typst needs Quarto"),
    ],
)
def test_settings_outside_the_subset_are_refused(write, line, rule):
    (problem,) = lint(write("Text.", f"format:\n  typst:\n    {line}\n"))
    assert (problem.where, problem.rule) == ("doc.qmd:5", rule)


def test_the_fonts_are_those_that_come_with_the_compiler():
    families = typst.Fonts(include_system_fonts=False).families()
    assert {*FONTS, "DejaVu Sans Mono"} <= set(families)
    assert "a4" in PAPERS


def test_an_image_in_an_unknown_form_is_named(write, tmp_path):
    body = '![Cap](image.bmp){#fig-x fig-alt="A"}'
    document = write(body)
    (tmp_path / "image.bmp").write_bytes(b"no image at all")
    with pytest.raises((RenderError, InputError), match=r"image image\.bmp is in a form that cannot be read"):
        render(document, ["pdf"], tmp_path / "output", engine="builtin")
