"""Every statement by subject. Queries never commit; dialects differ here and nowhere above."""
