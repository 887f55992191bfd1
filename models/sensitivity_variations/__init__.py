"""The standard sensitivity set: what would change the conclusion of a study, without any declaration."""
