"""Arrays from ``.npz`` archives of strangers: read whole, without pickles, every way to be broken in one error."""

import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import numpy as np
import numpy.typing as npt

from simulator.errors import WorkloadError

_FAULTS = (
    OSError, ValueError, EOFError, TypeError, AttributeError, KeyError, MemoryError, NotImplementedError, RuntimeError,
    SyntaxError, BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy and zipfile raise on damaged, lying, encrypted or foreign files."""


def read_arrays(path: Path, names: Collection[str] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz`` by name: those of ``names`` that it holds, or all.

    Raises
    ------
    WorkloadError
        The file is missing, no regular file, or no readable archive.
    """
    try:
        if not path.is_file():  # a device or a pipe may never end
            fault = "no regular file" if path.exists() else "no such file"
            message = f"{path}: cannot be read as an .npz archive ({fault}); check the path"
            raise WorkloadError(message)
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                message = (
                    f"{path}: cannot be read as an .npz archive (one bare array); save named arrays with numpy.savez"
                )
                raise WorkloadError(message)
            held = archive.files
            return {name: archive[name] for name in held if names is None or name in names}
    except _FAULTS as problem:
        if "allow_pickle" in str(problem):
            fault = "it holds Python objects" if is_zipfile(path) else "it is no zip archive"
            message = f"{path}: cannot be read as an .npz archive ({fault}); save arrays of numbers with numpy.savez"
        else:
            message = f"{path}: cannot be read as an .npz archive ({problem}); check that the file is complete"
        raise WorkloadError(message) from None
