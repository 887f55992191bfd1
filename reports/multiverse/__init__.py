"""The multiverse in a report: sentences, specification curve, tables, and an explorer in web pages."""
