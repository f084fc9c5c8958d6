"""What is kept: scores, and what is known of the runs that gave them."""
