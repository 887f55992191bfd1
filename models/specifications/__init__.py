"""Every defensible analysis of one effect at once: specification curve, joint inference, shares of variance."""
