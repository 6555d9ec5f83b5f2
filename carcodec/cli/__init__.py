"""The command line: options, files, progress and exit codes. Every algorithm lives below, in the package."""
