"""How much single participants decide: an analysis again without each of them."""
