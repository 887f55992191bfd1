"""BIDS datasets by their names alone: the index, who made which file, the scans of a study, and what is missing."""
