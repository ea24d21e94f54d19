"""What persons ask of enrollments, and the pokes that carry it."""
