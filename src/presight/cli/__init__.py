"""The command line: verbs, their options, pages of help, messages."""
