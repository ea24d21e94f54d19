"""Backups of an embedded home, taken while it runs; and copies put back, which send nothing by themselves."""
