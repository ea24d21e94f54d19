"""The sending ledger: whether a mail may go, its row, its claim, and what became of it."""
