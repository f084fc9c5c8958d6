"""Where scores are computed: trainer, processes, precision, memory."""
