"""The tables, by subject. Importing this package registers every one of them with the metadata."""

from store.tables import (
    access,
    broadcasts,
    customers,
    definitions,
    enrollments,
    message_counts,
    messages,
    plans,
    series,
    splits,
    surveys,
    unreadable_values,
    users,
)

SUBJECTS = (
    access,
    broadcasts,
    customers,
    definitions,
    enrollments,
    message_counts,
    messages,
    plans,
    series,
    splits,
    surveys,
    unreadable_values,
    users,
)
"""The modules, named so that their import is no accident."""
