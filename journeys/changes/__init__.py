"""What a new version of a journey does to those who are under way."""
