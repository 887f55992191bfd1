"""Checklists say where the manuscript answers each row, and never that it does where it does not."""

from __future__ import annotations

import html
import json
import re
import shutil
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pypandoc
import pytest
from imaging_fixture import imaging_plan, imaging_results, imaging_stores
from results_fixture import HOSTILE, awkward_stores, make_results, plan

import neurotrial.reports as package
from neurotrial.errors import InputError
from neurotrial.reports import Report, floats
from neurotrial.reports.build import build_reports, plan_reports
from neurotrial.reports.checklists.anchor_file import ANCHOR_FILE, read_anchors, write_anchors
from neurotrial.reports.checklists.anchors import TITLE, Anchor, document_anchors
from neurotrial.reports.checklists.filled import STATUSES, fill
from neurotrial.reports.checklists.items import CHECKLISTS, Item, read_checklist
from neurotrial.reports.checklists.shown import checklist_table, checklist_text
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.floats import table_float
from neurotrial.reports.rendering import render as rendering
from neurotrial.reports.scaffold import write_scaffold
from neurotrial.results import write_results

MANUSCRIPT = Path(package.__file__).parent / "manuscript.qmd"
WRITTEN = "Text that authors wrote."


def full_plan():
    """Return a study file that says all that it can."""
    parts = ("design", "setting", "eligibility", "intervention", "comparator")
    statements = ("ethics", "funding", "conflicts", "data_sharing")
    values = imaging_plan(registration="NCT01234567", **dict.fromkeys((*parts, *statements), WRITTEN))
    values["allocation"] |= {"scheme": "permuted_blocks", "block_sizes": [3]}
    return values


STORES = {
    name: results
    for name, results in {**awkward_stores(), **imaging_stores()}.items()
    if name in {"imaging", "plain", "bare", "hostile"}
} | {"full": imaging_results(full_plan())}
CONSORT, COBIDAS = map(read_checklist, CHECKLISTS)
NUMBERS = (
    "1a 1b 2 3 4 5a 5b 6 7 8 9 10 11 12a 12b 13 14 15 16a 16b 17a 17b 18 19 20a 20b 21a 21b 21c 21d "
    "22a 22b 23a 23b 24a 24b 25 26 27 28 29 30"
)


def executed(results, folder: Path) -> str:
    """Return the manuscript with the output of its cells in place, without a kernel and at a low resolution."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(floats, "_DPI", 40)
        report = Report(CitedResults.of(results), folder)

        def shown(match: re.Match[str]) -> str:
            part = getattr(report, match[1])()
            return "" if part is None else str(part)

        text = MANUSCRIPT.read_text("utf-8").partition("\n---\n")[2]
        text = re.sub(r"```\{python\}\n#\| output: asis\nreport\.(\w+)\(\)\n```", shown, text)
        return re.sub(r"`\{python\} report\.(\w+)\(\)`", shown, text)


@pytest.fixture(scope="module")
def manuscripts(tmp_path_factory):
    """The manuscript of each store, executed."""
    return {name: executed(results, tmp_path_factory.mktemp("study")) for name, results in STORES.items()}


@pytest.fixture(scope="module")
def anchors(manuscripts):
    """The anchors of each manuscript by label."""
    return {
        name: {anchor.name: anchor for anchor in document_anchors(text, "A randomised trial")}
        for name, text in manuscripts.items()
    }


def filled(checklist, anchors, store="imaging"):
    return {row.item.number: row for row in fill(checklist, anchors, CitedResults.of(STORES[store]))}


# the rows


def test_consort_has_the_rows_of_the_statement():
    assert [item.number for item in CONSORT.items] == NUMBERS.split()
    sections = [name for name, _ in groupby(CONSORT.items, key=lambda item: item.section)]
    assert sections == [
        "Title and abstract",
        "Open science",
        "Introduction",
        "Methods",
        "Results",
        "Discussion",
    ]
    firsts = {
        name: next(items).number for name, items in groupby(CONSORT.items, key=lambda item: item.section)
    }
    assert list(firsts.values()) == ["1a", "2", "6", "8", "22a", "29"]


def test_cobidas_has_the_seven_tables_counted_through():
    by_table = groupby(COBIDAS.items, key=lambda item: item.number.partition(".")[0])
    tables = {table: list(items) for table, items in by_table}
    assert list(tables) == [f"D{number}" for number in range(1, 8)]
    for table, items in tables.items():
        assert [item.number for item in items] == [f"{table}.{count}" for count in range(1, len(items) + 1)]
        assert len({item.section for item in items}) == 1
    assert "our own count" in COBIDAS.note


@pytest.mark.parametrize("checklist", [CONSORT, COBIDAS], ids=CHECKLISTS)
def test_rows_can_be_answered_or_say_why_not(checklist):
    for item in checklist.items:
        assert bool(item.unused) != bool(item.where or item.authors), item.number
        assert not (set(item.where) | set(item.also)) & set(item.authors), item.number
    assert len({(item.section, item.topic) for item in checklist.items}) == len(checklist.items)


def test_fields_of_the_remedies_are_in_the_study_file():
    study = STORES["imaging"].study
    for item in (*CONSORT.items, *COBIDAS.items):
        for field in item.fields:
            value = study
            for part in field.split("."):
                assert part in value, field
                value = value[part]


def test_labels_that_rows_name_are_in_manuscripts_or_left_to_authors(anchors):
    made = set().union(*anchors.values())
    known = document_anchors("# Empty\n", "A randomised trial")
    assert [anchor.name for anchor in known] == [TITLE]
    for item in (*CONSORT.items, *COBIDAS.items):
        for pattern in (*item.where, *item.also):
            for alternative in pattern.split("|"):
                # these rest on the roles of the analyses, which the fixtures do not all have
                if alternative != "sec-exploratory-*":
                    assert any(re.fullmatch(alternative.replace("*", ".*"), name) for name in made), (
                        alternative
                    )
        assert not set(item.authors) & made, item.number


def test_a_checklist_that_is_none():
    with pytest.raises(InputError, match="use consort2025 or cobidas"):
        read_checklist("../study")


# the anchors


def test_every_heading_of_the_manuscript_has_a_label(manuscripts):
    for text in manuscripts.values():
        headings = re.findall(r"^#+ (?!For the authors).*$", text, re.MULTILINE)
        assert len(headings) > 10
        assert [heading for heading in headings if "{#sec-" not in heading] == []
        labels = re.findall(r"\{#(sec-[\w-]+)", text)
        assert len(labels) == len(set(labels))


def test_anchors_know_their_number_and_what_is_above_them():
    text = """
# Methods {#sec-methods}

## The *design* {#sec-design}

::: {#sec-outer}

**Allocation.** By lot [in blocks of 6]{#sec-blocks}.

:::

# References {#sec-references .unnumbered}

## Below {#sec-below}

::::: {#fig-one}

![](one.png)

See @tbl-one.

:::::

| a |
|---|
| 1 |

: Caption {#tbl-one}

# Last {#sec-last}

![Two](two.png){#fig-two}
"""
    shown = {anchor.name: anchor.words for anchor in document_anchors(text, "Any", numbered=True)}
    assert shown == {
        "sec-methods": "Methods (1)",
        "sec-design": "Methods, The design (1.1)",
        "sec-outer": "Methods, The design, Allocation (1.1)",
        "sec-blocks": "Methods, The design, Allocation (1.1)",
        "sec-references": "References",
        "sec-below": "References, Below (1.2)",
        "fig-one": "Figure 1",
        "tbl-one": "Table 1",
        "sec-last": "Last (2)",
        "fig-two": "Figure 2",
    }
    plain = {anchor.name: anchor.words for anchor in document_anchors(text, "Any")}
    assert plain["sec-design"] == "Methods, The design"


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (WRITTEN, "written"),
        ("| a |\n|---|\n| 1 |", "written"),
        ("$x$", "written"),
        ("", "empty"),
        ("### Only a heading", "empty"),
        ("[@someone2020]", "empty"),
        ("::: {.callout-note}\n## For the authors to write\n\nWhat.\n:::", "placeholder"),
        ("*[Authors: why.]*", "placeholder"),
        (f"{WRITTEN}\n\n### Below\n\n**Why.** *[Authors: why.]*", "placeholder"),
        ("Replace by the funder and its role", "placeholder"),
        ("**Funding.** Replace by the funder", "placeholder"),
        (r"**Registration.** NCT00000000", "placeholder"),
        ("NCT00000001, and we replace by name", "written"),
    ],
)
def test_what_stands_in_a_section(body, state):
    (anchor,) = document_anchors(f"## Here {{#sec-here}}\n\n{body}\n\n## Next\n\n{WRITTEN}\n", "Any")
    assert (anchor.name, anchor.state) == ("sec-here", state)


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("A randomised trial", True),
        ("Randomized, controlled", True),
        ("Stem cells in stroke", False),
        ("", False),
    ],
)
def test_the_title_says_whether_the_trial_was_randomised(title, says):
    assert [anchor.name for anchor in document_anchors("Text", title)] == [TITLE] * says


@pytest.mark.parametrize("broken", [{"kind": "page"}, {"state": "lost"}])
def test_an_anchor_is_one_of_its_kinds(broken):
    values = {"name": "sec-a", "kind": "section", "number": "", "path": ("A",), "state": "written"}
    with pytest.raises(ValueError, match="no anchor"):
        Anchor(**values | broken)


# rows filled in


def test_rows_point_to_the_manuscript(anchors):
    rows = filled(CONSORT, anchors["full"])
    assert rows["25"].places == ("Table 3",)
    assert rows["22a"].places == ("Results, Participants", "Figure 1", "Table 2")
    assert rows["26"].places[0] == "Results, Primary analysis"
    statuses = {number: rows[number].status for number in ("14", "21a", "22a", "25", "26", "28")}
    assert statuses == dict.fromkeys(statuses, "found")
    assert all(not row.remarks for row in rows.values() if row.status == "found")
    assert all(row.remarks for row in rows.values() if row.status != "found")
    assert filled(CONSORT, anchors["plain"])["27"].places == ("Results, Harms", "Table 11")
    images = filled(COBIDAS, anchors["full"])
    assert images["D3.9"].places == ("Methods, From images to measures, Diffusion",)
    assert {images[number].status for number in ("D3.9", "D3.15", "D5.4", "D7.2")} == {"found"}


def test_what_only_authors_know_is_missing_with_the_place_to_write_it(anchors):
    rows = {**filled(CONSORT, anchors["imaging"]), **filled(COBIDAS, anchors["imaging"])}
    for number in ("3", "8", "10", "20a", "24b", "D2.2", "D3.1"):
        row = rows[number]
        assert row.status == "missing"
        assert row.places == ()
        assert f"{{#{row.item.authors[0]}}}" in row.remarks[-1]
    assert rows["3"].remarks[-1] == "write it in Statements and mark it with {#sec-protocol}"
    assert rows["30"].status == rows["24a"].status == "partly"
    assert rows["30"].places == ("Discussion, Limitations",)


def test_what_the_study_file_leaves_open_is_to_be_written_there(anchors):
    rows = filled(CONSORT, anchors["imaging"])
    assert rows["5a"].status == "to be written"
    assert rows["5a"].places == ("Statements, Funding",)
    assert rows["5a"].remarks == ("write it in study.yaml (study.funding)",)
    assert rows["6"].remarks == ("replace the placeholder in reports/manuscript.qmd",)
    # none of the fixtures' study files has a setting: there is no paragraph to point to
    assert (rows["11"].status, rows["11"].remarks) == ("missing", ("write it in study.yaml (study.setting)",))


@pytest.mark.parametrize("checklist", [CONSORT, COBIDAS], ids=CHECKLISTS)
def test_a_place_that_is_removed_is_missed_by_every_row_that_needs_it(checklist, anchors):
    whole = anchors["full"]
    before = filled(checklist, whole)
    needed = {name for item in checklist.items for name in item.where if name in whole}
    assert len(needed) > 10
    for name in needed:
        after = filled(checklist, {key: anchor for key, anchor in whole.items() if key != name})
        for number, row in before.items():
            if row.status in {"found", "partly"} and name in row.item.where:
                # each other place that a row of the full manuscript needs is there, but for those of authors
                alone = len(row.item.where) == 1
                assert after[number].status == ("missing" if alone else "partly"), (name, number)
                assert after[number].remarks
            elif name not in row.item.where:
                assert after[number].status == row.status


@pytest.mark.parametrize("state", ["empty", "placeholder"])
def test_a_place_without_text_answers_nothing(anchors, state):
    whole = anchors["imaging"]
    named = whole["sec-statistics"]
    rows = filled(CONSORT, whole | {"sec-statistics": replace(named, state=state)})
    assert rows["21a"].status == {"empty": "missing", "placeholder": "to be written"}[state]


@pytest.mark.parametrize(
    "text",
    [
        f"## Blinding {{#sec-blinding}}\n\n{WRITTEN}",
        f"::: {{#sec-blinding}}\n{WRITTEN}\n:::",
        f"Some words, [{WRITTEN}]{{#sec-blinding}}",
    ],
)
def test_text_of_authors_counts_by_its_label(manuscripts, text):
    whole = manuscripts["imaging"].replace("## Statistical analysis", f"{text}\n\n## Statistical analysis")
    found = {anchor.name: anchor for anchor in document_anchors(whole, "")}
    row = filled(CONSORT, found)["20a"]
    assert row.status == "found"
    assert row.places[0].startswith("Methods, ")


def test_scans_that_a_study_does_not_have_are_no_gap(anchors):
    rows = filled(COBIDAS, anchors["bare"])
    bare = make_results(plan())
    values = plan()
    for outcome in values["outcomes"]:
        outcome["source"] = {"table": "motor", "where": {"scale": outcome["name"]}}
    without = fill(
        COBIDAS,
        anchors["bare"],
        CitedResults.of(replace(bare, study=bare.study | {"outcomes": values["outcomes"]})),
    )
    assert {row.status for row in without} == {"not applicable"}
    assert "the study file declares no images" in {row.remarks[0] for row in without}
    # outcomes that came as tables of images: images were taken, whatever is written about them
    assert rows["D2.2"].status == "missing"


def test_rows_of_one_kind_of_scan_need_that_kind(anchors):
    results = STORES["imaging"]
    diffusion = {
        name: results.tables[name][results.tables[name]["modality"] == "dwi"]
        for name in ("features", "quality", "status")
    }
    data = CitedResults.of(replace(results, tables=results.tables | diffusion))
    rows = {row.item.number: row for row in fill(COBIDAS, anchors["imaging"], data)}
    assert rows["D3.15"].remarks == ("the study has no BOLD scans",)
    assert rows["D3.15"].status == "not applicable"
    assert rows["D3.9"].status == "found"
    assert rows["D1.14"].remarks == ("functional scans are at rest, no task was given",)


# what is shown


@pytest.mark.parametrize("checklist", [CONSORT, COBIDAS], ids=CHECKLISTS)
@pytest.mark.parametrize("store", STORES)
def test_counts_are_those_of_the_table(checklist, store, anchors):
    rows = list(filled(checklist, anchors[store], store).values())
    text = str(checklist_text(checklist, rows)).replace("\\", "")
    table = checklist_table(checklist, rows).html
    counts = {status: sum(row.status == status for row in rows) for status in STATUSES}
    for status, count in counts.items():
        assert f"{count} {status}" in text
        assert len(re.findall(rf"<td[^>]*>{status.capitalize()}</td>", table)) == count
    bold = re.findall(r"<td [^>]*font-weight: bold[^>]*>([^<]*)</td>", table)
    assert len(bold) == sum(counts[status] for status in ("partly", "to be written", "missing"))
    assert set(bold) <= {"Partly", "To be written", "Missing"}
    assert checklist.source in text
    assert checklist.checked in text
    assert f"[@{checklist.citation}]" in text


def test_a_checklist_without_gaps_has_nothing_in_bold():
    item = Item(number="1", section="S", topic="T", text="W.", where=["sec-a"])
    checklist = CONSORT.model_copy(update={"items": [item]})
    anchor = Anchor("sec-a", "section", "", ("A",), "written")
    rows = fill(checklist, {"sec-a": anchor}, CitedResults.of(STORES["plain"]))
    assert [row.status for row in rows] == ["found"]
    assert "font-weight: bold;" not in re.sub(
        r"<style>.*?</style>", "", checklist_table(checklist, rows).html, flags=re.DOTALL
    )


def test_headings_come_out_literally():
    words = f"{HOSTILE} {{#sec-x}}"
    anchor = Anchor("sec-statistics", "section", "", ("Methods", words), "written")
    rows = fill(CONSORT, {"sec-statistics": anchor}, CitedResults.of(STORES["plain"]))
    page = pypandoc.convert_text(
        str(table_float(checklist_table(CONSORT, rows))), "html", format="markdown", extra_args=["--mathml"]
    )
    assert "<script" not in page
    assert "<math" not in page
    shown = " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())
    assert f"Methods, {words}" in shown


# the file between the documents


@pytest.fixture
def study(tmp_path):
    """A study folder with results, whose manuscript is short."""
    folder = tmp_path / "study"
    write_scaffold(folder)
    shutil.rmtree(folder / "tables")
    write_results(folder, make_results())
    for name in ("supplement.qmd", "quality.qmd"):
        (folder / "reports" / name).unlink()
    cells = "\n\n".join(
        f"## {head} {{#sec-{head.lower()}}}\n\n```{{python}}\n#| output: asis\nreport.{call}()\n```"
        for head, call in {
            "Outcomes": "visits_and_outcomes",
            "Participants": "flow",
            "Statements": "statements",
        }.items()
    )
    front, setup = re.match(
        r"(---\n.*?\n---\n).*?(```\{python\}\n.*?```)", MANUSCRIPT.read_text("utf-8"), re.DOTALL
    ).groups()
    text = (
        f"{front}\n{setup}\n\n# Methods {{#sec-methods}}\n\n{cells}\n\n# References\n\n::: {{#refs}}\n:::\n"
    )
    (folder / "reports" / "manuscript.qmd").write_text(text, "utf-8")
    return folder


def test_anchors_come_back_as_they_were_written(study):
    results = make_results()
    text = "# Methods {#sec-methods}\n\nWords.\n"
    write_anchors(study, results, text)
    assert list(read_anchors(study, results).values()) == document_anchors(text, "")
    write_anchors(study, results, text)
    assert json.loads((study / ANCHOR_FILE).read_text("utf-8"))["anchors"][0]["path"] == ["Methods"]


def _without(study):
    (study / ANCHOR_FILE).unlink()


def _older(study):
    file = study / "reports" / "manuscript.qmd"
    file.write_text(file.read_text("utf-8") + "\nMore.\n", "utf-8")


def _garbled(study):
    (study / ANCHOR_FILE).write_text('{"fingerprint": 1}', "utf-8")


def _no_manuscript(study):
    (study / "reports" / "manuscript.qmd").unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without, "is not there: nobody has looked through reports/manuscript.qmd"),
        (_older, "is older than reports/manuscript.qmd or the results"),
        (_garbled, "is not a file that neurotrial wrote"),
        (_no_manuscript, "is not there, and checklists are about it"),
    ],
)
def test_anchors_that_cannot_be_trusted_are_refused_with_a_remedy(study, change, message):
    results = make_results()
    write_anchors(study, results, "# Methods {#sec-methods}\n")
    change(study)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        Report(CitedResults.of(results), study).checklist("consort2025")
    assert "neurotrial report" in str(caught.value) or change is _no_manuscript


def test_anchors_of_another_fit_are_refused(study):
    results = make_results()
    write_anchors(study, results, "# Methods {#sec-methods}\n")
    other = replace(results, provenance=results.provenance | {"created": "2026-01-02T00:00:00+00:00"})
    with pytest.raises(InputError, match="older than"):
        read_anchors(study, other)


def test_a_report_without_a_folder_has_no_checklist():
    with pytest.raises(InputError, match="open_report"):
        Report(CitedResults.of(make_results())).checklist("cobidas")


def test_reports_are_built_with_the_manuscript_first_and_its_numbers(study, monkeypatch):
    plan_of = plan_reports(study, ["html"], "builtin")
    assert plan_of.steps == ["manuscript.qmd", "checklists.qmd", "secondary.qmd"]
    runs = []
    one = rendering.render_builtin
    monkeypatch.setattr(rendering, "render_builtin", lambda *given: runs.append(given[0].name) or one(*given))
    written = build_reports(plan_of)
    assert runs == plan_of.steps
    assert sorted(path.name for path in (study / "output").iterdir()) == [
        "checklists.html",
        "manuscript.html",
        "secondary.html",
    ]
    found = read_anchors(study, plan_of.results)
    manuscript, checklists = ((study / "output" / path.name).read_text("utf-8") for path in written[:2])
    for name in ("tbl-estimands", "tbl-flow", "fig-flow"):
        label = found[name].words
        first = re.search(rf'id="{name}".*?((?:Figure|Table).\d+):', manuscript, re.DOTALL)
        assert first[1].replace("\xa0", " ") == label
        assert label in checklists
    assert found["sec-outcomes"].words == "Methods, Outcomes"
    assert "42 rows, " in checklists
    assert "Methods, Participants; Figure 1; Table 2" in checklists


def test_with_quarto_the_manuscript_is_looked_through_too(study, monkeypatch):
    def pretend(_, path, to, folder, __):
        (folder / f"{path.stem}.html").write_text("made by Quarto", "utf-8")
        return {to[0]: folder / f"{path.stem}.html"}

    monkeypatch.setattr(rendering, "_quarto", lambda _: "quarto")
    monkeypatch.setattr(rendering, "quarto_version", lambda _: "1.9")
    monkeypatch.setattr(rendering, "render_quarto", pretend)
    # outside the builtin renderer's subset, which is no matter here
    file = study / "reports" / "manuscript.qmd"
    file.write_text(
        file.read_text("utf-8") + "\n{{< lipsum 1 >}}\n\n## More {#sec-blinding}\n\nWords.\n", "utf-8"
    )
    plan_of = plan_reports(study, ["html"], "quarto")
    build_reports(plan_of)
    found = read_anchors(study, plan_of.results)
    assert found["sec-blinding"].state == "written"
    assert found["tbl-flow"].words == "Table 2"
