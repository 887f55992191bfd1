"""Reporting checklists whose rows are looked up in the manuscript itself."""
