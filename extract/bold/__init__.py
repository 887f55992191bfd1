"""Reading of resting-state images as a stream: one pass over the file, never the whole series in memory."""
