from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from simulator.archives import read_arrays
from simulator.errors import WorkloadError


def test_arrays_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", one=np.arange(3), two=np.ones(2))
    assert sorted(read_arrays(tmp_path / "a.npz")) == ["one", "two"]
    assert read_arrays(tmp_path / "a.npz", ("one", "none"))["one"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("at", range(20, 260, 7))
def test_damage_is_one_clear_error_or_none(tmp_path, at):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, one=np.arange(300))
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)
    with suppress(WorkloadError):  # a flipped bit in a time stamp harms nothing; nothing else may escape
        read_arrays(path)


def test_what_is_no_archive_is_named(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(WorkloadError, match="it is no zip archive"):
        read_arrays(tmp_path / "text.npz")
    with pytest.raises(WorkloadError, match="no regular file"):
        read_arrays(tmp_path)
    np.save(tmp_path / "one.npy", np.ones(3))
    np.savez(tmp_path / "objects.npz", one=np.array([object()]), allow_pickle=True)
    for path in (tmp_path / "text.npz", tmp_path / "one.npy", tmp_path / "objects.npz", tmp_path, Path("/dev/null")):
        with pytest.raises(WorkloadError, match=r"cannot be read as an \.npz archive"):
            read_arrays(path)
