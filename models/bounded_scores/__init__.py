"""Scores with a floor and a ceiling: proportional odds, fractional logit, beta-binomial, censored Gaussian, responders."""
