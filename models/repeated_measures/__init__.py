"""Repeated measures of a participant as one Gaussian vector: the mixed model for repeated measures and its kin."""
