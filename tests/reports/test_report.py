"""Every part of a report comes out whole on every store: labels resolved, words literal, nothing invented."""

from __future__ import annotations

import html
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pypandoc
import pytest
import yaml
from imaging_fixture import imaging_stores
from results_fixture import HOSTILE, awkward_stores, make_results, plan
from sensitivity_fixture import with_sensitivity

import neurotrial.reports as package
from neurotrial.errors import InputError
from neurotrial.harmonisation_plan import HarmonisationPlan
from neurotrial.imaging_plan import CleaningPlan
from neurotrial.reports import Report, floats, open_report
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.moderated_rows import forests
from neurotrial.reports.prose import imaging_methods, methods
from neurotrial.reports.prose.methods import harmonisation_text
from neurotrial.reports.variables import report_variables
from neurotrial.results import read_results, write_results

FOLDER = Path(package.__file__).parent
DOCUMENT = FOLDER / "manuscript.qmd"
VARIED = ("plain", "three arms", "failed", "no intervals", "hostile", "imaging")
STORES = {
    name: with_sensitivity(results) if name in VARIED else results
    for name, results in {**awkward_stores(), **imaging_stores()}.items()
}
CALLS = [
    call
    for document in (DOCUMENT, FOLDER / "supplement.qmd")
    for call in re.findall(r"report\.(\w+)\(\)", document.read_text("utf-8"))
]
KEY = "primary/fma_total/itt/ancova_hc3/cells-control/day90"


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """Return, for each store, what all cells of manuscript and supplement print, and the folder of the figures."""
    made = {}
    for name, results in STORES.items():
        folder = tmp_path_factory.mktemp("study")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setattr(floats, "_DPI", 40)  # quick; the true resolution has its own test
            report = Report(CitedResults.of(results))
            parts = {call: getattr(report, call)() for call in CALLS}
        made[name] = (parts, folder, report)
    return made


def text_of(parts) -> str:
    return "\n\n".join(part.text for part in parts.values() if part is not None)


@pytest.mark.parametrize("name", STORES)
def test_the_stores_keep_the_contract(name, tmp_path):
    write_results(tmp_path, STORES[name])
    assert read_results(tmp_path).study == STORES[name].study


@pytest.mark.parametrize("name", STORES)
def test_parts_are_markdown_or_nothing(documents, name):
    parts, _, _ = documents[name]
    assert len(CALLS) == 22 + 16
    assert {call for call in CALLS if CALLS.count(call) > 1} == {"record"}
    assert all(part is None or isinstance(part, Markdown) for part in parts.values())


@pytest.mark.parametrize("name", STORES)
def test_every_reference_has_its_float_and_every_float_its_reference(documents, name):
    text = text_of(documents[name][0])
    labels = re.findall(r"^::::: \{#((?:fig|tbl)-[a-z0-9-]+)\}$", text, re.MULTILINE)
    references = set(re.findall(r"@((?:fig|tbl)-[a-z0-9-]*[a-z0-9])", text))
    assert len(labels) == len(set(labels))
    assert references == set(labels)


@pytest.mark.parametrize("name", STORES)
def test_every_citation_is_in_the_bibliography(documents, name):
    keys = set(re.findall(r"^@\w+\{(\w+),", (FOLDER / "references.bib").read_text("utf-8"), re.MULTILINE))
    cited = _cited(documents[name][0])
    assert cited <= keys
    if name == "imaging":
        # motor scores and images, pooled outcomes with published control arms, the other way to clean, harmonisation, checklists, E-values
        # and the multiverse: these need them all
        rest = {"behzadi2007", "johnson2007", "beer2020", "nichols2017", "vanderweele2017", "simonsohn2020"}
        assert keys == cited | _cited(documents["pooled"][0]) | rest | set(methods._PAPERS.values())


def test_packages_are_named_with_their_papers():
    words = list(methods._packages({"numpy": "2.0", "formulaic": "1.2", "dipy": "1.12"}))
    assert words == [r"numpy 2\.0 [@harris2020]", r"formulaic 1\.2", r"dipy 1\.12 [@garyfallidis2014]"]


def test_the_other_way_to_clean_is_cited():
    words = " ".join(imaging_methods._cleaning(CleaningPlan(strategy="acompcor", sensitivity=["36p"])))
    assert "five components each of white matter and cerebrospinal fluid [@behzadi2007]" in words
    assert "after cleaning by 36p for sensitivity analyses" in words


def test_harmonisation_is_told_and_cited(documents):
    data = documents["imaging"][2].data
    names = [outcome.name for outcome in data.study.outcomes if outcome.source.table == "features"]
    plan = HarmonisationPlan(outcomes=names[:2], covariates=["age"])
    study = data.study.model_copy(update={"harmonisation": plan})
    words = str(harmonisation_text(replace(data, study=study)))
    assert (
        "were harmonised between levels of site by ComBat [@johnson2007] with a random intercept of each participant [@beer2020]"
        in words
    )
    assert "the effects of arm by visit and age were preserved" in words
    assert harmonisation_text(data) is None


def _cited(parts) -> set[str]:
    return set(re.findall(r"(?<!\\)@([a-z]+\d{4})", text_of(parts) + DOCUMENT.read_text("utf-8")))


@pytest.mark.parametrize("name", STORES)
def test_figures_are_files_with_words_for_those_who_do_not_see_them(documents, name):
    parts, folder, _ = documents[name]
    found = re.findall(r'!\[\]\((figures/[\w-]+\.png)\)\{fig-alt="(.*)" width=6\.5in\}', text_of(parts))
    assert found
    for path, alt in found:
        assert (folder / path).read_bytes().startswith(b"\x89PNG")
        assert len(alt) > 40
    assert {path for path, _ in found} == {f"figures/{file.name}" for file in (folder / "figures").iterdir()}


@pytest.mark.parametrize("name", STORES)
def test_nothing_raw_comes_through(documents, name):
    page = pypandoc.convert_text(
        text_of(documents[name][0]), "plain", format="markdown", extra_args=["--wrap=none"]
    )
    tables = " ".join(re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", text_of(documents[name][0]), re.DOTALL))
    for text in (page, tables):
        assert not re.search(r"\bnan\b|\bNone\b|<NA>|\binf\b", text)
        assert not re.search(r"(?<![\w.−-])-0?\.?\d", text.replace("2026-01-01", ""))


@pytest.mark.parametrize("name", STORES)
def test_every_citation_of_the_record_exists(documents, name):
    report = documents[name][2]
    assert len(report.citations) > 50
    known = {
        f"{key}#{column}"
        for table in STORES[name].tables.values()
        if "key" in table
        for key in table["key"]
        for column in table.columns
    }
    assert set(report.citations) <= known


@pytest.mark.parametrize("name", STORES)
def test_simulated_is_said_where_it_is_true_and_nowhere_else(documents, name):
    parts, _, report = documents[name]
    words = text_of(parts) + str(report_variables(STORES[name]))
    assert bool(re.search("simulated", words, re.IGNORECASE)) == report.data.study.study.simulated


@pytest.mark.parametrize("name", ["hostile", "imaging, hostile"])
def test_labels_come_out_literally(documents, name):
    parts, folder, _ = documents[name]
    (folder / "all.md").write_text(text_of(parts), encoding="utf-8")
    page = pypandoc.convert_file(str(folder / "all.md"), "html", format="markdown", extra_args=["--mathml"])
    assert "<script" not in page
    assert "<math" not in page
    body = " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())
    # all labels: 2 arms, 2 visits, 2 populations, 3 characteristics, 4 outcomes, 2 estimands, 2 analyses, 1 family, 5 subgroups
    for index in range(4):
        assert f"{index} {HOSTILE}" in body
    assert body.count(HOSTILE) > 50
    assert body.count(HOSTILE) == body.count("alert(1)") == body.count("pagebreak >}}")


def test_word_has_real_tables(documents, tmp_path):
    import docx

    parts, _, _ = documents["hostile"]
    target = tmp_path / "all.docx"
    # what the renderers do with raw HTML tables in Word: pandoc's own HTML reader
    tables = re.findall(r"```\{=html\}\n(.*?)\n```", text_of(parts), re.DOTALL)
    pypandoc.convert_text("\n".join(tables), "docx", format="html", outputfile=str(target))
    document = docx.Document(str(target))
    assert len(document.tables) == len(tables)
    texts = [" ".join(cell.text for row in table.rows for cell in row.cells) for table in document.tables]
    # priors and the record of versions are the tables without labels of the study file
    without = [text for text in texts if HOSTILE not in text]
    assert len(without) == 2
    assert any("half-normal" in text for text in without)
    assert any("BLAKE2b" in text for text in without)
    assert not any("font-family" in paragraph.text for paragraph in document.paragraphs)


def test_parts_that_have_nothing_to_show_print_nothing(documents):
    bare = documents["bare"][0]
    empty = {name for name, part in bare.items() if part is None}
    assert empty == {
        "baseline", "estimators", "other_analyses", "imaging_methods", "imaging", "families", "within_arms",
        "bayes", "bayes_posteriors", "bayes_evidence", "bayes_diagnostics", "bayes_predictive", "every_estimator", "associations",
        "subgroups", "subgroups_summary", "planning", "multiverse", "deviations",
    }  # fmt: skip
    assert "Authors: no table of harms was given" in documents["no harms"][0]["harms"].text.replace("\\", "")
    assert "## Harms" in documents["plain"][0]["harms"].text


def test_three_arms_have_a_contrast_each(documents):
    text = documents["three arms"][0]["primary"].text
    assert r"Stem cells minus Control" in text
    assert r"Sham minus Control" in text


def test_subgroups_say_their_test_first_and_how_many_there_are(documents):
    parts, folder, report = documents["plain"]
    text = parts["subgroups"].text.replace("\\", "")
    assert "In all, 5 subgroup analyses were examined; their 4 interaction tests are not adjusted" in text
    assert "0.2 of them would be expected below 0.05 if no effect differed" in text
    assert (
        "**By sex (exploratory).** Stem cells minus Control in Fugl-Meyer motor total by By sex: the interaction test"
        in text
    )
    assert "**By severe (secondary).**" in text
    assert "Not computed (column 'age': holds" in text
    assert "not estimable: 90 lies beyond the observed values" in html.unescape(text)
    rows = report.data.results.tables["subgroups"]
    assert rows.loc[rows["method"] == "subgroup_effect", "p_value"].isna().all()
    assert (folder / "figures" / "modified-severity-cells.png").exists()
    methods = parts["statistical_methods"].text.replace("\\", "")
    assert "By start (exploratory: a number, natural cubic spline with 2 terms, adjusted for sex;" in methods
    assert "By severe (secondary: categories, cut at 12;" in methods
    assert "Levels with fewer than 3 participants in an arm were left out." in methods
    summary = parts["subgroups_summary"].text
    assert summary.count("interaction test") == text.count("interaction test")
    assert "@fig" not in summary


def test_categories_of_the_same_participants_share_a_forest(documents):
    _, _, report = documents["plain"]
    groups = list(forests(report.data))
    assert [[one.plan.name for one in group] for group in groups] == [["sex"], ["severe"]]
    whole = make_results(plan() | {"subgroups": [
        part | {"by": "nihss", "cut": [cut], "name": f"cut{cut:g}"} for part in plan()["subgroups"][1:2] for cut in (10.0, 14.0)
    ]})  # fmt: skip
    groups = list(forests(CitedResults.of(whole)))
    assert [[one.plan.name for one in group] for group in groups] == [["cut10", "cut14"]]


def test_failures_are_said(documents):
    parts = documents["failed"][0]
    text = parts["imaging"].text
    assert "could not be estimated: fewer than 2 participants in an arm" in text.replace("\\", "")
    assert "not estimable: fewer than 2 participants in an arm" in text
    assert "planned estimates could not be made" in parts["limitations"].text
    assert "have no p-value" in parts["families"].text.replace("\\", "")


def test_value_has_the_form_of_its_column(data):
    report = Report(data)
    shown = {
        f"{KEY}#estimate": "9.7",
        f"{KEY}#conf_low": "4.8",
        f"{KEY}#p_value": "p < 0.001",
        f"{KEY}#n_participants": "34",
        f"{KEY}#unit": "points",
        f"{KEY}#std_error": "–",
        "flow/randomised/all#n": "36",
        "characteristic/itt/sex/male/all#proportion": "40 %",
        "characteristic/itt/nihss/all#median": "14",
        "outcome/imaging/cst_fa/day90/cells#mean": "0.503",
        "ratio/itt/fma_total/day90/baseline/cells#mean": "1.86",
    }
    assert {citation: report.value(citation) for citation in shown} == shown
    assert report.value(f"{KEY}#estimate", digits=3) == f"{data.results.value(f'{KEY}#estimate'):.3f}"
    assert report.effect(KEY) == "9.7 points (95 % CI 4.8 to 14.6; p < 0.001)"
    assert set(shown) <= set(report.citations)


@pytest.fixture
def study_folder(tmp_path):
    write_results(tmp_path, make_results())
    (tmp_path / "study.yaml").touch()
    (tmp_path / "reports").mkdir()
    return tmp_path


def test_open_report_looks_upwards(study_folder, monkeypatch):
    monkeypatch.chdir(study_folder / "reports")
    assert open_report().data.n_randomised() == 36


def test_open_report_takes_the_folder_from_the_environment(study_folder, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(InputError, match="NEUROTRIAL_STUDY_DIR"):
        open_report()
    monkeypatch.setenv("NEUROTRIAL_STUDY_DIR", str(study_folder))
    assert open_report().data.n_randomised() == 36


def test_open_report_without_results(study_folder):
    shutil.rmtree(study_folder / "results")
    with pytest.raises(InputError, match="neurotrial fit"):
        open_report(study_folder)


def test_variables_are_never_empty_and_escaped():
    values = report_variables(
        make_results(plan(title="A *b* {{< c >}}", registration=None, simulated=False))
    )["study"]
    assert values["title"] == r"A \*b\* \{\{\< c \>\}\}"
    assert values["subtitle"] == "Report of a randomised trial. Registration: not stated."
    assert "SIMULATED DATA" in report_variables(make_results())["study"]["subtitle"]


def test_the_manuscript_uses_only_variables_that_are_written():
    used = re.findall(r"\{\{< var (\w+)\.(\w+) >\}\}", DOCUMENT.read_text("utf-8"))
    written = report_variables(make_results())
    assert used
    assert all(name in written[group] for group, name in used)


def test_the_project_settings_are_the_templates():
    top = Path(__file__).parents[2] / "_quarto.yml"
    template = (FOLDER / "templates" / "_quarto.yml").read_bytes()
    assert top.read_bytes() == template
    settings = yaml.safe_load(template)
    assert settings["execute"] == {"echo": False, "warning": False, "freeze": False}
    assert settings["bibliography"] == "reports/references.bib"


def test_importing_the_package_is_light():
    import subprocess
    import sys

    code = "import sys, neurotrial.reports; print([m for m in ('pandas', 'matplotlib', 'great_tables') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_module_names_hide_no_other_module():
    # cells run in reports/, where Python looks for modules first
    import sys

    names = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert not names & sys.stdlib_module_names
