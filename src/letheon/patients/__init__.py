"""Virtual patients: covariates, individual parameters, and draws of what nobody knows."""
