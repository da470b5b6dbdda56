"""Bundles: fetch, verify, keep on disk, serve from memory."""
