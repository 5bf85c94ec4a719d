"""``python -m gradus`` is the command ``gradus``."""

from gradus.cli.main import main

if __name__ == "__main__":
    main()
