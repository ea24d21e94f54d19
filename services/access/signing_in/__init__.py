"""People of the team: roles, passwords, sessions, single sign-on."""
