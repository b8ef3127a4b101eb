"""Checks that every node can read the shards and write to the output folder.

The most common mistake is a local folder that only some nodes see.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from storyclust.distributed.files import (
    file_info,
    join_address,
    list_files,
    open_for_writing,
    remove_file,
    remove_folder,
)

if TYPE_CHECKING:
    from storyclust.distributed.shards import Shard

VISIBILITY_SECONDS = 3.0  # that a new file may take to appear on another node


@contextmanager
def storage_checked(
    output: str, work: str, shards: Sequence[Shard], check_nodes: Callable[..., None]
) -> Iterator[None]:
    """Check every node's access to the output folder and the shards, also on nodes that join later.

    Parameters
    ----------
    output, work : str
        Addresses of the output folder, and of a folder in it for a file that nodes look for.
    shards : sequence of Shard
        Nodes look for the first.
    check_nodes : callable
        Given a function and its arguments, calls it on each node, and raises an error with what it returns.
    """
    mark = join_address(work, f"here-{secrets.token_hex(8)}")
    with open_for_writing(mark) as file:
        file.write(b"Every node has to see this.\n")
    try:
        first = next((shard.address for shard in shards if shard.size >= 0), None)
        check_nodes(storage_problem, output, mark, first)
        yield
    finally:
        with suppress(OSError):  # a failure of the storage is reported already
            if file_info(mark) is not None:
                remove_file(mark)
            if not list_files(work):
                remove_folder(work)


def storage_problem(output: str, mark: str, shard: str | None) -> str:
    """Return what this node cannot access, with the remedy; "" if there is no problem.

    Examples
    --------
    >>> import tempfile
    >>> from storyclust.distributed.files import join_address, write_json
    >>> from storyclust.distributed.storage_check import storage_problem
    >>> with tempfile.TemporaryDirectory() as output:
    ...     write_json(join_address(output, "mark"), "here")
    ...     storage_problem(output, join_address(output, "mark"), None)
    ''
    """
    try:
        if not _is_visible(mark):  # checked before writing, which would create a folder of the same name
            return f"does not see the output folder {output}, which others do{_remedy(output)}"
        with open_for_writing(own := f"{mark}-{secrets.token_hex(8)}") as file:
            file.write(b"Written to see whether it can be.\n")
        remove_file(own)
    except OSError as error:
        return f"cannot write to the output folder {output} ({_first_line(error)}){_remedy(output)}"
    if shard is None:
        return ""
    try:
        unseen = "" if _is_visible(shard) else f"does not see {shard}, which others do"
    except OSError as error:
        unseen = f"cannot read {shard} ({_first_line(error)})"
    return unseen and f"{unseen}{_remedy(shard)}"


def _is_visible(address: str) -> bool:
    until = time.monotonic() + VISIBILITY_SECONDS
    while file_info(address) is None:
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
