"""What the program costs beside a flat one: ``python -m benchmarks``."""
