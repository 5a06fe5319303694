"""Benchmarks of Inkwise: `python -m benchmarks NAME [options]`."""
