"""The entries of the catalogue, in the groups of compliance/rules. The front door is compliance/catalogue.py."""
