"""The commands, a module for each subject; each puts its own on the command line with `register`."""
