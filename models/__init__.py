"""Tidy tables to fitted results."""
