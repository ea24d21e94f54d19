"""Errors of a database: one that no waiting mends, and one that may be anybody's."""

from sqlalchemy.exc import OperationalError


class TooComplex(Exception):
    """As PostgreSQL's driver tells that a statement is beyond a bound."""

    sqlstate = "54001"


REFUSED = OperationalError("SELECT", {}, TooComplex("statement too complex"))

CANCELLED = OperationalError("SELECT", {}, Exception("canceling statement due to statement timeout"))
"""Nobody can tell whether the database had too much to do, or this statement is too much for it."""
