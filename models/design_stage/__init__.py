"""Before the trial: power, detectable effect and assurance of the declared analysis, by simulation."""
