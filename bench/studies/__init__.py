"""The paper's tables and figures as studies: short declarations, one engine."""
