"""Numbers from arrays: metrics, intervals, tests, ranks."""
