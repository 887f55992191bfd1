"""Cleaning of node time series: confounds, what is left out, and one linear operator for filter and regression."""
