"""From options to rows in the score store: plan, loop, machine."""
