"""Whether the reports of a study are what its results give: `neurotrial verify DIR`."""
