"""Where everybody is and how that moves: day by day, by journey, and at home."""
