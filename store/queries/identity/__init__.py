"""Customers: rows, identifiers, search, whose a row is, erasure."""
