"""Own tables and figures, and the document that shows how to make them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imaging_fixture import imaging_stores
from results_fixture import awkward_stores, make_results, plan

import neurotrial.reports as package
from neurotrial.errors import InputError
from neurotrial.models import ancova
from neurotrial.reports import Report, floats, new_figure
from neurotrial.reports import report as report_module
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.markdown_text import Markdown

DOCUMENT = Path(package.__file__).parent / "secondary.qmd"
CELLS = re.findall(r"^```\{python\}\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE)
STORES = {**awkward_stores(), **imaging_stores()}


@pytest.fixture
def report(data, tmp_path, monkeypatch) -> Report:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(floats, "_DPI", 40)
    return Report(data)


@pytest.mark.parametrize("name", STORES)
def test_every_cell_of_the_secondary_document_runs_on_every_store(name, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(floats, "_DPI", 40)
    monkeypatch.setattr(report_module, "open_report", lambda: Report(CitedResults.of(STORES[name])))
    scope: dict[str, object] = {}
    shown = []
    for cell in CELLS:
        *first, last = ast.parse(cell).body
        exec(compile(ast.Module(first, []), "cell", "exec"), scope)  # noqa: S102  the cells that ship
        if isinstance(last, ast.Expr):
            shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), scope))  # noqa: S307
        else:
            exec(compile(ast.Module([last], []), "cell", "exec"), scope)  # noqa: S102
    text = "\n\n".join(part.text for part in shown if part is not None)
    for label in ("tbl-own-estimators", "tbl-own-subgroups", "fig-own-subgroups", "tbl-record"):
        assert f"::::: {{#{label}}}" in text
    assert not re.search(r"\bnan\b|\bNone\b|<NA>", text)
    assert "<script" not in re.sub(r"&lt;script|\\<script", "", text)


def test_the_secondary_document_says_that_it_is_exploratory_and_fits_nothing() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert re.search(r'^title: "Secondary analysis, exploratory', text, re.MULTILINE)
    assert "It generates hypotheses and confirms none" in text
    assert not any("neurotrial.models" in cell for cell in CELLS)
    assert not any("scipy" in cell or "statsmodels" in cell for cell in CELLS)


def test_the_python_route_that_the_document_shows_works(report, monkeypatch, capsys) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    monkeypatch.setattr(report_module, "open_report", lambda _: report)
    exec(code, {})  # noqa: S102
    shown = capsys.readouterr().out
    expected = ancova(
        report.patients("fma_total").dropna(subset=["follow_up", "baseline"]),
        outcome="follow_up", baseline="baseline", arm="arm", reference="control",
    ).tidy()  # fmt: skip
    assert shown.split() == str(expected).split()


def test_tables_of_results_are_copies(report) -> None:
    table = report.table("estimates")
    table["estimate"] = 0.0
    assert (report.data.results.tables["estimates"]["estimate"] != 0).any()
    with pytest.raises(InputError, match="did you mean 'estimates'"):
        report.table("estimate")


def test_patients_are_those_of_the_population_with_both_values(report) -> None:
    outcomes = report.data.results.tables["outcomes"]
    everyone = report.patients("fma_total")
    assert len(everyone) == outcomes["participant_id"].nunique()
    assert everyone["follow_up"].isna().sum() == 2
    at = outcomes.query("outcome == 'fma_total' and visit == 'day90'").set_index("participant_id")
    both = everyone.set_index("participant_id")
    pd.testing.assert_series_equal(
        both["change"], at["value"] - at["baseline"], check_names=False, check_index_type=False
    )
    assert set(both["arm_label"]) == {"Control", "Stem cells"}


def test_a_population_of_patients_may_be_named() -> None:
    values = plan()
    results = make_results(values)
    flagged = results.tables["outcomes"].assign(imaging=lambda frame: frame["participant_id"] > "sub-010")
    results.tables["outcomes"] = flagged
    try:
        report = Report(CitedResults.of(results))
        assert report.patients("fma_total", "imaging")["participant_id"].min() == "sub-011"
        assert len(report.patients("fma_total", "itt")) == flagged["participant_id"].nunique()
        with pytest.raises(InputError, match="did you mean 'imaging'"):
            report.patients("fma_total", "imagin")
    finally:
        results.tables["outcomes"] = flagged.drop(columns="imaging")


def test_an_unknown_outcome_and_a_flag_that_the_store_lacks_are_refused(report) -> None:
    with pytest.raises(InputError, match="did you mean 'fma_total'"):
        report.patients("fma_totl")
    with pytest.raises(InputError, match="hold no flag 'imaging'"):
        report.patients("fma_total", "imaging")


def test_an_own_table_prints_numbers_as_the_report_does(report) -> None:
    frame = pd.DataFrame({"a": ["<b>x</b>"], "n": [3], "x": [-1.25], "y": [np.nan], "z": [2.0]})
    labels = {"a": "Head {x}", "n": "n", "x": "X", "y": "Y", "z": "Z"}
    made = report.own_table(
        "mine-1", frame, labels, "Caption *with* stars.", digits={"x": 1}, notes=["A note."]
    )
    assert isinstance(made, Markdown)
    for part in ("{#tbl-mine-1}", "&lt;b&gt;x&lt;/b&gt;", ">3<", ">−1.2<", ">–<", ">2.00<", "A note."):
        assert part in made.text
    assert r"Caption \*with\* stars\." in made.text
    assert "The data are simulated." in made.text


@pytest.mark.parametrize("name", ["", "Mine", "tbl_x", "1a", "a b"])
def test_names_of_own_floats_are_labels(report, name: str) -> None:
    frame = pd.DataFrame({"a": ["x"]})
    with pytest.raises(InputError, match="is no label"):
        report.own_table(name, frame, {"a": "A"}, "C.")
    with pytest.raises(InputError, match="is no label"):
        report.own_figure(name, new_figure(1), "C.", "alt")


def test_a_column_that_is_not_there_is_named(report) -> None:
    with pytest.raises(InputError, match="did you mean 'estimate'"):
        report.own_table("mine", pd.DataFrame({"estimate": [1.0]}), {"estimat": "E"}, "C.")


def test_an_own_figure_has_alternative_text_and_says_that_data_are_simulated(report, tmp_path) -> None:
    made = report.own_figure("mine", new_figure(1), "A caption.", "What it shows.")
    assert (tmp_path / "figures" / "mine.png").is_file()
    assert r'fig-alt="What it shows\. The data are simulated\."' in made.text
    with pytest.raises(InputError, match="has no alternative text"):
        report.own_figure("mine", new_figure(1), "A caption.", " ")


def test_names_of_the_package_are_what_cells_import() -> None:
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = package.nothing
