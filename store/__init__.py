"""What is remembered: tables, sessions, queries and migrations, the same over SQLite and PostgreSQL.

This room must not know what a request or an activity wants as a whole; it neither commits nor sends anything.
"""
