"""SendGrid: `sender` posts mail, `events` reads its Event Webhook."""
