"""Diffusion: gradients, the tensor and its estimators, raw scans, and what tells bad volumes."""
