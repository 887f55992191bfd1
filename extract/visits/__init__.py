"""What the visits of a participant share: one lesion mask, common coverage, and how well measures repeat themselves."""
