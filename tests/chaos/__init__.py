"""What needs attackers, networks of its own or a browser: `python -m tests.chaos`, or `tox -e chaos`."""
