"""The builtin renderer of .qmd documents, its linter, and the way to real Quarto."""
