"""Training time, throughput, latency, cold start and memory."""
