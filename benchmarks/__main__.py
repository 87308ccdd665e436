"""Run the command line with ``python -m benchmarks``."""

from .start import main

if __name__ == "__main__":
    raise SystemExit(main())
