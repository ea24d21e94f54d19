"""Work on mails: broadcasts planned and cancelled, mails decided, single ones."""
