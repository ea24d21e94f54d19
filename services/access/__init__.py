"""Who may call, what they changed, and what a repeated call was answered."""
