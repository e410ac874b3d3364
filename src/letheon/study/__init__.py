"""Studies: what a trial would show under given parameters, for calibration, validation and design."""
