"""The one tree of exceptions.

PresightError                exit code 1
├── UsageError               2   unknown name or option, a value out of range
│   └── Unavailable          2   a missing extra or missing hardware
├── DataError                3   files, images, labels
├── Diverged                 4   a loss that is not finite, a collapse on request
├── OutOfMemory              5
├── RunError                 6   run folder busy, finished, or of another configuration
├── IntegrityError           7   a file does not match its checksum
├── Interrupted              75  stopped by a signal; the same command goes on
└── Stopped                  0   an observer ended the run early, as asked

Every message says what is wrong, with the value; what was expected; and what to do.
"""

from typing import ClassVar


class PresightError(Exception):
    """Base of everything raised on purpose; `exit_code` is what the command returns."""

    exit_code: ClassVar[int] = 1


class UsageError(PresightError, ValueError):
    """An unknown name or option, or a value out of range."""

    exit_code = 2


class Unavailable(UsageError):
    """Something that is not installed, or hardware that is not there."""


class DataError(PresightError, ValueError):
    """Files, images or labels that cannot be used."""

    exit_code = 3


class Diverged(PresightError, RuntimeError):
    """Training that cannot go on: a loss that is not finite."""

    exit_code = 4


class OutOfMemory(PresightError, RuntimeError):
    """The batch does not fit into memory."""

    exit_code = 5


class RunError(PresightError, RuntimeError):
    """A run folder that is busy, finished, or belongs to another configuration."""

    exit_code = 6


class IntegrityError(PresightError, RuntimeError):
    """A file that does not match its checksum."""

    exit_code = 7


class Interrupted(PresightError, RuntimeError):
    """Stopped by a signal after a checkpoint; the same command goes on."""

    exit_code = 75


class Stopped(PresightError, RuntimeError):
    """An observer ended the run early, as asked."""

    exit_code = 0
