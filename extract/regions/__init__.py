"""Regions of a diffusion scan: what is measured in them, along them, and by streamlines; and how the lesion loads them."""
