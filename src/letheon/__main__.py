"""``python -m letheon``: the command line."""

from letheon.views.commands.main import main

if __name__ == "__main__":
    main()
