"""The commands, a module for each group. Importing this package registers them all."""
