"""Customers: rows, identifiers, search, erasure."""
