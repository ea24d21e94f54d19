"""`waypost up`: everything that runs on one machine, its parts as child processes of one supervisor."""
