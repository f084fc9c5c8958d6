"""The papers' numbers as data: one file for each paper, read by `bench.references.reported`."""
