"""Events of the past, read and sorted by customer."""
