"""Judging without any server: company files, days of texts, records."""
