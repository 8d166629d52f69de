"""From consented features to gated, registered models. It reads the features schema and nothing above it."""
