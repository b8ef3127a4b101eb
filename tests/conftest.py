"""What several test files share."""

import pytest

from storyclust.cli import main


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
