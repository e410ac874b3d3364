"""The bladder: laws of injury (`laws`), patterns of use (`use`) and their fit (`likelihood`)."""
