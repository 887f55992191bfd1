"""Nodes of a network: tables and published sets, their voxels in a scan, their mean time series."""
