"""Who may be mailed about what."""
