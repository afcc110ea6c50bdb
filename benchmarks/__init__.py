"""What the handler costs a program, as ratios measured in one run; ``python -m benchmarks``."""
