"""Sentences of a report, each made from keys of the results store."""
