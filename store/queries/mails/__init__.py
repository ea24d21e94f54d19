"""The ledger of mails, their bodies, the local outbox."""
