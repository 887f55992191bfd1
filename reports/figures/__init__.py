"""Figures of a report, each with the text that describes it."""
