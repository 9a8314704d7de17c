"""``python -m simulator.workload.zoo``: rewrite ``workloads/*.json`` and ``docs/schema/workload.json``.

Run it in a checkout. ``SIMULATOR_REFERENCE_DIR`` names the folder of reference data; without it the networks made from
files there are left as they are.
"""

import os
from pathlib import Path

from simulator.workload.files import save_workload_schema
from simulator.workload.library import library_folder
from simulator.workload.zoo import regenerate_library

if __name__ == "__main__":
    reference = os.environ.get("SIMULATOR_REFERENCE_DIR")
    workloads = library_folder()
    regenerate_library(workloads, Path(reference) if reference else None)
    save_workload_schema(workloads.parent / "docs" / "schema" / "workload.json")
