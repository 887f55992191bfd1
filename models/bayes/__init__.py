"""Bayesian models of two visits."""
