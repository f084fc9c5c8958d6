"""How detectors stand degraded images: curves, areas under them, tables and figures."""
