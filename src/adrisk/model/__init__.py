"""A trained model: fitted classifier, calibration, campaign risk, manifest and training profile."""
