"""The web page as a reader has it: by mouse and keyboard, on wide and narrow screens, with and without scripts."""

import pandas as pd
import pytest
from everything_study import TOOLS
from great_tables import GT

from neurotrial.reports.rendering.render import render

WIDTHS = (1280, 400)
LONG_TABLE = """
| Outcome      | Effect              | p      | Share | Note     |
|:-------------|:-------------------:|:------:|------:|:---------|
| FA           | 8.1 (2.3 to 13.9)   | 0.001  | 12 %  | week 10  |
| Strength     | −10.5 (−20 to −1.0) | <0.001 | 8 %   | week 9   |
| Efficiency   | –                   | >0.99  | 100 % |          |
| Density      | 9.25 (no interval)  | 0.23   | –     | a remark |

: Effects. {#tbl-effects}
"""
GROUPED = pd.DataFrame(
    {
        "group": ["Motor"] * 4 + ["Imaging"] * 2,
        "label": ["Zeal", "Age", "Sex", "male", "Beta", "Alpha"],
        "n": ["3", "1,200", "", "7", "2", "1"],
    }
)
COLUMN = "table => [...table.querySelectorAll('tbody tr')].map(row => row.cells[0].textContent.trim())"


@pytest.fixture
def table(write, tmp_path, open_page):
    """The page of the long table; `rows` gives what stands in its first column."""
    document = write(LONG_TABLE)
    (made,) = render(document, ["html"], tmp_path / "out", engine="builtin")
    page = open_page(made.path)
    return page, lambda: page.locator("#tbl-effects").evaluate(COLUMN)


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_wrong(rendered, open_page, axe_faults, width):
    assert axe_faults(open_page(rendered[0]["html"], width)) == []


@pytest.mark.parametrize(
    ("heading", "up", "down"),
    [
        (
            "Outcome",
            ["Density", "Efficiency", "FA", "Strength"],
            ["Strength", "FA", "Efficiency", "Density"],
        ),
        ("Effect", ["Strength", "FA", "Density", "Efficiency"], ["Density", "FA", "Strength", "Efficiency"]),
        ("p", ["Strength", "FA", "Density", "Efficiency"], ["Efficiency", "Density", "FA", "Strength"]),
        ("Share", ["Strength", "FA", "Efficiency", "Density"], ["Efficiency", "FA", "Strength", "Density"]),
        ("Note", ["Density", "Strength", "FA", "Efficiency"], ["FA", "Strength", "Density", "Efficiency"]),
    ],
)
def test_tables_sort_as_numbers_or_words_with_missing_values_last(table, heading, up, down):
    page, rows = table
    as_printed = rows()
    button = page.get_by_role("button", name=heading, exact=True)
    head = page.get_by_role("columnheader", name=heading, exact=True)
    button.focus()
    for direction, order in (("ascending", up), ("descending", down), (None, as_printed)):
        page.keyboard.press("Enter")
        assert rows() == order
        assert head.get_attribute("aria-sort") == direction


def test_one_column_is_sorted_at_a_time(table):
    page, rows = table
    page.get_by_role("button", name="p", exact=True).click()
    page.get_by_role("button", name="Outcome", exact=True).click()
    assert page.locator("[aria-sort]").evaluate_all("all => all.map(head => head.textContent)") == [
        "Outcome▲"
    ]
    assert rows()[0] == "Density"


@pytest.fixture(params=["builtin", "as Quarto leaves it"])
def groups(request, tmp_path, write, open_page):
    table = (
        GT(GROUPED, rowname_col="label", groupname_col="group").cols_label(n="Count").tab_stubhead("Label")
    )
    table = table.tab_stub_indent(rows=[3], indent=1)
    if request.param == "builtin":
        document = write(f"::: {{#tbl-a}}\n\n```{{=html}}\n{table.as_raw_html()}\n```\n\nCounts.\n:::")
        (made,) = render(document, ["html"], tmp_path / "out", engine="builtin")
        return open_page(made.path)
    page = tmp_path / "page.html"
    body = f'<main id="content"><h1>A</h1>{table.as_raw_html()}</main>{TOOLS.read_text("utf-8")}'
    page.write_text(f'<!DOCTYPE html><html lang="en"><title>T</title><body>{body}</body></html>', "utf-8")
    return open_page(page)


def test_rows_stay_in_their_group_and_below_their_heading(groups):
    printed = ["Motor", "Zeal", "Age", "Sex", "male", "Imaging", "Beta", "Alpha"]
    rows = lambda: groups.locator("table").evaluate(COLUMN)  # noqa: E731
    assert rows() == printed
    groups.get_by_role("button", name="Label").click()
    assert rows() == ["Motor", "Age", "Sex", "male", "Zeal", "Imaging", "Alpha", "Beta"]
    groups.get_by_role("button", name="Count").click()
    # a heading row without a number of its own stays behind those with one, and takes its rows along
    assert rows() == ["Motor", "Zeal", "Age", "Sex", "male", "Imaging", "Alpha", "Beta"]


def test_a_table_that_cannot_be_sorted_has_no_buttons(write, tmp_path, open_page):
    rows = "<tr><td rowspan=2>a</td><td>1</td></tr><tr><td>2</td></tr><tr><td>b</td><td>0</td></tr>"
    document = write(f"```{{=html}}\n<table><tr><th>A</th><th>B</th></tr>{rows}</table>\n```")
    (made,) = render(document, ["html"], tmp_path / "out", engine="builtin")
    assert open_page(made.path).locator("table").locator("button").count() == 0


def is_focused(locator):
    return locator.evaluate("element => element === document.activeElement")


@pytest.mark.parametrize("how", ["Enter", "click"])
def test_figures_enlarge_and_give_the_focus_back(rendered, open_page, how):
    page = open_page(rendered[0]["html"])
    button = page.get_by_role("button", name="Enlarge Figure 1")
    image = page.locator("#fig-fa img")
    if how == "Enter":
        button.focus()
        page.keyboard.press("Enter")
    else:
        image.click()
    dialog = page.get_by_role("dialog", name="Figure 1")
    assert dialog.is_visible()
    assert dialog.locator("img").get_attribute("alt") == image.get_attribute("alt")
    assert dialog.locator("img").evaluate("image => image.clientWidth") > image.evaluate("i => i.clientWidth")
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    assert is_focused(button)


def test_an_enlarged_figure_closes_by_its_button_and_has_no_fault(rendered, open_page, axe_faults):
    page = open_page(rendered[0]["html"])
    page.get_by_role("button", name="Enlarge Figure 2").click()
    assert is_focused(page.get_by_role("button", name="Close"))
    assert axe_faults(page) == []
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").count() == 0


def test_the_first_stop_of_the_keyboard_skips_to_the_text(rendered, groups, open_page):
    for page in (open_page(rendered[0]["html"]), groups):
        page.keyboard.press("Tab")
        link = page.get_by_role("link", name="Skip to the text")
        assert is_focused(link)
        assert link.evaluate("link => link.getBoundingClientRect().left") >= 0
        page.keyboard.press("Enter")
        assert is_focused(page.locator("main"))


def test_a_table_wider_than_the_screen_is_scrolled_by_keyboard(table):
    page, _ = table
    box = page.locator(".table-scroll")
    assert box.get_attribute("tabindex") is None
    page.set_viewport_size({"width": 320, "height": 600})
    region = page.get_by_role("region", name="Table 1")
    region.wait_for()
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.table-scroll').scrollLeft > 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_without_scripts_everything_can_be_read(rendered, open_page):
    page = open_page(rendered[0]["html"], java_script_enabled=False)
    assert page.locator("button").count() == 0
    for selector in ("#tbl-fa", "#fig-fa img", "#TOC", "#eq-estimand", ".skip-link"):
        assert page.locator(selector).is_visible(), selector


def test_paper_shows_no_buttons(rendered, open_page):
    page = open_page(rendered[0]["html"])
    page.emulate_media(media="print")
    assert page.locator(".enlarge").count() == 3
    assert not any(button.is_visible() for button in page.locator(".enlarge").all())
    assert page.locator("#tbl-fa thead").evaluate("e => getComputedStyle(e).display") == "table-header-group"
