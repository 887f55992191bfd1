"""Words of a study file come out literally, whatever they hold."""

from __future__ import annotations

import json
import string

import pypandoc
from hypothesis import given, settings
from hypothesis import strategies as st

from neurotrial.reports.markdown_text import Markdown, escape, listing, paragraphs, section

hostile = st.text(
    alphabet=string.punctuation * 3 + string.ascii_letters + string.digits + " \n\té名Ω–“", max_size=25
)


def words_of(markdown: str) -> list[str]:
    """Return the text of each paragraph as pandoc reads it; anything but plain text fails."""
    blocks = json.loads(pypandoc.convert_text(markdown, "json", format="markdown+autolink_bare_uris"))[
        "blocks"
    ]
    assert {block["t"] for block in blocks} <= {"Para"}
    plain = {"Str": lambda inline: inline["c"], "Space": lambda _: " ", "SoftBreak": lambda _: " "}
    return ["".join(plain[inline["t"]](inline) for inline in block["c"]) for block in blocks]


@settings(max_examples=15, deadline=None)
@given(st.lists(hostile.map(str.split).filter(bool).map(" ".join), min_size=20, max_size=40))
def test_escaped_words_are_words_at_the_start_and_in_the_middle(texts):
    assert words_of("\n\n".join(escape(text) for text in texts)) == texts
    assert words_of("\n\n".join(f"a {escape(text)} b" for text in texts)) == [f"a {text} b" for text in texts]


def test_escaped_words_in_an_attribute():
    alt = 'a "b" {{< c >}} \\ $x$ <script>'
    blocks = json.loads(
        pypandoc.convert_text(f'![](f.png){{fig-alt="{escape(alt)}"}}', "json", format="markdown")
    )
    assert dict(blocks["blocks"][0]["c"][0]["c"][0][2])["fig-alt"] == alt


def test_listing():
    assert [listing([]), listing(["a"]), listing("ab"), listing("abc", "or")] == [
        "",
        "a",
        "a and b",
        "a, b or c",
    ]


def test_paragraphs_and_sections_leave_out_what_is_not_there():
    assert paragraphs("a", None, Markdown(""), Markdown("b")).text == "a\n\nb"
    assert section("Head", None, Markdown("")) is None
    assert section("Head", "a", level=3) == Markdown("### Head\n\na")
