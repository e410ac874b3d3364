"""Virtual patients: covariates, individual parameters, and draws of uncertain values."""
