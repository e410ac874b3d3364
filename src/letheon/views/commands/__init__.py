"""The command line: one file a command; each reads its options, calls what does the work, and shows the result."""
