"""One wake, one transaction: what happened, what follows, what it does."""
