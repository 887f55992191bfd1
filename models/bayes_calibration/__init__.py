"""Whether the Bayesian models are calibrated: exact posteriors, simulation-based calibration, operating characteristics."""
