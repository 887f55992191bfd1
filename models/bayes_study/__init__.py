"""The Bayesian fits of a study file: what is to be sampled, in which files, and told as which rows."""
