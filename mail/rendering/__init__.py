"""Templates into mails, in processes of their own, bounded in time, memory and size."""
