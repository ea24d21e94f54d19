"""Everybody placed where their past leads, new or known, for real or to look."""
