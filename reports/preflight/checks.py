"""What a manuscript is held against, one row a check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from neurotrial.reports.first_use import NAMES
from neurotrial.reports.preflight.abbreviations import abbreviations
from neurotrial.reports.preflight.manuscript import Manuscript, abstract_heads, headed_paragraphs, sentences
from neurotrial.reports.preflight.placeholders import placeholders_in, still_placeholder
from neurotrial.reports.preflight.tree import text_of
from neurotrial.reports.preflight.words import count_words, counted_sections, main_text_words
from neurotrial.reports.statement_names import STATEMENTS

if TYPE_CHECKING:
    from neurotrial.reports.preflight.profile import Profile

__all__ = ["NOT_STATED", "Check", "Verdict", "check_manuscript", "row"]

Verdict = Literal["ok", "over", "under", "missing", "differs", "not stated by the journal"]
NOT_STATED: Verdict = "not stated by the journal"

_NO_WORDS = ("Cite", "Code", "Math", "Header")
"""What is not looked through for abbreviations: they are not introduced in headings."""

Where = Callable[[str, bool], str]
"""Returns ``file:line`` where a word first stands, in the abstract or in the text."""


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the table.

    Attributes
    ----------
    check, limit, found : str
        What is counted, what the journal asks for, and what the manuscript has.
    verdict : str
        ``ok``, ``over``, ``under``, ``missing``, ``differs``, or that the journal does not say.
    source : str
        Where the limit was read; empty where there is none.
    details : tuple of str
        What is to be mended, one by one.
    """

    check: str
    limit: str
    found: str
    verdict: Verdict
    source: str = ""
    details: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether the manuscript cannot go to the journal as it is."""
        return self.verdict not in {"ok", NOT_STATED}


def row(
    check: str, limit: str | None, found: str, verdict: Verdict, source: str, details: Sequence[str] = ()
) -> Check:
    """Return a row; without a limit the journal does not say, whatever the verdict would be."""
    if limit is None:
        return Check(check, "-", found, NOT_STATED, "", tuple(details))
    return Check(check, limit, found, verdict, source, tuple(details))


def check_manuscript(
    manuscript: Manuscript, profile: Profile, where: Where, names: Sequence[str] = ()
) -> list[Check]:
    """Check words, heads, counts, abbreviations, statements and placeholders.

    Parameters
    ----------
    manuscript : Manuscript
        As `read_manuscript` gives it.
    profile : Profile
        The limits.
    where : callable
        Tells the place of a word, ``where(word, in_abstract)``.
    names : sequence of str
        Names in capitals that are no abbreviations.

    Returns
    -------
    list of Check
    """
    parts = (_words, _heads, _counts, _statements)
    checks = [check for part in parts for check in part(manuscript, profile)]
    return [*checks, *_abbreviations(manuscript, profile, where, names), _placeholders(manuscript)]


def _at_most(check: str, limit: int | None, found: int, more: str, source: str) -> Check:
    verdict: Verdict = "over" if limit is not None and found > limit else "ok"
    return row(check, None if limit is None else f"at most {limit}", f"{found}{more}", verdict, source)


def _words(manuscript: Manuscript, profile: Profile) -> Iterator[Check]:
    limits = profile.limits
    counted = [
        section.heading or "before the first heading" for section in counted_sections(manuscript, limits)
    ]
    parts = [*counted, *(name.replace("_", " ") for name in limits.main_text_counts)]
    yield _at_most(
        "words of the main text", limits.main_text_words, main_text_words(manuscript, limits),
        f" ({', '.join(parts)})", profile.source_of("main_text_words"),
    )  # fmt: skip
    found = count_words(sentences(manuscript.abstract, "Cite"))
    source = profile.source_of("abstract_words")
    if manuscript.abstract:
        yield _at_most("words of the abstract", limits.abstract_words, found, "", source)
    else:
        limit = None if limits.abstract_words is None else f"at most {limits.abstract_words}"
        yield row("words of the abstract", limit, "no abstract", "missing", source)


def _heads(manuscript: Manuscript, profile: Profile) -> Iterator[Check]:
    wanted, found = profile.limits.abstract_heads, abstract_heads(manuscript.abstract)
    limit = None if wanted is None else ", ".join(wanted) or "none"
    folded = [head.casefold() for head in found]
    lacking = [head for head in wanted or [] if head.casefold() not in folded]
    verdict: Verdict = "ok"
    details = [f"lacks the head {head}" for head in lacking]
    if lacking:
        verdict = "missing"
    elif wanted is not None and folded != [head.casefold() for head in wanted]:
        verdict = "differs"
        details = ["other heads, or another order, than the journal's"]
    yield row("heads of the abstract", limit, ", ".join(found) or "none", verdict,
              profile.source_of("abstract_heads"), details)  # fmt: skip


def _counts(manuscript: Manuscript, profile: Profile) -> Iterator[Check]:
    limits = profile.limits
    figures = sum(node["t"] == "Figure" for node in manuscript.floats)
    tables = len(manuscript.floats) - figures
    more = f" ({figures} figures, {tables} tables)"
    yield _at_most(
        "display items", limits.display_items, figures + tables, more, profile.source_of("display_items")
    )
    references = len(manuscript.references)
    yield _at_most("references", limits.references, references, "", profile.source_of("references"))


def _statements(manuscript: Manuscript, profile: Profile) -> Iterator[Check]:
    wanted = profile.limits.statements
    found = dict(_statement_texts(manuscript))
    for name, head in STATEMENTS.items():
        text = found.get(head.casefold())
        verdict: Verdict = "ok"
        state = "stated"
        if text is None or not text.strip():
            verdict, state = "missing", "not there"
        elif still_placeholder(text):
            verdict, state = "missing", "a placeholder"
        limit = "required" if wanted is not None and name in wanted else None
        yield row(f"statement: {head.lower()}", limit, state, verdict, profile.source_of("statements"))


def _statement_texts(manuscript: Manuscript) -> Iterator[tuple[str, str]]:
    """Yield head and text of each paragraph with a bold head outside the abstract, and of each section of the end matter."""
    for section in manuscript.sections:
        yield section.heading.casefold(), "\n".join(map(text_of, section.blocks))
        for head, text in headed_paragraphs(section.blocks):
            yield head.casefold(), text


def _abbreviations(
    manuscript: Manuscript, profile: Profile, where: Where, names: Sequence[str]
) -> Iterator[Check]:
    wanted = profile.limits.abbreviations_at_first_use
    limit = "spelled out at first use" if wanted else None
    text = "\n".join(sentences(section.blocks, *_NO_WORDS) for section in manuscript.main)
    parts = {"abstract": sentences(manuscript.abstract, *_NO_WORDS), "text": text}
    for part, words in parts.items():
        found = abbreviations(words, [*NAMES, *names])
        faulty = [item for item in found if item.fault]
        details = [f"{item.name}: {item.fault} ({where(item.name, part == 'abstract')})" for item in faulty]
        verdict: Verdict = "missing" if faulty else "ok"
        shown = f"{len(found)} abbreviations, {len(faulty)} to mend" if found else "none"
        source = profile.source_of("abbreviations_at_first_use")
        yield row(f"abbreviations in the {part}", limit, shown, verdict, source, details)


def _placeholders(manuscript: Manuscript) -> Check:
    sections = [block for section in manuscript.sections for block in section.blocks]
    text = "\n".join([manuscript.title_page, *map(text_of, [*manuscript.abstract, *sections])])
    found = list(placeholders_in(text))
    verdict: Verdict = "missing" if found else "ok"
    details = [f"still to be written: {name}" for name in dict.fromkeys(found)]
    return Check("placeholders left for the authors", "none", str(len(found)), verdict, "", tuple(details))
