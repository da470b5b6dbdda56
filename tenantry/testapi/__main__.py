"""`python -m tenantry.testapi --port 8082 --host 127.0.0.1` serves the test API until interrupted."""

from __future__ import annotations

import argparse

from tenantry.testapi.server import make_server


def main() -> None:
    """Serves on the given address."""
    parser = argparse.ArgumentParser(prog="python -m tenantry.testapi", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8082)
    arguments = parser.parse_args()
    make_server(arguments.host, arguments.port).run()


if __name__ == "__main__":
    main()
