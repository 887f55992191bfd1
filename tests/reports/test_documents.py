"""The documents that ship, and what a rendered file must not carry."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from everything_study import EPOCH, copy_everything

from neurotrial.reports.rendering.lint import lint
from neurotrial.reports.rendering.render import render
from neurotrial.reports.scaffold import write_scaffold

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("document", sorted((ROOT / "reports").glob("*.qmd")), ids=lambda path: path.name)
def test_the_shipped_documents_stay_inside_the_subset(document: Path, tmp_path: Path) -> None:
    write_scaffold(tmp_path / "study")
    (tmp_path / "study" / "_variables.yml").write_text("study: {title: T, subtitle: S, registration: R}\n")
    assert lint(tmp_path / "study" / "reports" / document.name) == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.qmd")), ids=lambda path: path.name)
def test_the_pages_of_the_guide_stay_inside_the_subset(page: Path) -> None:
    assert lint(page) == []


def test_files_depend_on_the_document_and_not_on_where_it_lies(
    rendered: list[dict[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)
    elsewhere = copy_everything(tmp_path / "another place")
    for item in render(elsewhere, ["html", "docx", "pdf"], tmp_path / "out", engine="builtin"):
        assert item.path.read_bytes() == rendered[0][item.format].read_bytes(), item.format


def test_no_path_of_the_machine_is_left_in_the_files(rendered: list[dict[str, Path]]) -> None:
    place = str(rendered[0]["html"].parents[1]).encode()
    assert place not in rendered[0]["html"].read_bytes()
    with zipfile.ZipFile(rendered[0]["docx"]) as archive:
        assert not [name for name in archive.namelist() if place in archive.read(name)]
