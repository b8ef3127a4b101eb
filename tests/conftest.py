"""What all tests share: one Hypothesis profile, the tiers, and how the command line is called."""

import pytest
from hypothesis import HealthCheck, settings

from storyclust.cli.app import main

# One profile for every machine: by itself, Hypothesis takes another where the variable CI is set. No outcome
# depends on speed (no deadline, no check for slow generation) or on chance (examples follow from the test).
settings.register_profile(
    "storyclust",
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("storyclust")

# Markers of tests that need more than Python and a few seconds; `pyproject.toml` deselects them.
TIERS = "cluster or browser or server or faults"
MARKER_OF_FIXTURE = {"browser": "browser", "redis_server": "server", "s3_server": "cluster"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark tests by the fixtures that they use, before pytest selects by markers."""
    for item in items:
        for fixture in MARKER_OF_FIXTURE.keys() & set(item.fixturenames):
            item.add_marker(MARKER_OF_FIXTURE[fixture])


def pytest_terminal_summary(terminalreporter, config):
    """Say what is left out by default, and how to run it."""
    if config.getoption("markexpr") == f"not ({TIERS})":
        terminalreporter.write_line(f'More tests, deselected by default: python -m pytest -m "{TIERS}"')


@pytest.fixture
def run(capsysbinary):
    """Call main; returns exit code, stdout and stderr."""

    def call(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as leave:
            code = leave.code
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return call
