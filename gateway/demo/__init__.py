"""The demonstration: everything on one machine, on embedded parts, with a small company and an emulated carrier."""
