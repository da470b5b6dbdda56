"""What the control plane remembers: tables, migrations, queries. Called by services only."""
