"""Inference that rests on how participants were allocated: labels are drawn again, outcomes stay as they are."""
