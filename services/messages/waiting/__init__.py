"""Mails that wait for an hour, for evidence or for a person."""
