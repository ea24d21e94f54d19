"""Whether, and when, a mail may go."""
