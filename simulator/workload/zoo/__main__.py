"""``python -m simulator.workload.zoo [CHECKOUT]``: rewrite ``workloads/*.json`` and ``docs/schema/workload.json``.

Of the checkout that holds this file, unless another is given. ``SIMULATOR_REFERENCE_DIR`` names the folder of reference
data; without it the networks made from files there are left as they are.
"""

import os
import sys
from pathlib import Path

from simulator.workload.files import save_workload_schema
from simulator.workload.zoo import regenerate_library

if __name__ == "__main__":
    checkout = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).resolve().parents[3]
    reference = os.environ.get("SIMULATOR_REFERENCE_DIR")
    regenerate_library(checkout / "workloads", Path(reference) if reference else None)
    save_workload_schema(checkout / "docs" / "schema" / "workload.json")
