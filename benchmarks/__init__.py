"""What the runtime costs beside what Redis alone would: ``python -m benchmarks``, ``make bench``."""
