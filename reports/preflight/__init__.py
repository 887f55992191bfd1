"""A manuscript held against the limits of a journal."""
