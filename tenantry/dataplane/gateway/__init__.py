"""The gateway: accept, authenticate, admit, answer. REST of SPEC part 2 on Starlette."""
