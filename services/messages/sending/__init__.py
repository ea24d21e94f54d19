"""From a claim to an outcome: whose turn it is, the hold of all lanes, the ledger, the breaker."""
