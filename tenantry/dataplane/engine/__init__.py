"""The engine: a pure core that decides, and a driver that carries out what it decided."""
