"""Readers of reports of tests, scans and bills of materials, one format a file."""
