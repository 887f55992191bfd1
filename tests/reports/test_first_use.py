"""Abbreviations of the prose: spelled out once, where the reader meets them first."""

from __future__ import annotations

import pytest

from neurotrial.reports.first_use import WORDS, FirstUse
from neurotrial.reports.preflight.abbreviations import abbreviations
from neurotrial.reports.report import Report


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("By ANCOVA.", r"By analysis of covariance \(ANCOVA\)."),
        ("ANCOVA and ANCOVA.", r"Analysis of covariance \(ANCOVA\) and ANCOVA."),
        (r"Done\. ANCOVA", r"Done\. Analysis of covariance \(ANCOVA\)"),
        ("- FA, left", r"- Fractional anisotropy \(FA\), left"),
        ("of SDs", r"of standard deviations \(SDs\)"),
        (r"8 \(95 % CI 2\)", r"8 \(95 % confidence interval \[CI\] 2\)"),
        (
            r"Fractional anisotropy \(FA\) fell; FA rose.",
            r"Fractional anisotropy \(FA\) fell; FA rose.",
        ),
        ("# FA\n\nFA", "# FA\n\n" + r"Fractional anisotropy \(FA\)"),
        ("```\nFA\n```\n\nThe FA", "```\nFA\n```\n\n" + r"The fractional anisotropy \(FA\)"),
        (
            "::::: {#fig-x}\nFA\n\n:::::\n\nof FA",
            "::::: {#fig-x}\nFA\n\n:::::\n\n" + r"of fractional anisotropy \(FA\)",
        ),
        ("::: {#sec-x}\n\nFA\n\n:::", "::: {#sec-x}\n\n" + r"Fractional anisotropy \(FA\)" + "\n\n:::"),
        ("[@FA2020] and figures/FA.png, E-SD, FAST", "[@FA2020] and figures/FA.png, E-SD, FAST"),
    ],
)
def test_the_first_use_in_prose_is_spelled_out(text: str, spelled: str) -> None:
    assert FirstUse().spell_out(text) == spelled


def test_one_report_spells_out_once_in_the_abstract_and_once_in_the_text(data) -> None:
    report = Report(data)
    abstract = report.abstract_methods().text + report.abstract_results().text
    text = report.statistical_methods().text + report.statistical_methods().text
    for words in (abstract, text):
        assert words.replace("\\", "").count("nalysis of covariance (ANCOVA)") == 1


@pytest.mark.parametrize("name", WORDS)
def test_words_and_abbreviation_belong_together_by_the_rule_of_the_preflight(name: str) -> None:
    (found,) = abbreviations(f"The {WORDS[name]} ({name}) was used.")
    assert found.fault is None
