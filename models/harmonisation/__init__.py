"""Harmonisation of imaging measures between sites or scanners."""
