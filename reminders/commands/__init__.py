"""The commands of the command line, a module each: what is not asked for is not imported."""
