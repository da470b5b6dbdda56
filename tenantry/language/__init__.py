"""What a workflow means: documents, schemas, templates, graph, validation, plan. Pure: no I/O, no clock."""
