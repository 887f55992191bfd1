"""Everything outside the subset is refused with its line, all at once, and nothing within it is."""

import shutil
from pathlib import Path

import pytest

from neurotrial.errors import InputError
from neurotrial.reports.rendering.lint import lint
from neurotrial.reports.rendering.render import render

STYLE = Path(__file__).parents[2] / "reports" / "neurotrial.csl"
FIRST = 5  # the line of a body below the front matter that `write` writes
CELL = "```{{python}}\n{}\n1\n```"

NEEDS_QUARTO = {
    "subfigures by layout": (
        '::: {#fig-a layout-ncol=2}\n![](image.png){fig-alt="a"}\n\nCap.\n:::',
        "attribute layout-ncol",
    ),
    "layout without label": ('::: {layout="[[1]]"}\nx\n:::', "attribute layout"),
    "nested figures": (
        '::: {#fig-a}\n::: {#fig-b}\n![](image.png){fig-alt="a"}\n\nB.\n:::\n\nA.\n:::',
        "a subfigure",
    ),
    "columns": (":::: {.columns}\nx\n::::", "class columns"),
    "margin column": ("::: {.column-margin}\nx\n:::", "class column-margin"),
    "div with a bare class": ("::: landscape\nx\n:::", "class landscape"),
    "aside": ("[x]{.aside}", "class aside"),
    "theorem": ("::: {#thm-line}\nx\n:::", "label thm-line"),
    "proof": ("::: {.proof}\nx\n:::", "class proof"),
    "unknown callout": ("::: {.callout-danger}\nx\n:::", "class callout-danger"),
    "collapsed callout": ('::: {.callout-note collapse="true"}\nx\n:::', "attribute collapse"),
    "condition on a profile": ('::: {.content-visible when-profile="a"}\nx\n:::', "attribute when-profile"),
    "condition on a format family": (
        '::: {.content-visible when-format="html:js"}\nx\n:::',
        "when-format=html:js",
    ),
    "shortcode": ("{{< video https://example.org/a.mp4 >}}", "shortcode video"),
    "embed": ("{{< embed a.ipynb#fig-x >}}", "shortcode embed"),
    "escaped shortcode": ("{{{< meta title >}}}", "an escaped shortcode"),
    "shortcode in code": ("```python\n{{< meta title >}}\n```", "a shortcode in a code block"),
    "mermaid": ("```{mermaid}\nflowchart LR\n```", "a cell of mermaid"),
    "ojs": ("```{ojs}\nx = 1\n```", "a cell of ojs"),
    "r": ("```{r}\n1\n```", "a cell of r"),
    "r with options": ("```{r, echo=FALSE}\n1\n```", "a cell of r"),
    "options in braces": ("```{python echo=False}\n1\n```", "a cell option in the braces"),
    "cell shown with braces": ("```{{python}}\n1\n```", "a cell that is shown with its braces"),
    "cell in a list": ("- item\n\n  ```{python}\n  1\n  ```", "a cell indented inside a list"),
    "raw latex": ("```{=latex}\n\\newpage\n```", "a raw block of latex"),
    "listing": ("```{#lst-a .python}\n1\n```", "a code block with"),
    "listing option": (CELL.format("#| lst-label: lst-a"), "cell option lst-label"),
    "code folding": (CELL.format("#| code-fold: true"), "cell option code-fold"),
    "unknown cell option": (CELL.format("#| fig-width: 4"), "cell option fig-width"),
    "subcaptions": (CELL.format("#| fig-subcap: [a, b]"), "cell option fig-subcap"),
    "cell column": (CELL.format("#| column: page"), "cell option column"),
    "odd switch": (CELL.format("#| echo: fenced"), "cell option echo: fenced"),
    "annotation": (CELL.format("x = 1  # <1>"), "a code annotation"),
    "inline of another language": ("`{r} 1 + 1`", "an inline expression of another language"),
    "inline in mathematics": ("$x = `{python} 1`$", "an inline value within mathematics"),
    "raw html": ("a <br> b", "raw HTML (<br>)"),
    "raw html with attributes": ('<span class="x">y</span>', "raw HTML"),
    "link to a document": ("[next](other.qmd)", "a link to the document other.qmd"),
    "second yaml block": ("text\n\n---\na: 1\n---", "a second YAML block"),
    "reference to a listing": ("See @lst-a.", "the reference @lst-a"),
    "text behind a label": ("::: {#tbl-a}\nx\n\nCap.\n:::\n\n[@tbl-a, left]", "text after a label"),
    "remote image": ('![](https://example.org/a.png){fig-alt="a"}', "image https://example.org/a.png"),
    "image by reference": ("![][ref]", "image ![] without a path"),
}

SETTINGS = {
    "freeze: auto": ("execute:\n  freeze: auto\n", 4, "execute: freeze: auto"),
    "freeze: true": ("execute:\n  freeze: true\n", 4, "execute: freeze: true"),
    "cache": ("execute:\n  cache: true\n", 4, "execute: cache: true"),
    "execute option": ("execute:\n  ipynb: a\n", 4, "execute option ipynb"),
    "fenced echo": ("execute:\n  echo: fenced\n", 4, "execute: echo: fenced"),
    "profile": ("profile: advanced\n", 3, "option profile"),
    "listing": ("listing:\n  contents: posts\n", 3, "option listing"),
    "an include of the page": (
        "format:\n  html:\n    include-after-body: image.png\n",
        5,
        "include after the body",
    ),
    "an include of every format": ("include-after-body: page-tools.html\n", 3, "option include-after-body"),
    "extension filter": ("filters: [lightbox]\n", 3, "filter"),
    "parameters": ("params:\n  a: 1\n", 3, "option params"),
    "theme": ("format:\n  html:\n    theme: cosmo\n", 5, "option theme of format html"),
    "code-fold": ("format:\n  html:\n    code-fold: true\n", 5, "option code-fold of format html"),
    "not self-contained": ("embed-resources: false\n", 3, "embed-resources: False"),
    "mathematics from elsewhere": (
        "format:\n  html:\n    html-math-method: katex\n",
        5,
        "html-math-method: katex",
    ),
    "another kernel": ("jupyter: ir\n", 3, "jupyter: ir"),
    "another language": ("lang: de\n", 3, "lang: de"),
    "date of the file": ("date: last-modified\n", 3, "date: last-modified"),
    "author role": ("author:\n  - name: A\n    roles: writing\n", 3, "author key roles"),
    "affiliation key": (
        "author:\n  - name: A\n    affiliations:\n      - group: B\n",
        3,
        "affiliation key group",
    ),
    "project type": ("project:\n  type: website\n", 4, "project: type: website"),
}

LACKING = {
    "missing include": ("{{< include none.md >}}", 0, "include none.md does not exist"),
    "include from outside": ("{{< include ../none.md >}}", 0, "leads outside the project folder"),
    "include within a line": ("a {{< include none.md >}}", 0, "must stand alone"),
    "meta without value": ("{{< meta a.b >}}", 0, "meta a.b names no single value"),
    "var without value": ("x\n{{< var a.b >}}", 1, "var a.b names no single value"),
    "missing image": ('![](none.png){fig-alt="a"}', 0, "image none.png does not exist"),
    "image from outside": ('![](../none.png){fig-alt="a"}', 0, "leads outside the project folder"),
    "image without alt": ("![](image.png)", 0, "image image.png has no fig-alt"),
    "image with empty alt": ('![A caption.](image.png){#fig-a fig-alt=" "}', 0, "has no fig-alt"),
    "figure cell without alt": (
        CELL.format("#| label: fig-a\n#| fig-cap: A."),
        0,
        "the figure has no fig-alt",
    ),
    "figure without caption": (CELL.format("#| label: fig-a\n#| fig-alt: A."), 1, "fig-a has no fig-cap"),
    "caption without label": (CELL.format("#| tbl-cap: A."), 1, "has no label tbl-"),
    "duplicated label": (
        CELL.format("#| label: a") + "\n\n" + CELL.format("#| label: a"),
        6,
        "label a is used twice",
    ),
    "duplicated heading label": ("# A {#sec-a}\n\n# B {#sec-a}", 2, "label sec-a is used twice"),
    "reference to nothing": ("x\n\nSee @fig-none.", 2, "@fig-none refers to no label"),
    "capital reference to nothing": ("@Tbl-none", 0, "@Tbl-none refers to no label"),
    "section without number": ("# A {#sec-a}\n\nSee @sec-a.", 2, "a section without number"),
    "unknown citation": ("[@nobody2020]", 0, "@nobody2020 is not in the bibliography"),
    "unclosed div": ("::: {.callout-note}\nx", 0, "the div is not closed"),
    "closing nothing": ("x\n\n:::", 2, "closes nothing"),
    "div without condition": ("::: {.content-visible}\nx\n:::", 0, "the condition is missing"),
    "unclosed cell": ("```{python}\n1", 0, "the cell has no end"),
    "late option": (CELL.format("1\n#| echo: false"), 0, "stands below the code"),
    "broken cell options": (CELL.format("#| a: [1"), 1, "is not valid YAML"),
}


@pytest.mark.parametrize(("body", "rule"), NEEDS_QUARTO.values(), ids=NEEDS_QUARTO)
def test_syntax_outside_the_subset_needs_quarto(write, body, rule):
    problems = [problem for problem in lint(write(body)) if rule in problem.rule]
    assert problems, lint(write(body))
    assert "needs Quarto" in problems[0].rule
    label, line = problems[0].where.split(":")
    assert label == "doc.qmd"
    assert FIRST <= int(line) < FIRST + len(body.splitlines())


@pytest.mark.parametrize(("front", "line", "rule"), SETTINGS.values(), ids=SETTINGS)
def test_settings_outside_the_subset_need_quarto(write, front, line, rule):
    (problem,) = lint(write("Text.", front))
    assert rule in problem.rule
    assert "needs Quarto" in problem.rule
    assert problem.where == f"doc.qmd:{line}"


@pytest.mark.parametrize(("body", "offset", "rule"), LACKING.values(), ids=LACKING)
def test_what_a_document_lacks_is_said_with_its_line(write, body, offset, rule):
    problems = [problem for problem in lint(write(body)) if rule in problem.rule]
    assert [problem.where for problem in problems] == [f"doc.qmd:{FIRST + offset}"]
    assert problems[0].remedy


def test_the_document_with_everything_passes(everything):
    assert lint(everything) == []


def test_all_problems_come_at_once_and_nothing_is_written(write, tmp_path):
    document = write("a <br> b\n\n{{< video x >}}\n\n@fig-none", "jupyter: ir\n")
    with pytest.raises(InputError) as caught:
        render(document, ["html"], tmp_path / "output", engine="builtin")
    assert [problem.where for problem in caught.value.problems] == [
        "doc.qmd:8",
        "doc.qmd:3",
        "doc.qmd:6",
        "doc.qmd:10",
    ]
    assert list((tmp_path / "output").iterdir()) == []


def test_a_loop_of_includes_is_named(write):
    document = write(
        "{{< include one.md >}}", one__md="{{< include two.md >}}", two__md="\n{{< include one.md >}}"
    )
    (problem,) = lint(document)
    assert problem.where == "two.md:2"
    assert "one.md > two.md > one.md" in problem.rule


def test_problems_of_an_include_carry_its_own_lines(write):
    (problem,) = lint(write("{{< include one.md >}}", one__md="fine\n\n<br>"))
    assert problem.where == "one.md:3"


def test_words_before_a_citation_are_refused_in_a_numeric_style_only(write, tmp_path):
    shutil.copyfile(STYLE, tmp_path / "numeric.csl")
    front = "bibliography: a.bib\n"
    bib = "@book{x, title = {T}, year = 2000}"
    body = "As said [see @x, p. 3] and [@x]."
    assert lint(write(body, front, a__bib=bib)) == []
    (problem,) = lint(write(body, front + "csl: numeric.csl\n", a__bib=bib))
    assert problem.where == "doc.qmd:7"
    assert "numeric style" in problem.rule


@pytest.mark.parametrize(
    "body",
    [
        "`<br>` and `{{ x }}` in code, $a<b$ and $c>d$, an e-mail a@b.org, <https://example.org>, <a@b.org>",
        "<!-- a <br> comment with @fig-none and\n![](none.png) over lines -->",
        "```python\n# <br> @fig-none ![](none.png) ::: {.columns}\n```",
        "$$\na <b> c @fig-none\n$$ {#eq-a}\n\nSee @eq-a and \\@fig-none.",
        "A rule:\n\n---\n\nand text.",
        "- a list\n\n  ```python\n  shown = 1\n  ```",
        '[text]{custom-style="Quote"} and ::: in a line.',
        '![](image.png){fig-alt="`{python} alt`"}',
        '![A [link](https://example.org) in it](image.png){#fig-a fig-alt="n = 3 (icon=x) .aside"}',
    ],
)
def test_no_false_alarm(write, body):
    assert lint(write(body)) == []


def test_references_to_what_a_cell_writes_are_left_to_the_conversion(write):
    body = "See @tbl-later.\n\n```{python}\n#| output: asis\nprint('x')\n```"
    assert lint(write(body)) == []


def test_ambiguous_metadata_files_are_refused(write):
    front = "metadata-files: [more.yml]\ntoc: true\n"
    (problem,) = lint(write("Text.", front, more__yml="toc: false"))
    assert problem.where == "doc.qmd:4"
    assert "more.yml" in problem.rule


def test_files_that_change_quartos_settings_are_refused(write, monkeypatch):
    document = write("Text.", _metadata__yml="toc: true")
    monkeypatch.setenv("QUARTO_PROFILE", "internal")
    assert [problem.where for problem in lint(document)] == ["QUARTO_PROFILE", "_metadata.yml"]


def test_a_missing_document_and_broken_front_matter_are_problems(tmp_path, write):
    (problem,) = lint(tmp_path / "none.qmd")
    assert "no such document" in problem.rule
    (problem,) = lint(write("Text.", "toc: [\n"))
    assert problem.where.startswith("doc.qmd:")
    assert "YAML" in problem.rule


def test_a_file_in_another_encoding_is_refused_with_its_line(write, tmp_path):
    document = write("{{< include latin.md >}}")
    (tmp_path / "latin.md").write_bytes("fine\nBéla".encode("latin-1"))
    (problem,) = lint(document)
    assert (problem.where, problem.rule) == ("latin.md:2", "is not UTF-8 text")
