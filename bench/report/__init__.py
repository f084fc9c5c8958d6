"""What was found, for people and programs: text, CSV, SVG, HTML, W&B."""
