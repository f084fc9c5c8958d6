"""Whether locked and reported numbers still come out."""
