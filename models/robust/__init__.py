"""Comparisons that few extreme values cannot sway: robust and quantile regression, rank tests."""
