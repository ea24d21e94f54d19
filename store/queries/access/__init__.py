"""Who may ask: callers, users, approvals, holds, settings, the audit."""
