"""What recipients say themselves: consents, preferences, surveys, hand-overs."""
