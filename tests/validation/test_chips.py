import pytest

from simulator.errors import ArchitectureError
from simulator.validation.chips import CHIPS, validate


def test_every_chip_is_validated_under_its_own_name(monkeypatch):
    monkeypatch.delenv("SIMULATOR_REFERENCE_DIR", raising=False)
    assert [validate(name).chip for name in CHIPS] == list(CHIPS)


def test_an_unknown_chip_is_named():
    with pytest.raises(ArchitectureError, match=r"'eyeriss_v3' \(did you mean 'eyeriss_v2'\?\)"):
        validate("eyeriss_v3")
