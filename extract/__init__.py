"""Images to tidy tables: the home of the imaging extraction, which starts with the simulated imaging trial."""
