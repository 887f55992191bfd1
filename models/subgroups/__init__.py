"""Whether the effect of an arm differs between participants: by category, by number, by dose."""
