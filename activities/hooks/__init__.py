"""Webhooks and notes to colleagues, delivered."""
