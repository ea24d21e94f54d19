"""Who may ask: callers, users, approvals, settings, rates, the audit log."""
