"""From the scores of a panel to findings: pure functions, no sentence and no file."""
