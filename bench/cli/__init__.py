"""The commands: each module reads options, calls one function and prints; what is heavy is imported when it runs."""
