"""Work on many enrollments."""
