"""`python -m tests.reliability <proof>`: the long forms of the proofs of reliability, for `make torture`.

Each prints its seeds and figures; the exit code is 0 when nothing was violated.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Final

PROOFS: Final = {
    "exhaustive": "every interleaving of small executions with so many disturbances",
    "simulation": "the gateway, executors and journal in a simulated world",
    "cancelling": "requests given up at every step of the event loop, with two tenants at the same keys",
    "killing": "real processes killed wherever they persist or take over, on a real PostgreSQL",
    "store_faults": "the gateway's suite on a store that fails before or after its commits",
}


def main() -> int:
    """Runs what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("proof", choices=[*PROOFS, "all"])
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument("--processes", type=int, default=2, help="that share the work (default: 2)")
    parser.add_argument("--disturbances", type=int, default=3, help="of exhaustive, in all (default: 3)")
    parser.add_argument(
        "--depth", type=int, help="of exhaustive: so many things happen (default: to the end)"
    )
    arguments = parser.parse_args()
    names = list(PROOFS) if arguments.proof == "all" else [arguments.proof]
    return int(sum(_run(name, arguments) for name in names) > 0)


def _run(name: str, arguments: argparse.Namespace) -> int:
    print(f"{name}: {PROOFS[name]}", flush=True)
    violations: int = import_module(f"tests.reliability.{name}").main(arguments)
    return violations


if __name__ == "__main__":
    sys.exit(main())
