"""A proof that anybody can run: an installation of its own mails while its processes die, counted at the receiver."""
