"""What is shared between people: frozen tasks and submitted scores, as files."""
