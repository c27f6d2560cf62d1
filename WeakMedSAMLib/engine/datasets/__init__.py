"""Readers of public dataset layouts, and patient-level splits."""
