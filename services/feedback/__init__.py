"""What comes back: delivery events, opens and clicks, complaints, consents, a no."""
