"""Preflight: small manuscripts over and under each limit, and profiles that are wrong."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path

import pytest
from everything_study import png

from neurotrial.errors import InputError
from neurotrial.reports.preflight.manuscript import read_manuscript
from neurotrial.reports.preflight.pictures import measure_pictures
from neurotrial.reports.preflight.profile import (
    NO_SOURCE,
    FigureLimits,
    Limits,
    Profile,
    chosen_profile,
    profile_names,
    read_profile,
)
from neurotrial.reports.preflight.run import HEADER, Preflight, preflight_document
from neurotrial.reports.preflight.words import count_words
from neurotrial.reports.rendering.render_builtin import execute_document, read_tree
from neurotrial.study import ReportChoices

BODY = """
# Abstract {.unnumbered}

**Background.** Three words here.

**Methods.** Magnetic resonance imaging (MRI) was used.

# Introduction

One two three four [@key2020].

::: {.callout-note}
## For the authors to write

Not counted at all.
:::

# Methods

Five six. The MRI was good (95 % of it).

::: {#tbl-one}
| a | b |
|---|---|
| words in a table | 2 |

A caption of a table.
:::

::: {#fig-one}
![](image.png){fig-alt="Words of the alternative text" width=2in}

A caption of a figure.
:::

# Statements

**Registration.** NCT01234567

**Funding.** Replace by the funder and its role

# References {.unnumbered}

::: {#refs}
:::
"""
BIBLIOGRAPHY = "@article{key2020, title={A title}, author={Author, A}, journal={J}, year={2020}, volume={1}, pages={1}}\n"


def profile(source: str | None = "https://example.org/guide", **limits: object) -> Profile:
    return Profile(
        name="J",
        source=source,
        checked=date(2026, 1, 2) if source else None,
        limits=Limits.model_validate(limits),
    )


@pytest.fixture
def preflight(write):
    """Hold a body against limits; return the verdict of each check."""

    def _preflight(body: str = BODY, names: list[str] | None = None, **limits: object) -> dict[str, object]:
        found = preflight_document(_document(write, body), profile(**limits), names)
        return {check.check: check for check in found.checks}

    return _preflight


def _document(write, body: str, front: str = "") -> Path:
    return write(body, front=f"bibliography: refs.bib\n{front}", refs__bib=BIBLIOGRAPHY)


def verdicts(checks) -> dict[str, str]:
    return {name: check.verdict for name, check in checks.items()}


def test_what_counts_as_words_of_the_main_text(preflight) -> None:
    # headings and sentences of Introduction and Methods; no citation, note, table, figure, caption or abstract
    found = preflight()["words of the main text"]
    assert found.found == "15 (Introduction, Methods)"
    assert found.verdict == "not stated by the journal"


@pytest.mark.parametrize(("limit", "verdict"), [(15, "ok"), (14, "over")])
def test_main_text_at_and_over_its_limit(preflight, limit: int, verdict: str) -> None:
    found = preflight(main_text_words=limit)["words of the main text"]
    assert (found.verdict, found.limit) == (verdict, f"at most {limit}")
    assert found.source == "https://example.org/guide"


def test_a_journal_that_counts_more_or_less(preflight) -> None:
    def words(**limits: object) -> int:
        return int(preflight(**limits)["words of the main text"].found.split(" ")[0])

    assert words(main_text_leaves_out=["methods"]) == 5
    assert words(main_text_counts=["abstract"]) == 15 + 11
    # "Table 1:" and "Figure 1:" stand before the captions
    assert words(main_text_counts=["captions"]) == 15 + 2 * 7
    assert words(main_text_counts=["tables"]) == 15 + 7
    assert words(main_text_counts=["title_page"]) == 15 + 1
    assert words(main_text_counts=["references"]) > 15


@pytest.mark.parametrize(("limit", "verdict"), [(11, "ok"), (10, "over")])
def test_abstract_at_and_over_its_limit(preflight, limit: int, verdict: str) -> None:
    assert preflight(abstract_words=limit)["words of the abstract"].verdict == verdict


def test_no_abstract_is_missing_and_one_in_the_front_matter_is_one(preflight, write) -> None:
    assert (
        preflight("# Introduction\n\nText.", abstract_words=9)["words of the abstract"].verdict == "missing"
    )
    document = _document(write, "# Introduction\n\nText.", front="abstract: Two words\n")
    checks = {check.check: check for check in preflight_document(document, profile(abstract_words=2)).checks}
    assert (checks["words of the abstract"].found, checks["words of the abstract"].verdict) == ("2", "ok")


@pytest.mark.parametrize(
    ("heads", "verdict"),
    [
        (["Background", "Methods"], "ok"),
        (["background", "METHODS"], "ok"),
        (["Methods", "Background"], "differs"),
        (["Background"], "differs"),
        (["Background", "Methods", "Findings"], "missing"),
        ([], "differs"),
    ],
)
def test_heads_of_the_abstract_in_order(preflight, heads: list[str], verdict: str) -> None:
    found = preflight(abstract_heads=heads)["heads of the abstract"]
    assert found.verdict == verdict
    assert found.found == "Background, Methods"
    assert ("lacks the head Findings" in found.details) == ("Findings" in heads)


def test_headings_are_heads_too(preflight) -> None:
    body = "# Abstract\n\n## Aims\n\nWords.\n\n## Findings\n\nWords.\n\n# Introduction\n\nText."
    assert preflight(body, abstract_heads=["Aims", "Findings"])["heads of the abstract"].verdict == "ok"


@pytest.mark.parametrize(("limit", "verdict"), [(2, "ok"), (1, "over")])
def test_display_items(preflight, limit: int, verdict: str) -> None:
    found = preflight(display_items=limit)["display items"]
    assert (found.verdict, found.found) == (verdict, "2 (1 figures, 1 tables)")


def test_references(preflight) -> None:
    assert preflight(references=1)["references"].verdict == "ok"
    body = BODY.replace("[@key2020]", "[@key2020; @other2021]")
    assert preflight(BODY, references=1)["references"].found == "1"
    with pytest.raises(InputError, match="other2021"):
        preflight(body, references=1)


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("Magnetic resonance imaging (MRI) helps. MRI.", []),
        ("MRI (magnetic resonance imaging) helps. MRI.", []),
        ("It (a magnetic resonance imaging [MRI] scan) helps.", []),
        ("Plain MRI.", ["MRI: never spelled out"]),
        ("The tract (MRI) and MRI.", ["MRI: never spelled out"]),
        ("MRI first. Magnetic resonance imaging (MRI) later.", ["MRI: used before it is spelled out"]),
        (
            "Magnetic resonance imaging (MRI). Magnetic resonance imaging (MRI) again.",
            ["MRI: spelled out twice"],
        ),
        ("Confidence intervals (CIs) and a CI.", []),
        ("Type II, NCT01234567, `CODE` and $ABC$.", []),
    ],
)
def test_abbreviations(preflight, text: str, details: list[str]) -> None:
    body = f"# Introduction\n\nA line.\n\n{text}\n"
    found = preflight(body, abbreviations_at_first_use=True)["abbreviations in the text"]
    assert [detail.partition(" (doc.qmd")[0] for detail in found.details] == details
    assert found.verdict == ("missing" if details else "ok")
    assert all(detail.endswith(" (doc.qmd:10)") for detail in found.details)


def test_abbreviations_of_abstract_and_text_are_apart(preflight) -> None:
    # spelled out in the abstract, used in the text without words
    checks = preflight(abbreviations_at_first_use=True)
    assert checks["abbreviations in the abstract"].verdict == "ok"
    assert [d.partition(" (")[0] for d in checks["abbreviations in the text"].details] == [
        "MRI: never spelled out"
    ]
    assert preflight(names=["MRI"])["abbreviations in the text"].details == ()


def test_an_abbreviation_in_the_words_of_a_cell_names_the_cell(write) -> None:
    cell = "```{python}\n#| output: asis\nprint('Some XYZ here.')\n```"
    document = _document(write, f"# Introduction\n\nText.\n\n{cell}\n")
    checks = {
        check.check: check
        for check in preflight_document(document, profile(abbreviations_at_first_use=True)).checks
    }
    assert checks["abbreviations in the text"].details == ("XYZ: never spelled out (doc.qmd:10, a cell)",)


def test_statements_are_there_missing_or_placeholders(preflight) -> None:
    checks = preflight(statements=["registration", "funding", "ethics"])
    assert [
        (checks[f"statement: {name}"].found, checks[f"statement: {name}"].verdict)
        for name in ("registration", "funding", "ethics", "conflicts of interest")
    ] == [
        ("stated", "ok"),
        ("a placeholder", "missing"),
        ("not there", "missing"),
        ("not there", "not stated by the journal"),
    ]


def test_statements_and_heads_are_found_in_labelled_parts(preflight) -> None:
    body = BODY.replace(
        "**Registration.** NCT01234567", "::: {#sec-registration}\n**Registration.** NCT01234567\n:::"
    )
    body = body.replace("**Methods.** Mag", "::: {#sec-some}\n[**Methods.** Mag").replace(
        "was used.", "was used.]{#sec-a}\n:::"
    )
    checks = preflight(body, statements=["registration"], abstract_heads=["Background", "Methods"])
    assert checks["statement: registration"].verdict == "ok"
    assert checks["heads of the abstract"].verdict == "ok"


def test_placeholders_are_counted_and_named(preflight) -> None:
    found = preflight()["placeholders left for the authors"]
    assert (found.found, found.verdict) == ("2", "missing")
    assert found.details == (
        "still to be written: For the authors to write",
        "still to be written: Replace by the funder and its role",
    )
    assert preflight("# Introduction\n\nText.")["placeholders left for the authors"].verdict == "ok"


@pytest.mark.parametrize(
    ("figures", "failing"),
    [
        ({"dpi_min": 150, "width_mm_min": 50.8, "width_mm_max": 50.8, "formats": ["png"]}, {}),
        ({"dpi_min": 151}, {"resolution of figures": "under"}),
        ({"width_mm_min": 52}, {"width of figures": "under"}),
        ({"width_mm_max": 50}, {"width of figures": "over"}),
        ({"formats": ["tiff", "eps"]}, {"format of figures": "differs"}),
    ],
)
def test_figures_against_resolution_width_and_format(
    write, figures: dict[str, object], failing: dict[str, str]
) -> None:
    document = _document(write, BODY)
    (document.parent / "image.png").write_bytes(png(300, 10))  # 2 inches wide on the page
    found = preflight_document(document, profile(figures=figures))
    checks = {check.check: check for check in found.checks if check.check.endswith("figures")}
    assert {name: check.verdict for name, check in checks.items() if check.broken} == failing
    assert checks["resolution of figures"].found == "150 dpi at the least"
    assert checks["width of figures"].found == "51 to 51 mm"
    assert all(check.details[0].startswith("image.png: ") for check in checks.values() if check.broken)


def test_a_drawing_without_dots_has_no_resolution(write, tmp_path: Path) -> None:
    body = BODY.replace("image.png", "drawing.svg")
    document = _document(write, body)
    (document.parent / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", "utf-8")
    work = tmp_path / "work"
    work.mkdir()
    executed = execute_document(document, work, lambda _: None)
    (picture,) = measure_pictures(read_manuscript(read_tree(executed)).floats, executed.places)
    assert (picture.format, picture.dpi) == ("svg", None)
    assert picture.width_mm == pytest.approx(50.8)


@pytest.mark.parametrize(
    ("style", "wanted", "verdict"),
    [
        ("<id>http://www.zotero.org/styles/stroke</id>", ["stroke"], "ok"),
        ('<link href="http://www.zotero.org/styles/apa" rel="independent-parent"/>', ["apa"], "ok"),
        ("<id>urn:other</id>", ["own"], "ok"),
        ("<id>urn:other</id>", ["stroke"], "differs"),
        ("<id>urn:other</id>", None, "not stated by the journal"),
    ],
)
def test_style_of_references(tmp_path: Path, style: str, wanted: list[str] | None, verdict: str) -> None:
    from neurotrial.reports.preflight.picture_checks import check_style

    file = tmp_path / "own.csl"
    file.write_text(f"<style><info>{style}</info></style>", "utf-8")
    assert check_style(file, profile(reference_style=wanted)).verdict == verdict
    assert check_style(None, profile(reference_style=["stroke"])).verdict == "differs"


def test_the_table_has_every_check_with_its_source(write) -> None:
    found = preflight_document(_document(write, BODY), profile(references=9, display_items=1))
    rows = list(csv.reader(io.StringIO(found.tsv()), delimiter="\t"))
    assert tuple(rows[0]) == HEADER
    assert len(rows) == 1 + len(found.checks)
    by_check = {row[0]: row for row in rows}
    assert by_check["references"][1:5] == ["at most 9", "1", "ok", "https://example.org/guide"]
    assert [check.check for check in found.broken] == ["display items", "placeholders left for the authors"]


def test_limits_without_a_source_say_so(write) -> None:
    found = preflight_document(_document(write, BODY), profile(source=None, references=9))
    assert found.profile.confirmed == NO_SOURCE == "limits are not confirmed: no source"
    assert f"references\tat most 9\t1\tok\t{NO_SOURCE}" in found.tsv()


def test_a_limit_that_was_read_elsewhere_names_that_place() -> None:
    one = Profile(
        name="J",
        source="https://a.org/x",
        checked=None,
        sources={"references": "10.1000/xyz"},
        limits=Limits(),
    )
    assert (one.source_of("references"), one.source_of("display_items")) == ("10.1000/xyz", "https://a.org/x")
    assert one.confirmed == "https://a.org/x, read on a day that is not stated"


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_that_ships_has_a_source_a_day_and_a_note(name: str) -> None:
    shipped = read_profile(name, Path())
    assert shipped.source
    assert shipped.checked
    assert shipped.note
    given = shipped.limits.model_dump(exclude_unset=True)
    assert given, "a profile without a limit is of no use"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "limits: {main_text_wrods: 3}",
            "line_0:3: limits.main_text_wrods: is not a key of a journal's profile",
        ),
        ("limits: {main_text_wrods: 3}", "did you mean 'main_text_words'?"),
        ("limits: {references: 0}", "limits.references: 0 is not accepted"),
        ("limits: {references: many}", "limits.references: 'many' is not accepted"),
        ("limits: {statements: [ethic]}", "limits.statements[0]"),
        ("limits: {figures: {dpi: 3}}", "did you mean 'dpi_min'?"),
        ("limits: {}\nsources: {referenes: https://a.org}", "sources names 'referenes', which is no limit"),
        ("limits: {}\nchecked: yesterday", "is given twice"),
        ("", "limits: is missing"),
    ],
)
def test_faults_of_a_profile_are_named_with_line_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: J\nsource: https://a.org/x\n{text}\nchecked: null\n", "utf-8")
    with pytest.raises(InputError) as caught:
        read_profile(str(file), tmp_path)
    assert message.replace("line_0", "mine.yaml") in str(caught.value)


@pytest.mark.parametrize("source", ["none", "ftp://a.org", "a book"])
def test_a_source_is_an_address_or_doi(tmp_path: Path, source: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: J\nsource: {source}\nchecked: null\nlimits: {{}}\n", "utf-8")
    with pytest.raises(InputError, match=r"mine\.yaml:2: source"):
        read_profile("mine.yaml", tmp_path)


def test_a_day_without_a_source_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: J\nsource: null\nchecked: 2026-01-02\nlimits: {}\n", "utf-8")
    with pytest.raises(InputError, match="checked is given without source"):
        read_profile("mine.yaml", tmp_path)


def test_an_unknown_journal_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'scientific_reports'"):
        read_profile("scientific_report", tmp_path)
    with pytest.raises(InputError, match="there is no file"):
        read_profile("mine.yaml", tmp_path)


def test_the_study_file_names_a_profile_inside_its_folder(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (tmp_path / "out.yaml").write_text(
        "name: J\nsource: null\nchecked: null\nlimits: {references: 3}\n", "utf-8"
    )
    (study / "mine.yaml").write_bytes((tmp_path / "out.yaml").read_bytes())
    assert chosen_profile(study, ReportChoices(journal="mine.yaml")).limits.references == 3
    assert chosen_profile(study, ReportChoices(), str(tmp_path / "out.yaml")).limits.references == 3
    assert chosen_profile(study, ReportChoices()).name.startswith("ICMJE")
    with pytest.raises(InputError, match="leads outside"):
        chosen_profile(study, ReportChoices(journal="../out.yaml"))


def test_a_lone_sign_is_no_word() -> None:
    assert count_words("p = 0.007 – or − 3 %") == 4


def test_preflight_passes_where_nothing_is_asked_and_nothing_is_left(write) -> None:
    found = preflight_document(_document(write, "# Introduction\n\nText."), profile())
    assert isinstance(found, Preflight)
    assert found.broken == ()


def test_the_profile_of_the_guide_is_one_and_names_every_key(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "journals.md").read_text("utf-8")
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    found = read_profile("mine.yaml", tmp_path)
    assert set(found.model_fields_set) == set(Profile.model_fields)
    assert set(found.limits.model_fields_set) == set(Limits.model_fields)
    assert set(found.limits.figures.model_fields_set) == set(FigureLimits.model_fields)
