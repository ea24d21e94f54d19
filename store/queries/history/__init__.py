"""Events of customers: log, names, ownership, what was rejected."""
