"""Tables of a report, each made from the results store."""
