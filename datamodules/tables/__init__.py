"""Images that a table names: manifests as text, and Parquet files that may hold the images' bytes."""
