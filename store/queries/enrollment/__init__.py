"""Enrollments, their decisions, interests and controls."""
