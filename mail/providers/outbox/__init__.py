"""The local outbox: `sender` alone; it catches what a laptop sends."""
