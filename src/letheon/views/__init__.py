"""What people see of Letheon: the command line, its tables, and the report of a run."""
