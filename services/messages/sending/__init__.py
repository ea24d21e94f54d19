"""From a claim to an outcome: whose turn it is, the ledger, the breaker."""
