"""What `lethe privacy` does, for Python: a façade a noun over an open platform. Commands and jobs call the same."""
