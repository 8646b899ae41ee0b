"""The command line: parses, asks, prints, sets the exit code."""
