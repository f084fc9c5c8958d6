"""Submitted scores of others: from a results repository to comparisons."""
