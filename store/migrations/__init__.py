"""Alembic's migrations, from the first table on.

A migration is a fact of the past: it says what was done to a database on its way, with column types of its own
(`columns`) and nothing of the product's code, which goes on changing.
"""
