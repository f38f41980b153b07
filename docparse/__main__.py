"""The program from its first moment: ``docparse``, and ``python -m docparse``."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C is no traceback either while that is still being imported."""
    try:
        from docparse.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)  # docparse.cli.INTERRUPTED, which is not there yet
    run()


if __name__ == "__main__":
    main()
