"""Counts made anew from the rows, to compare."""
