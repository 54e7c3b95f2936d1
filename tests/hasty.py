"""`python -m tests.hasty`: twistd, with less patience for its clients, so that tests of its deadlines need not wait for long."""

from __future__ import annotations

from twisted.scripts.twistd import run

from pylpaca.connections import PatientChannel


def main() -> None:
    """Run twistd with the arguments given."""
    PatientChannel.HEAD_WITHIN, PatientChannel.BODY_WITHIN = 1.0, 1.5
    run()


if __name__ == "__main__":
    main()
