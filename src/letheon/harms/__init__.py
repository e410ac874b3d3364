"""What a regimen costs: acute effects, circulation, liver, bladder, and the mood that comes beside them."""
