"""Bayesian models of scores with floor and ceiling."""
