"""A draft is tried, approved, published, compared."""
