"""How much of the label can be read from trivia, and how detectors stand against that."""
