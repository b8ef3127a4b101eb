"""Whether every node reaches the files: a folder that only some of them see is the likeliest mistake."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from storyclust.distributed.files import files_in, joined, look_up, remove_file, remove_folder, writing

if TYPE_CHECKING:
    from storyclust.distributed.shards import Shard

PATIENCE = 3.0  # seconds that a file may take to be seen by another node


@contextmanager
def watched(output: str, work: str, shards: Sequence[Shard], ask: Callable[..., None]) -> Iterator[None]:
    """Have every node asked, for as long as this lasts, whether it reaches the output folder and the shards.

    Parameters
    ----------
    output, work : str
        Addresses of the output folder, and of a folder in it where a file is laid that nodes look for.
    shards : sequence of Shard
        Of which they look for the first.
    ask : callable
        Given a function and its arguments, calls it on each node; what it returns is what is amiss there.
    """
    mark = joined(work, f"here-{secrets.token_hex(8)}")
    with writing(mark) as file:
        file.write(b"Every node has to see this.\n")
    try:
        ask(amiss, output, mark, next((shard.address for shard in shards if shard.size >= 0), None))
        yield
    finally:
        with suppress(OSError):  # storage that has failed is said already
            if look_up(mark) is not None:
                remove_file(mark)
            if not files_in(work):
                remove_folder(work)


def amiss(output: str, mark: str, shard: str | None) -> str:
    """Return what this node lacks, with the remedy; nothing if it reaches all it needs.

    Examples
    --------
    >>> import tempfile
    >>> from storyclust.distributed.files import joined, write_json
    >>> from storyclust.distributed.storage_check import amiss
    >>> with tempfile.TemporaryDirectory() as output:
    ...     write_json(joined(output, "mark"), "here")
    ...     amiss(output, joined(output, "mark"), None)
    ''
    """
    try:
        if not _seen(mark):  # and nothing is written before: that would make a folder of the same name
            return f"does not see the output folder {output}, which others do{_remedy(output)}"
        with writing(own := f"{mark}-{secrets.token_hex(8)}") as file:
            file.write(b"Written to see whether it can be.\n")
        remove_file(own)
    except OSError as error:
        return f"cannot write to the output folder {output} ({_first_line(error)}){_remedy(output)}"
    if shard is None:
        return ""
    try:
        unseen = "" if _seen(shard) else f"does not see {shard}, which others do"
    except OSError as error:
        unseen = f"cannot read {shard} ({_first_line(error)})"
    return unseen and f"{unseen}{_remedy(shard)}"


def _seen(address: str) -> bool:
    until = time.monotonic() + PATIENCE
    while look_up(address) is None:
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def _remedy(address: str) -> str:
    if "://" in address:
        return "; the environment of every node has to name the endpoint and the credentials"
    return "; use a folder that is mounted on every node, or an address such as s3://bucket/folder"


def _first_line(error: OSError) -> str:
    return str(error).strip().partition("\n")[0]
