"""Whether what is kept in several places says the same: each difference by its name, and how it is repaired."""
