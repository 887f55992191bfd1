"""Results to documents."""
