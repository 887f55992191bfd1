"""The statements that a study file holds, and the heads under which they stand in the documents."""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = {
    "registration": "Registration",
    "ethics": "Ethics",
    "data_sharing": "Data and code",
    "funding": "Funding",
    "conflicts": "Conflicts of interest",
}
"""Heads by key of the part `study`."""
