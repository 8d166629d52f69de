"""The leak test: unique values planted in a log, and a search for every form of them in every byte below `raw`."""
