"""Questions on stderr, answered by letters or words on stdin, from a person or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Mapping

QUIT = "quit"


def ask(choices: Mapping[str, str]) -> str:
    """Ask until one of the choices is given; at the end of stdin it is 'quit'.

    Parameters
    ----------
    choices : mapping of str to str
        Names of the choices by the letter that stands for each; one is 'quit'.

    Returns
    -------
    choice : str
        A value of `choices`.
    """
    shown = [name.replace(letter, f"[{letter}]", 1) for letter, name in choices.items()]
    prompt = f"{', '.join(shown[:-1])} or {shown[-1]}: "
    words = {**choices, **{name: name for name in choices.values()}}
    while True:
        print(prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        word = line.strip().casefold() if line else QUIT
        if word in words:
            return words[word]
        print(f"Please answer {', '.join(list(choices)[:-1])} or {list(choices)[-1]}.", file=sys.stderr)
