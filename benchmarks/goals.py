"""What each measurement is called in the report, what it should be, and what peers need for the same work."""

from dataclasses import dataclass

MEASURED = "measured elsewhere, processor seconds on two shared cores"
PUBLISHED = "published"


@dataclass(frozen=True)
class Goal:
    """One line of the report.

    Attributes
    ----------
    measurement : str
        Name of the measurement; several goals may look at one.
    limit : float or None
        None where nothing was promised.
    at_least : bool
        The limit is a floor (a rate), not a ceiling (a time, a size).
    unit : str
        Of the limit.
    peers : str
        Peers' figures for comparable work, each with where it comes from.
    """

    group: str
    measurement: str
    title: str
    limit: float | None = None
    at_least: bool = False
    peers: str = ""
    unit: str = "s"


SCALESIM = f"SCALE-Sim v3: 54.5 s, 1.2 GB ({MEASURED})"
LAYERS = "layers/s"
NETWORKS = "networks/s"
LOOPS = "Search loops, ResNet-50"
TABLES = "Latency tables in HAQ's form, from nothing"
RESNET50 = f"ONNXim, with DRAM timing: 32.5 s ({MEASURED})"
RESNET18 = (
    f"ZigZag 107 s; SCALE-Sim 157.8 s, 3.4 GB; nn_dataflow, AlexNet: 2.5-87 s ({MEASURED}); "
    f'Timeloop mapper "within 30 min" ({PUBLISHED})'
)
EVALUATION = f"a design: timeloop-model 0.39 s, AccelForge 0.26 s ({MEASURED})"
EVENT = "Whole networks, warm, event fidelity"
SPARSE = "Sparse engines, warm"

DRAM = "DRAM by itself, bursts a second of processor time"
DRAM_GOALS = tuple(
    Goal(DRAM, f"dram_{preset}_{kind}", f"{preset}: {what}", target, at_least=True, unit="requests/s")
    for preset in ("ddr4_2400", "lpddr5_6400", "hbm2")
    for kind, what, target in (
        ("reads_1MiB", "streams of 1 MiB read", 20e6),
        ("reads_1MiB_stepped", "the same, every burst stepped", None),
        ("reads_32KiB", "streams of 32 KiB read", 20e6),
        ("writes_1MiB", "streams of 1 MiB written", 20e6),
        ("random", "random reads", 2e6),
    )
)

GOALS = (
    Goal("Start-up", "help_command", "`simulator --help`"),
    Goal("Start-up", "list_command", "`simulator list workloads`"),
    Goal("Start-up", "warm_command", "ResNet-50 as a command, compiled kernels kept", 3.0, peers=RESNET50),
    Goal("Start-up", "warm_command_memory", "the same, peak resident memory"),
    Goal("Start-up", "cold_command", "the first run ever, kernels compiled on the way", 30.0),
    Goal("Stages, ResNet-50 int8 on tpu_like_128", "import_onnx", "import the ONNX file (float)"),
    Goal("Stages, ResNet-50 int8 on tpu_like_128", "load_json", "load and check the JSON workload"),
    Goal("Stages, ResNet-50 int8 on tpu_like_128", "load_accelerator", "load and check the accelerator"),
    Goal("Stages, ResNet-50 int8 on tpu_like_128", "bind", "bind layers to the machine"),
    Goal("Stages, ResNet-50 int8 on tpu_like_128", "map", "search a mapping for every layer"),
    Goal("Stages, ResNet-50 int8 on tpu_like_128", "plan", "put every tile on the tape"),
    Goal("Stages, ResNet-50 int8 on tpu_like_128", "run", "run the tape over the memory"),
    Goal("Whole networks, warm, bandwidth fidelity", "resnet50", "ResNet-50 int8, whole", 0.2, peers=RESNET50),
    Goal("Whole networks, warm, bandwidth fidelity", "resnet50_memory", "the same, peak resident memory"),
    Goal(EVENT, "resnet50_event_ddr4", "ResNet-50 int8, whole, DDR4-2400 x 4", 0.5, peers=RESNET50),
    Goal(EVENT, "resnet50_event_hbm2", "ResNet-50 int8, whole, HBM2", 0.5, peers=RESNET50),
    Goal(EVENT, "resnet50_event_memory", "the same, peak resident memory", 500.0, unit="MB"),
    Goal(
        "Whole networks, warm, bandwidth fidelity",
        "alexnet_conv",
        "AlexNet's convolutions, 128 x 128 WS, every access accounted",
        0.1,
        peers=SCALESIM,
    ),
    Goal(
        "Whole networks, warm, bandwidth fidelity",
        "alexnet_conv_memory",
        "the same, peak resident memory",
        300.0,
        unit="MB",
    ),
    Goal("Whole networks, warm, bandwidth fidelity", "resnet18", "ResNet-18 mapped and costed", 1.0, peers=RESNET18),
    Goal(
        "Whole networks, warm, bandwidth fidelity",
        "resnet18_auto",
        "the same, best of WS, OS and IS for each layer by energy x delay",
        1.0,
        peers=RESNET18,
    ),
    Goal(
        LOOPS,
        "random_bits_empty",
        "random bits for each layer, no mapping known at first",
        5000.0,
        at_least=True,
        unit=LAYERS,
        peers=EVALUATION,
    ),
    Goal(
        LOOPS,
        "random_bits",
        "random bits never seen before, after 200 other assignments",
        5000.0,
        at_least=True,
        unit=LAYERS,
        peers=EVALUATION,
    ),
    Goal(
        LOOPS,
        "random_bits",
        "the same against the design's goal",
        10000.0,
        at_least=True,
        unit=LAYERS,
    ),
    Goal(LOOPS, "known_bits", "assignments whose mappings are known, results never asked", 300.0, True, "", NETWORKS),
    Goal(LOOPS, "known_layers", "the same, layer by layer", 10000.0, True, "", LAYERS),
    Goal(LOOPS, "memory_bits", "the same asked again: answers from memory", None, True, "", NETWORKS),
    Goal(LOOPS, "evaluate_many", "`evaluate_many`, random bits, nothing known before", 300.0, True, "", NETWORKS),
    Goal(LOOPS, "evaluate_many_file", "the same, mappings and results kept in a file", None, True, "", NETWORKS),
    Goal(
        LOOPS,
        "haq_loop",
        "HAQ's loop: lower bits layer by layer to a budget",
        5000.0,
        at_least=True,
        unit=LAYERS,
    ),
    Goal(TABLES, "haq_table", "MobileNetV2 on tpu_like_128, every layer at 8 x 8 widths", 1.0),
    Goal(TABLES, "haq_table_bitfusion", "the same on bitfusion, HAQ's own accelerator"),
    Goal(TABLES, "haq_table_resnet50", "ResNet-50 on tpu_like_128, every layer at 8 x 8 widths", 1.0),
    Goal(TABLES, "lut_queries", "questions asked of a table", 1e6, True, "", LAYERS),
    Goal(SPARSE, "eie_alex6", "EIE, Alex-6 on 64 PEs, encoded", 1e-4, peers=f"stepping: 68 ms ({MEASURED})"),
    Goal(SPARSE, "eie_speed", "the same, simulated cycles"),
    Goal(SPARSE, "eie_alex6_run", "the same with row reads, waits and loads counted for energy and reports"),
    Goal(SPARSE, "eie_encode", "encode 4096 x 9216 at 9 % for 64 PEs", 0.3),
    Goal(SPARSE, "eie_nine_layers", "the paper's nine layers, drawn and run", 1.0),
    Goal(SPARSE, "eie_depth_sweep", "queue depths over them and the real layer", 1.0),
    Goal(SPARSE, "eie_pe_sweep", "PE counts over them", 1.0),
    Goal(SPARSE, "eie_width_sweep", "weight-SRAM widths over them and the real layer", 1.0),
    Goal(SPARSE, "eie_sweeps", "the three sweeps in one", 1.0),
    Goal(SPARSE, "eie_over_oracle", "EIE's law over its oracle"),
    Goal(SPARSE, "scnn_layer", "SCNN, AlexNet's third convolution, product by product"),
    Goal("Ratios, same machine, same run", "law_speed", "systolic law, simulated cycles"),
    Goal("Ratios, same machine, same run", "systolic_oracle_speed", "its oracle, stepping every register"),
    Goal("Ratios, same machine, same run", "law_over_oracle", "law over oracle"),
    Goal("Ratios, same machine, same run", "engine_speed", "engine, simulated cycles"),
    Goal("Ratios, same machine, same run", "engine_oracle_speed", "its oracle, stepping every cycle"),
    Goal("Ratios, same machine, same run", "engine_over_oracle", "engine over oracle"),
    Goal("Ratios, same machine, same run", "compiled_over_interpreted", "compiled engine over NUMBA_DISABLE_JIT=1"),
    Goal("Ratios, same machine, same run", "pruning", "mapper: loop orders priced without pruning over with it"),
    Goal("Ratios, same machine, same run", "identical_layers", "mapper: layers over distinct layers searched"),
    *DRAM_GOALS,
    Goal(DRAM, "dram_ddr4_2400_oracle", "ddr4_2400: the oracle, which steps every clock"),
)
