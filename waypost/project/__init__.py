"""Projects as files: made new, applied, compared, tried with events."""
