"""The tables, by subject. Importing this package registers every one of them with the metadata."""

from store.tables import (
    access,
    attribution,
    broadcasts,
    currency_rates,
    customers,
    definitions,
    enrollments,
    exports,
    mail_results,
    message_counts,
    messages,
    note_answers,
    plans,
    series,
    splits,
    surveys,
    unreadable_values,
    users,
)

SUBJECTS = (
    access,
    attribution,
    broadcasts,
    currency_rates,
    customers,
    definitions,
    enrollments,
    exports,
    mail_results,
    message_counts,
    messages,
    note_answers,
    plans,
    series,
    splits,
    surveys,
    unreadable_values,
    users,
)
"""The modules, named so that their import is no accident."""
