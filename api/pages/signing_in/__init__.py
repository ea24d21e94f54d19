"""How colleagues come in and go, and what they see of their own sessions."""
