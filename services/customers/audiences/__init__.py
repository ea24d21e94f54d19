"""Who belongs together: segments, and the search by attribute."""
