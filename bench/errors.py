"""What stops a run, in one line and with exit code 2."""


class BenchError(Exception):
    """A mistake in how the suite was called, or a state that it cannot go on from."""


class DetectorFailedError(BenchError):
    """A detector raised, or gave a score that is not a finite number."""
