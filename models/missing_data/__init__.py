"""Missing outcomes: imputation under MAR and reference-based assumptions, tipping points, weights, and who is missing."""
