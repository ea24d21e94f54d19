"""What was sent and said: mails, surveys, hand-overs, value, and the rows for a warehouse."""
