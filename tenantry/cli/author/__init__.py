"""The author's command line, `workflow`: definitions in files, judged and explained without any server."""
