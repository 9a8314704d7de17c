"""Tables and quantities carry their source."""

import pytest
from pydantic import ValidationError

from simulator.arch.measurements import Form, Quantity, read_table
from simulator.errors import ArchitectureError


class Anything(Form):
    node_nm: float


@pytest.mark.parametrize(
    "change", [{"value": -1.0}, {"value": float("nan")}, {"source": ""}, {"mark": "X"}, {"more": 1}]
)
def test_a_quantity_without_sense_or_source_is_refused(change):
    with pytest.raises(ValidationError):
        Quantity.model_validate({"value": 1.0, "unit": "pJ", "source": "a paper", "mark": "F"} | change)


def test_a_table_that_does_not_fit_its_form_names_the_file():
    with pytest.raises(ArchitectureError, match=r"sram\.json"):
        read_table(Anything, "sram")
