"""Privacy as commands and Dagster jobs: one module per area. What they do is the privacy package's."""
