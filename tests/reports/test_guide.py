"""Every page of the user's guide can be rendered, with its references."""

from pathlib import Path

import pytest

from neurotrial.reports.rendering.render import render

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.qmd"))


def test_there_are_pages():
    assert len(PAGES) >= 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page, tmp_path):
    (rendered,) = render(page, ["html"], tmp_path, engine="builtin")
    html = (
        rendered.path.read_text("utf-8") if hasattr(rendered, "path") else Path(rendered).read_text("utf-8")
    )
    assert "<h1" in html
    assert "(???)" not in html
