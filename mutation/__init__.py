"""Mutation testing of the language: would a test notice if its code were wrong? `make mutation` asks."""
