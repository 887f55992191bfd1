"""Gaussian models of two visits, repeated measures, several outcomes and joint changes: one multivariate linear model."""
