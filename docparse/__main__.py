"""``python -m docparse``."""

from docparse.cli import main

if __name__ == "__main__":
    main()
