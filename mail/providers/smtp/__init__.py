"""SMTP: `sender` alone, since a mail server reports nothing."""
