"""The network of a scan: edges, strengths, density, efficiency, lag, on a complete grid of definitions."""
