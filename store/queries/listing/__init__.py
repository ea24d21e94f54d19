"""Pages of lists and exports from a cursor."""
