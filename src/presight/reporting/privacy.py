"""No folder of the machine that a run was made on goes into a page that is handed on."""

from __future__ import annotations

import re

_WHOLE = re.compile(r"(?:file:|[A-Za-z]:)?[\\/]|~|\.\.[\\/]")
_WITHIN = re.compile(
    r"(?<![\w.<:/\\-])(?:[A-Za-z]:[\\/]|\\\\|~[\w.-]*[\\/]|(?:\.\.[\\/])+|/(?=[^\s/]+/))"
    r"[^\s'\"`,;:)<>|]*"
)


def bare(value: str) -> str:
    """A value of its own, such as a word of a command: an absolute path's last name only.

    Relative paths stay as they are, but those that lead out of their folder.

    Examples:
        >>> bare("/data/jane doe/photos/"), bare("--data=C:/pictures/2024"), bare("runs/a")
        ('photos', '--data=2024', 'runs/a')
    """
    option, sign, rest = value.partition("=")
    if sign and option.startswith("-") and _WHOLE.match(rest):
        return f"{option}={_last(rest)}"
    return _last(value) if _WHOLE.match(value) else value


def without_folders(text: str) -> str:
    """A sentence in which absolute paths are their last names.

    Examples:
        >>> without_folders("/data/set/a.png cannot be read; 3/4 of runs/b can.")
        'a.png cannot be read; 3/4 of runs/b can.'
    """
    return _WITHIN.sub(lambda found: _last(found[0]), text)


def _last(path: str) -> str:
    names = [name for name in re.split(r"[\\/]+", path) if name not in ("", ".", "..", "~")]
    return names[-1] if names else "/"
