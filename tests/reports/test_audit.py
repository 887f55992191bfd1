"""The audit of a report: numbers that come from results are told from those that somebody typed or that are wrong."""

from __future__ import annotations

import csv
import dataclasses

import pytest
from click.testing import CliRunner
from results_fixture import changed, make_results

from neurotrial.cli import main
from neurotrial.errors import InputError
from neurotrial.reports.audit import audit as audit_module
from neurotrial.reports.audit.audit import audited
from neurotrial.reports.audit.binding import Binder, BlockValues, Cited, cited_values
from neurotrial.reports.audit.printed_numbers import printed_numbers
from neurotrial.reports.audit.record import ALLOWED_FILE, AUDIT_FILE, CITED_FILE, allowed_patterns
from neurotrial.reports.cited import DERIVED
from neurotrial.reports.rendering.render_builtin import execute_loosely
from neurotrial.reports.scaffold import write_scaffold
from neurotrial.results import write_results

KEY = "primary/fma_total/itt/ancova_ols/cells-control/day90"
TEXT = f"""---
title: Short
---

```{{python}}
#| include: false
from neurotrial.reports import open_report
report = open_report()
```

The difference was `{{python}} report.value("{KEY}#estimate", 2)` points, of 100 possible, 8.125 before; 95 % CI. ![](a.png){{fig-alt="7777 dots"}}

```{{python}}
#| output: asis
ratio = report.derived("ratio", 22 / 7)
print(f"It was {{report.effect('{KEY}')}} among 4711, ratio {{ratio:.2f}}.")
```
"""


@pytest.fixture
def study(tmp_path):
    """A study folder with results and one short document."""
    folder = tmp_path / "study"
    write_scaffold(folder)
    write_results(folder, make_results())
    for path in (folder / "reports").glob("*.qmd"):
        path.unlink()
    (folder / "reports" / "short.qmd").write_text(TEXT, "utf-8")
    return folder


def findings(study, results=None, allowed=()):
    made = execute_loosely(study / "reports" / "short.qmd", lambda _: None)
    return audited(made, results or make_results(), [*allowed_patterns(study), *allowed])


def test_each_number_has_its_origin(study):
    found = findings(study)
    origins = {(finding.block, finding.number): finding.origin for finding in found}
    estimate = make_results().value(f"{KEY}#estimate")
    assert origins["text", f"{abs(estimate):.2f}"] == f"{KEY}#estimate"
    assert origins["typed", "8.125"] == ""
    assert origins["typed", "100"] == "study file"
    assert origins["typed", "95"] == "study file"
    assert origins["typed", "7777"] == ""
    assert origins["cell", "4711"] == ""
    assert origins["cell", "3.14"] == "derived: ratio"
    low = make_results().value(f"{KEY}#conf_low")
    digits = next(len(f.number.partition(".")[2]) for f in found if f.origin == f"{KEY}#conf_low")
    assert origins["cell", f"{abs(low):.{digits}f}"] == f"{KEY}#conf_low"


def test_a_report_that_shows_another_value_than_its_key_is_found(study):
    results = make_results()
    frame = results.tables["estimates"].copy()
    frame.loc[frame["key"] == KEY, ["estimate", "conf_low", "conf_high"]] += 0.77
    lost = [
        finding for finding in findings(study, changed(results, "estimates", frame)) if not finding.origin
    ]
    assert len([finding for finding in lost if finding.block in {"text", "cell"}]) >= 4


def test_a_digit_that_the_code_got_wrong_is_found(study, monkeypatch):
    right = printed_numbers

    def wrong(markdown):
        for number in right(markdown):
            if "." in number.text:
                digit = str((int(number.text[-1]) + 5) % 10)
                yield dataclasses.replace(number, text=number.text[:-1] + digit)

    monkeypatch.setattr(audit_module, "printed_numbers", wrong)
    assert [finding.origin for finding in findings(study)] == [""] * len(findings(study))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("At day90, T1, sub-012 and 1,234.50 ml (n = 3; @fig-2)", ["1234.50", "3"]),
        ("−0.5 to 0.7; 10\u202f000 draws", ["0.5", "0.7", "10000"]),
        ("[text](https://example.org/2024/5) doi:10.1000/182 <!-- 5 --> `x`", []),
        ('<td style="width: 40px">7</td>', ["7"]),
        ("```python\nx = 5\n```\n\n1. first\n\n::: {#tbl-9}\n\n8\\.5\n:::", ["8.5"]),
        ("<!-- 1 -->2 %&nbsp;p&lt;0.001", ["2", "0.001"]),
    ],
)
def test_what_a_reader_sees_as_numbers(text, expected):
    assert [number.text for number in printed_numbers(text)] == expected


@pytest.mark.parametrize(
    ("text", "printed", "origin"),
    [
        ("p < 0.001", [], "k#p"), ("p < 0.0001", [], ""), ("p = 0.0004", ["0.0004"], "k#p"), ("0.0004", [], ""),
        ("14 %", [], "a#n / b#n"), ("14", [], ""), ("3 of 22", [], "a#n"), ("(14 %)", [], "a#n / b#n"),
        ("25.0 %", ["25.0"], "k#share"), ("25.0 points", ["25.0"], ""),
    ],
)  # fmt: skip
def test_bounds_and_percentages(text, printed, origin):
    cited = [Cited("k#p", 0.0004), Cited("k#share", 0.25), Cited("a#n", 3), Cited("b#n", 22)]
    number = next(printed_numbers(text))
    assert Binder({}, {}, []).origin(number, BlockValues(cited, printed)) == origin


def test_values_of_a_key_come_from_every_table_that_has_it():
    results = make_results()
    (found,) = cited_values(results, [f"{KEY}#estimate", "printed 0.5"])
    assert found == Cited(f"{KEY}#estimate", results.value(f"{KEY}#estimate"))
    assert cited_values(results, [f"a thing (n = 3){DERIVED}0.25", f"a word{DERIVED}3 of 4"]) == [
        Cited("derived: a thing (n = 3)", 0.25),
        Cited("derived: a word", "3 of 4"),
    ]


def test_the_command_lists_numbers_and_ends_with_1_until_they_are_mended(study):
    command = ["report", str(study), "--to", "html", "--engine", "builtin", "--audit"]
    document = study / "reports" / "short.qmd"
    document.write_text(TEXT.replace('![](a.png){fig-alt="7777 dots"}', ""), "utf-8")
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1, result.output
    assert "«8.125»" in result.output
    assert "numbers come from no key" in result.output
    with (study / AUDIT_FILE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {row["number"] for row in rows if not row["origin"]} == {"8.125", "4711"}
    assert f"{KEY}#estimate\t" in (study / CITED_FILE).read_text("utf-8")

    (study / ALLOWED_FILE).write_text('- "{n} before"\n- "among {n}"\n', "utf-8")
    results = make_results()
    frame = results.tables["estimates"].copy()
    frame.loc[frame["key"] == KEY, "estimate"] += 1
    write_results(study, changed(results, "estimates", frame))
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "has an origin" in result.output
    assert "1 cited values have changed" in result.output
    assert f"{KEY}#estimate has changed" in result.output.replace("\n", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [("- [", "is no YAML"), ("- 5\n", "regular expression"), ('- "({n}"', "regular expression"), ('- "5 mg"', "regular expression"), ("a: 1\n", "regular expression")],
)  # fmt: skip
def test_a_faulty_list_of_allowed_numbers_is_refused(study, text, message):
    (study / ALLOWED_FILE).write_text(text, "utf-8")
    with pytest.raises(InputError, match=message):
        allowed_patterns(study)
