"""Mail: a message rendered, handed to a provider once, and what the provider said of it.

This room must not know the store, Temporal or HTTP routes: rows come in as plain values, outcomes go out as values.
"""
