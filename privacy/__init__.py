"""Privacy: consent, classification, the transform and the vault. It reads raw, writes consent, privacy and safe."""
