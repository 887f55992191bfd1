"""Pandoc's tree of a document: nodes by their kind, and their words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["Node", "attribute", "find", "identifier_of", "text_of"]

Node = dict[str, Any]

_SPACES = frozenset({"Space", "SoftBreak", "LineBreak"})
_CODE = frozenset({"Code", "Math", "CodeBlock"})
_BLOCKS = frozenset(
    {"Para", "Plain", "Header", "LineBlock", "CodeBlock", "Div", "BlockQuote", "Figure", "Table"}
)
_ROWS = 3
"""Where the cells begin in a table: attributes, caption and columns come first."""


def find(
    node: Any, kinds: frozenset[str] | set[str], without: frozenset[str] | set[str] = frozenset()
) -> Iterator[Node]:
    """Yield the outermost nodes of some kinds, in document order; nothing is looked for inside ``without``."""
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from find(item, kinds, without)
    elif isinstance(node, dict):
        kind = node.get("t")
        if kind in kinds:
            yield node
        elif kind not in without:
            yield from find(node.get("c"), kinds, without)


def identifier_of(node: Node) -> str:
    """Return the identifier of a float, div or header."""
    attributes = node["c"][1] if node["t"] == "Header" else node["c"][0]
    return str(attributes[0])


def attribute(node: Node, name: str) -> str | None:
    """Return an attribute of a node that has its attributes first."""
    return next((str(value) for key, value in node["c"][0][2] if key == name), None)


def text_of(node: Any, without: frozenset[str] | set[str] = frozenset()) -> str:
    """Return the words of a node or of a list of nodes; blocks end with a line break.

    Parameters
    ----------
    node : dict or list
        Of pandoc's tree.
    without : set of str
        Kinds of nodes that are left out, e.g. ``{"Cite", "Table"}``.

    Returns
    -------
    str
    """
    return "".join(_pieces(node, without))


def _pieces(node: Any, without: frozenset[str] | set[str]) -> Iterator[str]:
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from _pieces(item, without)
        return
    kind = node.get("t") if isinstance(node, dict) else None
    if kind is None or kind in without:
        return
    content = node.get("c")
    if kind == "Str":
        yield content
    elif kind in _SPACES:
        yield " "
    elif kind in _CODE:
        yield content[-1]
    elif kind == "Table":
        yield from _cells(content[_ROWS:], without)
    else:
        yield from _pieces(content, without)
    if kind in _BLOCKS:
        yield "\n"


def _cells(content: Any, without: frozenset[str] | set[str]) -> Iterator[str]:
    """Yield what stands in the cells of a table; its rows are plain lists in the tree."""
    for node in find(content, {"Para", "Plain"}):
        yield from _pieces(node, without)
