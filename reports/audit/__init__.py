"""Where the numbers of a document come from: `neurotrial report --audit`."""
