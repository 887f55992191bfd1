"""What lies outside the subset is refused with file and line; what lies inside passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_rendering import copy_project

from neurotrial.errors import InputError, RenderError
from neurotrial.reports.rendering.lint import lint
from neurotrial.reports.rendering.render import render

ROOT = Path(__file__).parents[2]
FRONT = '---\ntitle: "T"\n---\n\n'


def problems(tmp_path: Path, body: str, front: str = FRONT) -> str:
    (tmp_path / "_quarto.yml").write_text("project:\n  type: default\n")
    (tmp_path / "report.qmd").write_text(front + body, encoding="utf-8")
    return "\n".join(map(str, lint(tmp_path / "report.qmd")))


def cell(*lines: str) -> str:
    return "\n".join(["```{python}", *lines, "```", ""])


OUTSIDE = {
    "layout": "::: {layout-ncol=2}\nx\n:::\n",
    "columns": "::: {.columns}\nx\n:::\n",
    "margin": "::: {.column-margin}\nx\n:::\n",
    "theorem": "::: {#thm-one}\nx\n:::\n",
    "shortcode": "{{< video x.mp4 >}}\n",
    "embed": "{{< embed other.ipynb#fig-x >}}\n",
    "mermaid": "```{mermaid}\ngraph TD\n```\n",
    "ojs": "```{ojs}\nx = 1\n```\n",
    "r cell": "```{r}\n1\n```\n",
    "inline r": "Value `{r} 1 + 1` here.\n",
    "code-fold": cell("#| code-fold: true", "1"),
    "fig-width of a cell": cell("#| fig-width: 5", "1"),
    "fig-subcap": cell("#| label: fig-x", "#| fig-cap: c", "#| fig-alt: a", "#| fig-subcap: [a, b]", "1"),
    "annotation": cell("1 # <1>"),
    "option in braces": "```{python echo=false}\n1\n```\n",
    "cell in a list": "- item\n\n  ```{python}\n  1\n  ```\n",
    "raw html": "A <span>word</span>.\n",
    "link to a document": "[x](other.qmd)\n",
    "profile": '::: {.content-visible when-profile="a"}\nx\n:::\n',
}


@pytest.mark.parametrize("body", OUTSIDE.values(), ids=list(OUTSIDE))
def test_syntax_outside_the_subset_needs_quarto(tmp_path: Path, body: str) -> None:
    found = problems(tmp_path, "Text.\n\n" + body)
    assert "needs Quarto" in found
    assert "report.qmd:" in found


SETTINGS = {
    "freeze": "execute:\n  freeze: auto\n",
    "cache": "execute:\n  cache: true\n",
    "code-fold": "format:\n  html:\n    code-fold: true\n",
    "theme": "theme: cosmo\n",
    "filters": "filters: [other.lua]\n",
    "listing": "listing: posts\n",
    "not embedded": "format:\n  html:\n    embed-resources: false\n",
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_settings_outside_the_subset_need_quarto(tmp_path: Path, setting: str) -> None:
    found = problems(tmp_path, "Text.\n", front=f'---\ntitle: "T"\n{setting}---\n\n')
    assert "needs Quarto" in found
    assert "report.qmd:" in found


FAULTS = {
    "no alt text": (cell("#| label: fig-x", "#| fig-cap: c", "1"), "no fig-alt"),
    "image without alt text": ("![x](x.png)\n", "no fig-alt"),
    "missing image": ('![x](x.png){fig-alt="x"}\n', "does not exist"),
    "image outside": ('![x](../x.png){fig-alt="x"}\n', "outside the project folder"),
    "missing include": ("{{< include _x.qmd >}}\n", "_x.qmd"),
    "include outside": ("{{< include ../x.qmd >}}\n", "outside"),
    "unknown variable": ("{{< var a.b >}}\n", "a.b"),
    "unknown reference": ("See @fig-none.\n", "fig-none"),
    "doubled label": ("# A {#sec-a}\n\n# B {#sec-a}\n", "sec-a"),
    "open div": ("::: {.callout-note}\nx\n", "not closed"),
    "table without caption": (cell("#| label: tbl-x", "1"), "no tbl-cap"),
    "prefix in a numeric citation": ("As shown [see @x].\n", "see"),
}


@pytest.mark.parametrize(("body", "words"), FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_named_with_its_line(tmp_path: Path, body: str, words: str) -> None:
    front = '---\ntitle: "T"\nbibliography: r.bib\ncsl: neurotrial.csl\n---\n\n'
    (tmp_path / "r.bib").write_text("@book{x, title={T}, author={A, B}, year={2000}}\n")
    (tmp_path / "neurotrial.csl").write_bytes((ROOT / "reports" / "neurotrial.csl").read_bytes())
    found = problems(tmp_path, "Text.\n\n" + body, front=front)
    assert words in found
    assert "report.qmd:" in found


def test_an_include_of_itself_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "_loop.qmd").write_text("{{< include _loop.qmd >}}\n")
    assert "_loop.qmd" in problems(tmp_path, "{{< include _loop.qmd >}}\n")


def test_every_fault_is_listed_with_its_own_line(tmp_path: Path) -> None:
    found = problems(tmp_path, "A <b>x</b>.\n\n```{r}\n1\n```\n\n::: {layout-ncol=2}\nx\n:::\n")
    assert [f"report.qmd:{line}" in found for line in (5, 7, 11)] == [True] * 3


def test_the_document_that_uses_everything_passes(tmp_path: Path) -> None:
    assert lint(copy_project(tmp_path / "project")) == []


@pytest.mark.parametrize("document", [*sorted((ROOT / "reports").glob("*.qmd"))], ids=lambda path: path.name)
def test_the_shipped_documents_stay_inside_the_subset(document: Path, tmp_path: Path) -> None:
    from neurotrial.reports.scaffold import write_scaffold

    write_scaffold(tmp_path / "study")
    (tmp_path / "study" / "_variables.yml").write_text("study: {title: T, subtitle: S, registration: R}\n")
    assert lint(tmp_path / "study" / "reports" / document.name) == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.qmd")), ids=lambda path: path.name)
def test_the_pages_of_the_guide_stay_inside_the_subset(page: Path) -> None:
    assert lint(page) == []


def test_a_cell_that_fails_is_shown_and_nothing_is_written(tmp_path: Path) -> None:
    problems(tmp_path, "Text.\n\n" + cell("x = 1", "1 / 0"))
    with pytest.raises(RenderError) as caught:
        render(tmp_path / "report.qmd", ["html", "docx"], tmp_path / "out", engine="builtin")
    message = str(caught.value)
    assert "report.qmd:7" in message
    assert "1 / 0" in message
    assert "ZeroDivisionError: division by zero" in message
    assert "\x1b[" not in message
    assert list((tmp_path / "out").iterdir()) == []


def test_a_document_outside_the_subset_is_not_run(tmp_path: Path) -> None:
    problems(tmp_path, "{{< video x >}}\n\n" + cell("open('ran', 'w')"))
    with pytest.raises(InputError, match="needs Quarto"):
        render(tmp_path / "report.qmd", ["html"], tmp_path / "out", engine="builtin")
    assert not (tmp_path / "ran").exists()
