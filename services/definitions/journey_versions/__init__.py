"""Journeys: drafts, their texts, versions, and what a text is checked against."""
