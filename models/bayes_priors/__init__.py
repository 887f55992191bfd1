"""Priors from published control arms, and what priors mean in the unit of the outcome."""
