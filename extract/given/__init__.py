"""Time series and correlations of nodes that other programs made: XCP-D, HALFpipe, plain tables."""
