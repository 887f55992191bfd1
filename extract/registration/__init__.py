"""Transforms between images: those that come with the data, and our own where none does."""
