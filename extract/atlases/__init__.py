"""Atlases: which are known, where they are found, and reading one so that left is left."""
