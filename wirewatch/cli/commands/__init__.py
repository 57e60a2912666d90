"""The commands, a module for each group; `wirewatch.cli.app` has the table that names them."""
