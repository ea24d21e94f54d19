"""A definition compiled: a flat graph of nodes with stable ids, and what follows from it alone."""
