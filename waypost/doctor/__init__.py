"""`waypost doctor`: what is missing or wrong, each with what to do."""
