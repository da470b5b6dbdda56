"""The command line: `tenantry run` starts the whole platform on this machine and shows it working."""
