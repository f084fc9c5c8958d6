"""What a run is logged to while it scores and when its numbers are known: CSV files, W&B, TensorBoard."""
